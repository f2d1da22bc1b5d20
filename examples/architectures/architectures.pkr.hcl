# The same AmiGO for two processors, to publish as one version: "amigo-image publish
# output/architectures" takes all four images. What is not this host's own is emulated.
#
#   amigo-image build examples/architectures
#   amigo-image build -only '*.arm64' examples/architectures

packer {
  required_plugins {
    amigo = {
      source  = "github.com/geneontology/amigo"
      version = ">= 0.1.0"
    }
  }
}

variable "output" {
  type    = string
  default = "output/architectures"
}

locals {
  sample = "${path.root}/../amigo/sample"
}

source "amigo-qemu" "amd64" {
  architecture = "amd64"
  bootstrap {
    needs = ["amigo", "production"]
  }
  output_directory = "${var.output}/disk-amd64"
}

source "amigo-qemu" "arm64" {
  architecture = "arm64"
  bootstrap {
    needs = ["amigo", "production"]
  }
  output_directory = "${var.output}/disk-arm64"
}

build {
  sources = ["source.amigo-qemu.amd64", "source.amigo-qemu.arm64"]

  provisioner "amigo" {
    source = local.sample

    golr {
      documents     = ["${local.sample}/golr-documents.xml"]
      timestamp_log = "${local.sample}/data/golr_timestamp.log"
      release_doi   = "${local.sample}/data/release-archive-doi.json"
    }
  }

  post-processors {
    post-processor "amigo-distribution" {
      output_directory = "${var.output}/distribution-${source.name}"
    }
    post-processor "amigo-production" {
      output_directory = "${var.output}/production-${source.name}"
    }
  }
}
