# only=*.a except=label
source "null" "a" {}
source "null" "b" {}
build {
  sources = ["null.a", "null.b"]
  post-processors {
    post-processor "tag" { as = "one" }
    post-processor "tag" {
      name = "label"
      as   = "never"
    }
    post-processor "tag" { as = "never either" }
  }
}
