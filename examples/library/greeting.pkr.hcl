variable "name" {
  default = "world"
}

source "greeter" "hello" {
  name = var.name
}

build {
  sources = ["source.greeter.hello"]

  post-processor "manifest" {
    output = "greeting.json"
  }
}
