packer { required_version = ">= 99" }
