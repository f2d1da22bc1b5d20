# A component's own faults, all of them, at its block.
packer {
  required_version = ">= 1.7.0"
  required_plugins {
    amigo = {
      source  = "github.com/geneontology/amigo"
      version = ">= 0.1.0"
    }
  }
}
source "null" "a" { invalid = ["memory: too little", "disk_size: missing"] }
build { sources = ["null.a"] }
