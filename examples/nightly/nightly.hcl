# An unattended night: amigo-image nightly /etc/amigo-image/nightly.hcl
#
# If nothing changed since the last night it ends in seconds. Else it builds,
# boot-tests, publishes to the channel and prunes. Whatever fails, the channel
# stays as it was.

template = "/usr/local/share/amigo-image/amigo"
variables = {
  amigo_source = "https://github.com/geneontology/amigo.git"
  output       = "/var/lib/amigo-image/output"

  # The newest release of the Gene Ontology: a new one is built as a new commit is.
  # Without it the images would have the sample's data.
  golr_release = "current"
}

# What the template leaves there. The data of a release are an image of their own.
directories = [
  "/var/lib/amigo-image/output/data",
  "/var/lib/amigo-image/output/distribution",
  "/var/lib/amigo-image/output/production",
]

# s3://bucket?region=..., gs://bucket and azblob://container work as well.
repository = "file:///srv/www/images"
channel    = "nightly"

# Where the public reads it, for the lines on the page.
# public_url = "https://images.example.org"

# What README.md packs, no more.
keys = "/etc/amigo-image/keys"

# status.json, junit.xml, the lock, and evidence of failed tests.
state  = "/var/lib/amigo-image/nightly"
budget = "3h"

# Data that have lost more of their documents since the last version, or more of those of
# a kind, are not published; "off" does not look.
max_loss = "5%"

# What of this host's build cache no build used for so long goes.
cache = "30d"

keep {
  daily   = 7
  monthly = 12
}

# Gets status.json on its standard input; AMIGO_RESULT says in a word how it
# ended. For example, mail what is not as it should be, such as a key that
# expires in some weeks:
# notify = ["sh", "-c", <<-EOT
#   status=$(cat)
#   case $AMIGO_RESULT,$status in
#     published,*'"warnings"'* | 'no change',*'"warnings"'*) ;;
#     published,* | 'no change',*) exit ;;
#   esac
#   printf '%s\n' "$status" | mail -s "AmiGO nightly: $AMIGO_RESULT" root
# EOT
# ]
