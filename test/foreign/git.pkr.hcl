# github.com/ethanmdavidson/git: data sources that read a repository.
packer {
  required_plugins {
    git = {
      source  = "github.com/ethanmdavidson/git"
      version = ">= 0.6.0"
    }
  }
}

variable "repository" {}

data "git-repository" "t" {
  path = var.repository
}

data "git-commit" "t" {
  path = var.repository
}

data "git-tree" "t" {
  path = var.repository
}

source "file" "t" {
  content = "${data.git-repository.t.head} ${data.git-commit.t.hash} ${data.git-commit.t.author} ${join(",", data.git-tree.t.files)}"
  target  = "git.txt"
}

build {
  sources = ["source.file.t"]
}
