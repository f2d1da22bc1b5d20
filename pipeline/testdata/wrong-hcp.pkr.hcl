hcp_packer_registry { bucket_name = "a bucket" }
hcp_packer_registry {
  bucket_name   = "amigo-${local.variant}"
  description   = join("", [for i in range(256) : "x"])
  bucket_labels = { a = "b" }
}
locals { variant = "stable" }
source "null" "a" {}
build {
  sources = ["null.a"]
  hcp_packer_registry { bucket_name = "x" }
}
