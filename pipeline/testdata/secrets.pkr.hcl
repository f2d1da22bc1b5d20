# var=password=hunter2secret
variable "password" {
  type      = string
  sensitive = true
}
local "token" {
  expression = "tok-${var.password}-en"
  sensitive  = true
}
locals { plain = "plain" }

source "null" "a" {}
build {
  sources = ["null.a"]
  provisioner "note" { text = "password ${var.password}, token ${local.token}, ${local.plain}, key ${build.SSHPrivateKey}" }
  provisioner "note" {
    text     = "fails with ${var.password}"
    failures = 1
  }
}
