# what the builder will give, in a text and as a number
source "null" "a" {}
build {
  sources = ["null.a"]
  provisioner "note" {
    text = "ID=${build.ID}"
    port = build.Port
    list = ["DISK=${build.Disk}"]
  }
}
