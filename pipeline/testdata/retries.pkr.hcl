# Retries, each in the time it is given, also after a pause.
source "null" "a" {}

build {
  sources = ["null.a"]
  provisioner "note" {
    text        = "third time"
    failures    = 2
    max_retries = 2
  }
  provisioner "note" {
    text         = "too slow"
    sleep        = "1m"
    timeout      = "30ms"
    pause_before = "1ms"
    max_retries  = 1
  }
}
