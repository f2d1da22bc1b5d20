# Runs the script $1 with the other arguments, which installs packages into $ROOT, and packs
# that into $TARGET. It has mounts and processes of its own, which end with it.
install=$1
shift
unset TMPDIR # it is the host's

mkdir -p "$ROOT/dev" "$ROOT/proc" "$ROOT/sys" "$ROOT/run"
mount -t tmpfs -o mode=755 dev "$ROOT/dev"
mkdir "$ROOT/dev/shm" "$ROOT/dev/pts"
ln -s /proc/self/fd "$ROOT/dev/fd"
ln -s fd/0 "$ROOT/dev/stdin"
ln -s fd/1 "$ROOT/dev/stdout"
ln -s fd/2 "$ROOT/dev/stderr"
for name in null zero full random urandom tty; do
    : >"$ROOT/dev/$name"
    mount --bind "/dev/$name" "$ROOT/dev/$name"
done
# Packages' scripts must not change the host's kernel. An ordinary user may not mount these
# read-only, and can change nothing there.
mount -t proc -o ro proc "$ROOT/proc" 2>/dev/null || mount -t proc proc "$ROOT/proc"
mount -t sysfs -o ro,nosuid,nodev,noexec sys "$ROOT/sys" 2>/dev/null || mount --rbind /sys "$ROOT/sys"
mount -t tmpfs -o mode=755 run "$ROOT/run"

sh -eu -c "$install" sh "$@"

# The host's RPM may not have the kind of database that the system's own has.
chroot "$ROOT" rpm --rebuilddb

# A kernel's own script leaves this out where it finds no machine.
for directory in "$ROOT"/usr/lib/modules/*/; do
    version=$(basename "$directory")
    kernel=$ROOT/boot/vmlinuz-$version
    initrd=/boot/${INITRD%VERSION*}$version${INITRD#*VERSION}
    test -e "$kernel" || cp "$directory/vmlinuz" "$kernel"
    test -e "$ROOT$initrd" || chroot "$ROOT" dracut --quiet --no-hostonly --kver "$version" "$initrd"
done

rm -rf "$ROOT"/var/cache/dnf "$ROOT"/var/cache/zypp "$ROOT"/var/log/dnf* "$ROOT"/var/log/hawkey* "$ROOT"/var/log/zypp* "$ROOT"/tmp/* "$ROOT"/var/tmp/*
# The directories, and not what is mounted there, which changes.
umount --recursive --lazy "$ROOT/dev" "$ROOT/proc" "$ROOT/sys" "$ROOT/run"
exec tar -C "$ROOT" --one-file-system --numeric-owner --sort=name --xattrs --xattrs-include='*' -cf "$TARGET" .
