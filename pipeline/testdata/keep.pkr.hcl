# Which artifacts stay.
source "null" "a" {}

build {
  name    = "defaults"
  sources = ["null.a"]
  post-processors {
    post-processor "tag" { as = "drops" }
    post-processor "tag" {
      as    = "keeps"
      keeps = true
    }
    post-processor "tag" { as = "last" }
  }
}
build {
  name    = "asked"
  sources = ["null.a"]
  post-processors {
    post-processor "tag" {
      as                  = "kept"
      keep_input_artifact = true
    }
    post-processor "tag" {
      as                  = "dropped"
      keeps               = true
      keep_input_artifact = false
    }
  }
}
build {
  name    = "insists"
  sources = ["null.a"]
  post-processor "tag" {
    as                  = "insists"
    keeps               = true
    forces              = true
    keep_input_artifact = false
  }
}
build {
  name    = "one vote"
  sources = ["null.a"]
  post-processor "tag" { as = "drops" }
  post-processor "tag" {
    as    = "keeps"
    keeps = true
  }
}
build {
  name    = "halted"
  sources = ["null.a"]
  post-processors {
    post-processor "tag" {
      as    = "halts"
      halts = true
    }
    post-processor "tag" { as = "never" }
  }
}
