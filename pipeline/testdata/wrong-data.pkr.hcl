data "echo" "refused" {
  invalid = "text: it is not nice"
}
data "echo" "failed" {
  fail = "the server is gone"
}
data "echo" "odd" {
  odd = true
}
data "echo" "panics" {
  panics = true
}
data "ecko" "unknown" {}
data "echo" "argument" {
  txt = "x"
}
source "null" "a" {}
locals {
  all     = [data.echo.failed, data.echo.odd, data.echo.panics, data.ecko.unknown]
  missing = data.echo.none
}
build { sources = ["null.a"] }
