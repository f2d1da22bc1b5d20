# Provisioners in order, then each chain on the builder's artifact.
source "null" "a" { content = "hello ${source.name} of ${source.type}" }
source "null" "b" {}

build {
  name    = "first"
  sources = ["source.null.a", "null.b"]

  provisioner "note" { text = "one ${build.name} ${build.ID}" }
  provisioner "note" {
    text = "only b"
    only = ["null.b"]
  }
  provisioner "note" {
    text     = "port"
    port     = build.Port
    override = { a = { text = "overridden" } }
  }
  post-processors {
    post-processor "tag" { as = "x" }
    post-processor "tag" {
      as     = "y"
      except = ["null.b"]
    }
    post-processor "tag" { as = "disk ${build.Disk}" }
  }
  post-processor "tag" { as = "lone" }
}

build {
  source "null.a" {
    name = "renamed"
  }
  source "null.b" {
    content = "added"
  }
}
