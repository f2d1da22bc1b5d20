# Keeps of each package's Debian changelog the versions and the CVE numbers,
# then removes the changelogs. Runs in the root file system $1, on the host.
exec chroot "$1" sh -eu <<'END'
mkdir -p /usr/share/amigo-image
dpkg-query -W -f '${Package} ${Version}\n' | while read -r package version; do
    for file in changelog.Debian.gz changelog.gz; do
        [ -f "/usr/share/doc/$package/$file" ] || continue
        echo "@$package $version"
        zcat "/usr/share/doc/$package/$file" | grep -oE '^[a-z0-9][a-z0-9+.-]* \([^ )]+\)|CVE-[0-9]+-[0-9]+' || true
        break
    done
done | gzip -9n >/usr/share/amigo-image/changelogs.gz
find /usr/share/doc \( -name changelog.gz -o -name changelog.Debian.gz \) -delete
find /usr/share/doc -type d -empty -delete
END
