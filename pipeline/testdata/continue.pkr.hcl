# a provisioner that may fail
source "null" "a" {}
build {
  sources = ["null.a"]
  hcp_packer_registry {}
  provisioner "note" {
    text              = "may fail"
    failures          = 9
    max_retries       = 1
    continue_on_error = true
  }
  provisioner "note" { text = "next" }
}
