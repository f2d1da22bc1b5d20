# github.com/hashicorp/ansible: a provisioner whose playbook reaches the guest through
# the plugin, which asks our communicator; and one that runs on the guest itself.
packer {
  required_plugins {
    ansible = {
      source  = "github.com/hashicorp/ansible"
      version = ">= 1.1.0"
    }
  }
}

variable "port" {
  type = number
}

variable "key" {}

source "null" "t" {
  ssh_host             = "127.0.0.1"
  ssh_port             = var.port
  ssh_username         = "root"
  ssh_private_key_file = var.key
}

build {
  sources = ["source.null.t"]
  provisioner "ansible" {
    playbook_file   = "${path.root}/playbook.yml"
    use_sftp        = true # scp of OpenSSH 9 speaks sftp, which the plugin does not know
    extra_arguments = ["--extra-vars", "to=${path.cwd}/ansible.txt"]
  }
  provisioner "ansible-local" {
    playbook_file   = "${path.root}/playbook.yml"
    extra_arguments = ["--extra-vars", "to=${path.cwd}/ansible-local.txt"]
  }
}
