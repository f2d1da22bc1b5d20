# An unattended night: amigo-image nightly /etc/amigo-image/nightly.hcl
#
# If nothing changed since the last night it ends in seconds. Else it builds,
# boot-tests, publishes to the channel and prunes. Whatever fails, the channel
# stays as it was.

template = "/usr/local/share/amigo-image/amigo"
variables = {
  amigo_source = "https://github.com/geneontology/amigo.git"
  solr_war     = "/usr/local/share/amigo-image/solr-3.6.2.war"
  output       = "/var/lib/amigo-image/output"
}

# What the template leaves there.
directories = [
  "/var/lib/amigo-image/output/distribution",
  "/var/lib/amigo-image/output/production",
]

# s3://bucket?region=..., gs://bucket and azblob://container work as well.
repository = "file:///srv/www/images"
channel    = "nightly"

# The keys of this channel and of snapshot and timestamp, no others.
keys = "/etc/amigo-image/keys"

# status.json, junit.xml, the lock, and evidence of failed tests.
state  = "/var/lib/amigo-image/nightly"
budget = "3h"

# What of this host's build cache no build used for so long goes.
cache = "30d"

keep {
  daily   = 7
  monthly = 12
}

# Gets status.json on its standard input; AMIGO_RESULT says in a word how it
# ended. For example, mail whatever is neither new nor unchanged:
# notify = ["sh", "-c", "case $AMIGO_RESULT in published|'no change') ;; *) mail -s \"AmiGO nightly: $AMIGO_RESULT\" root ;; esac"]
