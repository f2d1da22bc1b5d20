data "echo" "a" { text = local.b }
locals { b = data.echo.c.text }
data "echo" "c" { text = data.echo.a.text }
source "null" "a" {}
build { sources = ["null.a"] }
