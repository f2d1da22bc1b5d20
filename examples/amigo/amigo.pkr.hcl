# From packages to two running AmiGO images: the software-distribution image
# and, made from it, the production variant.
#
#   amigo-image build examples/amigo
#   packer init examples/amigo && packer build examples/amigo

packer {
  required_version = ">= 1.11.0"
  required_plugins {
    amigo = {
      source  = "github.com/geneontology/amigo"
      version = ">= 0.1.0"
    }
  }
}

variable "distribution" {
  type        = string
  default     = "debian"
  description = "The distribution that the images are made of: debian or ubuntu."
}

variable "release" {
  type        = string
  default     = ""
  description = "Its release: of Debian trixie (13) or bookworm (12), of Ubuntu noble (24.04) or resolute (26.04). Empty: the first."
}

variable "architecture" {
  type        = string
  default     = ""
  description = "The processor of the images: amd64 or arm64. Empty: this host's own."
}

variable "amigo_source" {
  type        = string
  default     = ""
  description = "AmiGO's source: a directory, a git URL or an archive. Empty: the sample AmiGO beside this file."
}

variable "amigo_ref" {
  type        = string
  default     = ""
  description = "A branch, tag or full commit, if amigo_source is a git repository."
}

variable "amigo_checksum" {
  type        = string
  default     = ""
  description = "The checksum, like \"sha256:...\", if amigo_source is an archive. One from the network needs it."
}

variable "solr_war" {
  type        = string
  default     = ""
  description = "A copy of the Solr that GOlr runs on (org.apache.solr:solr:3.6.2:war). Empty: it is fetched when the index is first made."
}

variable "golr_release" {
  type        = string
  default     = ""
  description = "A release of the Gene Ontology: current, the date of one, or the directory or address of what is laid out like one. Empty: the sample's data."
}

variable "golr_documents" {
  type        = list(string)
  default     = []
  description = "Solr documents to load into GOlr. Empty: the sample's, which is not a release of GO's data."
}

variable "ontology" {
  type        = list(string)
  default     = []
  description = "Ontologies to make an index of, like go.obo; golr_documents are not loaded then."
}

variable "annotations" {
  type        = list(string)
  default     = []
  description = "GAF, GPAD and GPI files with annotations to the terms of the ontology."
}

variable "golr_index" {
  type        = string
  default     = ""
  description = "A finished GOlr index, as a directory or a tar; golr_documents are not loaded then."
}

variable "golr_timestamp_log" {
  type        = string
  default     = ""
  description = "golr_timestamp.log of the index: which release of the data it is."
}

variable "golr_release_doi" {
  type        = string
  default     = ""
  description = "release-archive-doi.json of the index: how the release is cited."
}

variable "golr_on" {
  type        = string
  default     = ""
  description = "Where the data are: system, in the images, or data, on a disk of their own. Empty: on their own if they are large."
}

variable "disk_size" {
  type        = string
  default     = ""
  description = "The size of the disk, like \"8G\". Empty: what the data need."
}

variable "memory" {
  type        = number
  default     = 2048
  description = "The memory of the machine that is built, in MiB, and of those that are tested if their data don't need more."
}

variable "golr_memory" {
  type        = string
  default     = ""
  description = "The memory of Solr, like \"512m\". Empty: what the data need."
}

variable "bundle_on" {
  type    = string
  default = "auto"
}

variable "serve" {
  type    = string
  default = "workers"
}

variable "accelerators" {
  type    = list(string)
  default = ["kvm", "tcg"]
}

variable "output" {
  type    = string
  default = "output"
}

locals {
  sample    = "${path.root}/sample"
  kind      = var.architecture == "" ? "" : "-${var.architecture}"
  documents = length(var.golr_documents) > 0 ? var.golr_documents : ["${local.sample}/golr-documents.xml"]
  finished  = var.golr_release != "" || var.golr_index != "" || length(var.ontology) > 0
  # Only of the sample's data the sample's files tell the release.
  data = !local.finished && length(var.golr_documents) == 0 ? "${local.sample}/data" : ""
  # The index of a release fits into no smaller system.
  large = var.golr_release != "" && var.golr_on == "system"
}

source "amigo-qemu" "amigo" {
  # What AmiGO needs is installed here, natively, and not in the guest. What
  # only the production variant uses waits, switched off.
  bootstrap {
    distribution = var.distribution
    release      = var.release
    needs        = ["amigo", "production"]
  }
  architecture     = var.architecture
  disk_size        = var.disk_size != "" ? var.disk_size : local.large ? "40G" : "8G"
  memory           = var.memory
  cpus             = 2
  accelerators     = var.accelerators
  output_directory = "${var.output}/disk${local.kind}"
  vm_name          = "amigo"
}

build {
  sources = ["source.amigo-qemu.amigo"]

  provisioner "amigo" {
    source          = var.amigo_source != "" ? var.amigo_source : local.sample
    ref             = var.amigo_ref
    source_checksum = var.amigo_checksum
    bundle_on       = var.bundle_on
    serve           = var.serve

    golr {
      solr_war      = var.solr_war
      release       = var.golr_release
      on            = var.golr_on
      index         = var.golr_index
      documents     = local.finished ? [] : local.documents
      ontology      = var.ontology
      annotations   = var.annotations
      memory        = var.golr_memory
      timestamp_log = var.golr_timestamp_log != "" || local.data == "" ? var.golr_timestamp_log : "${local.data}/golr_timestamp.log"
      release_doi   = var.golr_release_doi != "" || local.data == "" ? var.golr_release_doi : "${local.data}/release-archive-doi.json"
    }
  }

  post-processor "amigo-data" {
    output_directory = "${var.output}/data"
  }
  post-processors {
    post-processor "amigo-distribution" {
      output_directory = "${var.output}/distribution${local.kind}"
      accelerators     = var.accelerators
    }
    post-processor "amigo-production" {
      output_directory = "${var.output}/production${local.kind}"
      accelerators     = var.accelerators
    }
  }
}
