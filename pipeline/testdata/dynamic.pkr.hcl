# Dynamic blocks, functions and locals in any order.
variable "names" {
  type    = list(string)
  default = ["x", "y"]
}
locals {
  last  = "${local.first}-${length(var.names)}"
  first = upper(join("+", var.names))
  many  = [alltrue([true, true]), anytrue([false]), sum([1, 2]), index(["a", "b"], "b"), startswith("abc", "a"), try(local.missing.it, "tried"), fileexists("${path.root}/dynamic.pkr.hcl")]
}
source "null" "a" { content = jsonencode(local.many) }
build {
  sources = ["null.a"]
  dynamic "provisioner" {
    for_each = var.names
    labels   = ["note"]
    content {
      text = "${provisioner.value} of ${local.last}"
    }
  }
}
