# github.com/ivoronin/sshkey: a data source that makes a key.
packer {
  required_plugins {
    sshkey = {
      source  = "github.com/ivoronin/sshkey"
      version = ">= 1.0.0"
    }
  }
}

data "sshkey" "t" {
  type = "ed25519"
}

source "file" "t" {
  content = data.sshkey.t.public_key
  target  = "sshkey.txt"
}

build {
  sources = ["source.file.t"]
}
