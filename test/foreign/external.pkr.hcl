# github.com/joomcode/external: data sources that run a program, one of which feeds
# the other.
packer {
  required_plugins {
    external = {
      source  = "github.com/joomcode/external"
      version = ">= 0.0.1"
    }
  }
}

data "external" "t" {
  program = ["jq", "{ found: .key }"]
  query   = { key = "value" }
}

data "external-raw" "t" {
  program = ["tr", "a-z", "A-Z"]
  query   = data.external.t.result["found"]
}

source "file" "t" {
  content = data.external-raw.t.result
  target  = "external.txt"
}

build {
  sources = ["source.file.t"]
}
