# github.com/hashicorp/qemu: a builder, with a disk whose boot sector switches the
# machine off.
packer {
  required_plugins {
    qemu = {
      source  = "github.com/hashicorp/qemu"
      version = ">= 1.1.0"
    }
  }
}

variable "disk" {}

source "qemu" "t" {
  disk_image       = true
  iso_url          = var.disk
  iso_checksum     = "none"
  accelerator      = "tcg"
  headless         = true
  communicator     = "none"
  shutdown_timeout = "5m"
  disable_vnc      = true
  format           = "qcow2"
  output_directory = "qemu"
  vm_name          = "t.qcow2"
}

build {
  sources = ["source.qemu.t"]
  post-processor "checksum" {
    checksum_types = ["sha256"]
    output         = "qemu.txt"
  }
}
