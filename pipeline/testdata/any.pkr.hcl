# var=list=["a","b"] var=any={x=[1]} var=text=[1]
variable "list" { default = [] }
variable "any" { type = any }
variable "text" {}
source "null" "a" { content = jsonencode([var.list, var.any, var.text]) }
build { sources = ["null.a"] }
