# Every fault at once, each with the nearest name.
variable "colour" { default = "red" }
locals { greeting = "hello" }
source "null" "alpha" { contents = "x" }
source "nul" "beta" {}
build {
  sources = ["null.alpha", "nul.beta"]
  provisioner "noet" { text = "x" }
  provisioner "note" { text = "${var.color} ${local.greetings} ${uper("x")}" }
  provisioner "note" { text = build.Disc }
  post-processor "tga" { as = "x" }
}
