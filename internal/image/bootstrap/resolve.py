"""Prints what an installation of packages would bring: resolve.py CONFIG RELEASE ARCH NAME..."""

import sys

import dnf

config, release, arch, *names = sys.argv[1:]
base = dnf.Base()
base.conf.read(config)
base.conf.substitutions.update(releasever=release, arch=arch, basearch=arch)
base.read_all_repos()
try:
    base.fill_sack(load_system_repo=False)
    lacking = False
    for name in names:
        try:
            base.install(name)
        except dnf.exceptions.MarkingError:
            lacking = True
            print("lacks", name)
    if lacking:
        sys.exit(1)
    base.resolve()
except dnf.exceptions.DepsolveError as e:
    print(e, file=sys.stderr)
    sys.exit(9)
except dnf.exceptions.Error as e:
    sys.exit(str(e))
for package in base.transaction.install_set:
    print("installs", package.name, package.evr)
