# Images of several branches or tags of AmiGO, each built by itself:
#
#   amigo-image plan examples/many
#   amigo-image build --only amigo-qemu.nightly examples/many

packer {
  required_version = ">= 1.11.0"
  required_plugins {
    amigo = {
      source  = "github.com/geneontology/amigo"
      version = ">= 0.1.0"
    }
  }
}

variable "refs" {
  type        = map(string)
  default     = { nightly = "master" }
  description = "What to build: for each channel of the repository, a branch, tag or full commit of AmiGO."
}

variable "amigo_source" {
  type        = string
  default     = "https://github.com/geneontology/amigo.git"
  description = "AmiGO's source: a git repository."
}

variable "output" {
  type    = string
  default = "output"
}

locals {
  sample = "${path.root}/../amigo/sample"
}

source "amigo-qemu" "amigo" {
  bootstrap {
    needs = ["amigo", "production"]
  }
  disk_size = "8G"
  memory    = 2048
  cpus      = 2
  vm_name   = "amigo"
}

build {
  dynamic "source" {
    for_each = var.refs
    labels   = ["amigo-qemu.amigo"]
    content {
      name             = source.key
      output_directory = "${var.output}/${source.key}/disk"
    }
  }

  provisioner "amigo" {
    source = var.amigo_source
    ref    = var.refs[source.name]

    golr {
      documents     = ["${local.sample}/golr-documents.xml"]
      memory        = "512m"
      timestamp_log = "${local.sample}/data/golr_timestamp.log"
      release_doi   = "${local.sample}/data/release-archive-doi.json"
    }
  }

  post-processors {
    post-processor "amigo-distribution" {
      output_directory = "${var.output}/${source.name}/distribution"
    }
    post-processor "amigo-production" {
      output_directory = "${var.output}/${source.name}/production"
    }
  }
}
