# A chain that fails does not stop the next, nor another build.
source "null" "a" {}
source "null" "breaks" { panics = true }
source "null" "fails" { fail = "no machine" }

build {
  sources = ["null.a", "null.breaks", "null.fails"]
  post-processors {
    post-processor "tag" { as = "first" }
    post-processor "tag" {
      as    = "fails"
      fails = true
    }
    post-processor "tag" { as = "never" }
  }
  post-processor "tag" { as = "second chain" }
}
build {
  name    = "cleanup"
  sources = ["null.a"]
  provisioner "note" {
    text     = "broken"
    failures = 9
  }
  provisioner "note" { text = "never" }
  error-cleanup-provisioner "note" { text = "cleaning" }
  post-processor "tag" { as = "never" }
}
