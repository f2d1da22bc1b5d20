# data sources and locals in any order; what nothing refers to is not executed
build {
  sources = ["null.a"]
  dynamic "provisioner" {
    for_each = data.echo.last.list
    labels   = ["note"]
    content {
      text = "${provisioner.value}, ${build.name}"
    }
  }
}
source "null" "a" {
  content = local.third
}
locals {
  third  = "third after ${data.echo.last.text}"
  second = "second after ${data.echo.first.text}"
}
data "echo" "last" {
  text = local.second
}
data "echo" "first" {
  text = "first"
}
data "echo" "unused" {
  text = "unused"
}
