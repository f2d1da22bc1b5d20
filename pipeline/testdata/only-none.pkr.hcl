# only=nul.a
source "null" "a" {}
build { sources = ["null.a"] }
