# nightly.hcl of the repository with the workflow.

template = "packer-plugin-amigo/examples/amigo"
variables = {
  amigo_source = "https://github.com/geneontology/amigo.git"
  output       = "output"
}
directories = ["output/distribution", "output/production"]

repository = "s3://my-bucket?region=us-east-1"
public_url = "https://my-bucket.s3.us-east-1.amazonaws.com"
keys       = "keys"
state      = "state"
budget     = "3h30m"

keep {
  daily   = 7
  monthly = 12
}
