# From the tar $ROOTFS to the file systems of the disk $DISK.
# Where there is a BIOS, leaves boot.img and core.img, GRUB's parts for it, in $WORK.

root=$WORK/root
trap 'rm -rf "$root" "$WORK/efi.img" "$WORK/esp.img"' EXIT
trap 'exit 143' TERM INT
mkdir "$root"
# A machine makes its own device nodes, and only root can make them here.
tar -C "$root" --numeric-owner --xattrs --xattrs-include='*' --exclude='./dev/*' -xf "$ROOTFS"

# --- configuration ---

# A kernel that has panicked serves nobody: it starts again after ten seconds.
options="console=tty0 console=$CONSOLE,115200 panic=10${OPTIONS:+ $OPTIONS}"
command_line="root=UUID=$ROOT_UUID ro $options"

cat >"$root/etc/fstab" <<EOF
UUID=$ROOT_UUID / ext4 rw,discard,errors=remount-ro 0 1
EOF
echo amigo >"$root/etc/hostname"
cat >"$root/etc/hosts" <<EOF
127.0.0.1 localhost
127.0.1.1 amigo
::1 localhost ip6-localhost ip6-loopback
EOF
mkdir -p "$root/etc/systemd/network" "$root/etc/default" "$root/etc/ssh/sshd_config.d"
cat >"$root/etc/systemd/network/20-wired.network" <<EOF
[Match]
Type=ether
Kind=!*

[Network]
DHCP=yes
EOF
echo 'LANG=C.UTF-8' >"$root$LOCALE"
: >"$root/etc/machine-id"
if [ ! -e "$root/etc/resolv.conf" ] && [ ! -L "$root/etc/resolv.conf" ]; then
    ln -s ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
fi
rm -f "$root/var/lib/dbus/machine-id"

# Host keys are made at the first boot of each machine. One kind is enough,
# and an RSA key takes an emulated machine half a minute.
rm -f "$root"/etc/ssh/ssh_host_*
for kind in rsa ecdsa; do
    [ ! -e "$root/usr/lib/systemd/system/sshd-keygen@.service" ] || ln -sfn /dev/null "$root/etc/systemd/system/sshd-keygen@$kind.service"
done
mkdir -p "$root/etc/systemd/system/$SSH.d"
cat >"$root/etc/systemd/system/$SSH.d/host-key.conf" <<'EOF'
[Service]
ExecStartPre=
ExecStartPre=/bin/sh -c 'test -s /etc/ssh/ssh_host_ed25519_key || ssh-keygen -q -t ed25519 -N "" -C "" -f /etc/ssh/ssh_host_ed25519_key'
ExecStartPre=/usr/sbin/sshd -t
EOF
cat >"$root/etc/ssh/sshd_config.d/50-amigo.conf" <<'EOF'
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PermitEmptyPasswords no
UseDNS no
EOF

# What works in the background waits for the production variant.
mkdir -p "$root/etc/cloud"
: >"$root/etc/cloud/cloud-init.disabled"
for unit in $WAIT; do
    chroot "$root" systemctl disable "$unit" >/dev/null 2>&1 || true
done
# shellcheck disable=SC2086 # the names of several units
chroot "$root" systemctl enable $START

# --- boot loader ---

grub=$root$GRUB_DIR
platforms=$GRUB
serial='' terminals=console
if [ "$BIOS" = true ]; then
    # Elsewhere the firmware's console is on the serial port, too.
    platforms="i386-pc $GRUB" serial='serial --unit=0 --speed=115200' terminals='console serial'
fi
for platform in $platforms; do
    mkdir -p "$grub/$platform"
    cp "$root$GRUB_MODULES/$platform"/*.mod "$root$GRUB_MODULES/$platform"/*.lst "$grub/$platform/"
done
cat >"$root/etc/default/grub" <<EOF
GRUB_DEFAULT=0
GRUB_TIMEOUT=1
GRUB_DISTRIBUTOR=AmiGO
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_CMDLINE_LINUX="$options"
GRUB_DISABLE_OS_PROBER=true
GRUB_TERMINAL="$terminals"
EOF
version=$(cd "$root/boot" && printf '%s\n' vmlinuz-* | sed 's/^vmlinuz-//' | sort -V | tail -n 1)
kernel=vmlinuz-$version
initrd=${INITRD%VERSION*}$version${INITRD#*VERSION}
if [ "$LINKED" = true ]; then
    # This configuration stays, and the links follow a new kernel.
    ln -sfn "$kernel" "$root/boot/vmlinuz"
    ln -sfn "$initrd" "$root/boot/initrd"
    kernel=vmlinuz initrd=initrd
    mkdir -p "$root/etc/kernel/install.d"
    cat >"$root/etc/kernel/install.d/99-amigo.install" <<'EOF'
#!/bin/sh -eu
# The links that the boot loader follows, see kernel-install(8).
for kernel in $(cd /boot && ls -v | grep '^vmlinuz-'); do
    version=${kernel#vmlinuz-}
    [ "$1 $version" != "remove $2" ] || continue
    for initrd in "initramfs-$version.img" "initrd-$version"; do
        [ -e "/boot/$initrd" ] || continue
        ln -sfn "$kernel" /boot/vmlinuz
        ln -sfn "$initrd" /boot/initrd
    done
done
EOF
    chmod 755 "$root/etc/kernel/install.d/99-amigo.install"
fi
# The first one; where there are no links, a new kernel makes the distribution's own take
# its place.
cat >"$grub/grub.cfg" <<EOF
set timeout=1
$serial
terminal_input $terminals
terminal_output $terminals
menuentry "AmiGO" {
    search --no-floppy --fs-uuid --set=root $ROOT_UUID
    linux /boot/$kernel $command_line
    initrd /boot/$initrd
}
EOF
cat >"$root/tmp/early.cfg" <<EOF
search.fs_uuid $ROOT_UUID root
set prefix=(\$root)$GRUB_DIR
EOF
if [ "$BIOS" = true ]; then
    chroot "$root" "$GRUB_IMAGE" -d "$GRUB_MODULES/i386-pc" -O i386-pc -p "$GRUB_DIR" -c /tmp/early.cfg -o /tmp/core.img \
        biosdisk part_gpt ext2 search_fs_uuid
    mv "$root/tmp/core.img" "$WORK/core.img"
    cp "$root$GRUB_MODULES/i386-pc/boot.img" "$WORK/boot.img"
fi
chroot "$root" "$GRUB_IMAGE" -d "$GRUB_MODULES/$GRUB" -O "$GRUB" -p "$GRUB_DIR" -c /tmp/early.cfg -o /tmp/efi.img \
    part_gpt fat ext2 search_fs_uuid normal configfile linux
rm "$root/tmp/early.cfg"
mv "$root/tmp/efi.img" "$WORK/efi.img"

# --- file systems ---

esp=$WORK/esp.img
truncate -s "${ESP_KIB}K" "$esp"
mkfs.vfat -F 32 -s 1 -n ESP -i "$ESP_ID" "$esp" >/dev/null
mmd -i "$esp" ::/EFI ::/EFI/BOOT
mcopy -i "$esp" "$WORK/efi.img" "::/EFI/BOOT/$LOADER"
dd if="$esp" of="$DISK" bs=512 seek="$ESP_SECTOR" conv=notrunc,sparse status=none

# GRUB 2.06 can't read these two features, which mke2fs 1.47 turns on.
mke2fs -q -F -t ext4 -L root -U "$ROOT_UUID" -O ^metadata_csum_seed,^orphan_file \
    -E "offset=$ROOT_OFFSET,root_owner=0:0,hash_seed=$ROOT_UUID,lazy_itable_init=1,nodiscard" \
    -d "$root" "$DISK" "${ROOT_KIB}k"
