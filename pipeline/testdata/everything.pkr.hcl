# most of what a template can have
packer {
  required_plugins {
    x = {
      source  = "example.org/a/b"
      version = ">= 1.0"
    }
  }
}
variable "v" {
  type    = list(object({ a = optional(string, "b") }))
  default = [{}]
  validation {
    condition     = length(var.v) > 0
    error_message = "It is empty."
  }
}
local "l" {
  expression = [for x in var.v : x.a if x.a != "c"]
  sensitive  = true
}
data "echo" "d" { text = local.l[0] }
source "null" "a" {
  content = <<E
%{ for x in local.l ~}${x}%{ endfor }
E
}
build {
  name = "b"
  source "null.a" { name = "c" }
  dynamic "provisioner" {
    for_each = local.l
    labels   = ["note"]
    content { text = provisioner.value }
  }
  error-cleanup-provisioner "note" { only = ["null.c"] }
  post-processors {
    post-processor "tag" { keep_input_artifact = true }
  }
}