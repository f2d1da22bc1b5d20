integration {
  name        = "AmiGO"
  description = "Builds, boot-tests and publishes qcow2 images of AmiGO, the Gene Ontology's web application."
  identifier  = "packer/geneontology/amigo"
  flags       = ["community"]
  docs {
    process_docs    = true
    readme_location = "./README.md"
    external_url    = "https://github.com/geneontology/packer-plugin-amigo"
  }
  license {
    type = "BSD-3-Clause"
    url  = "https://github.com/geneontology/packer-plugin-amigo/blob/main/LICENSE"
  }
  component {
    type = "builder"
    name = "AmiGO QEMU"
    slug = "qemu"
  }
  component {
    type = "provisioner"
    name = "AmiGO"
    slug = "amigo"
  }
  component {
    type = "post-processor"
    name = "AmiGO data image"
    slug = "data"
  }
  component {
    type = "post-processor"
    name = "AmiGO distribution image"
    slug = "distribution"
  }
  component {
    type = "post-processor"
    name = "AmiGO production image"
    slug = "production"
  }
  component {
    type = "post-processor"
    name = "AmiGO publish"
    slug = "publish"
  }
}
