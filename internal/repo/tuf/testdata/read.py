"""Reads a repository with python-tuf, as any other client would: prints the
states of its channels and fetches every file that they name."""

import json
import os
import sys

from tuf.ngclient import Updater, UpdaterConfig

url, root, work = sys.argv[1:4]
for name in ("metadata", "files"):
    os.makedirs(os.path.join(work, name), exist_ok=True)
with open(root, "rb") as f:
    bootstrap = f.read()


def updater():
    return Updater(
        metadata_dir=os.path.join(work, "metadata"),
        metadata_base_url=url + "/metadata/",
        target_dir=os.path.join(work, "files"),
        target_base_url=url + "/",
        bootstrap=bootstrap,
        config=UpdaterConfig(prefix_targets_with_hash=False),
    )


client = updater()
client.refresh()
states = {}
for channel in sys.argv[4:]:
    pointer = client.get_targetinfo(channel + "/channel.json")
    if pointer is None:
        continue
    client.download_target(pointer)
    states[channel] = pointer.custom
    manifest = client.get_targetinfo("versions/%s/manifest.json" % pointer.custom["version"])
    if manifest.hashes["sha256"] != pointer.custom["manifest"]["sha256"]:
        sys.exit("the manifest of %s is another" % channel)
    client.download_target(manifest)
json.dump(states, sys.stdout, sort_keys=True)
