source "null" "alpha" {}
build {
  sources = ["null.alhpa"]
  provisionr "note" {}
}
