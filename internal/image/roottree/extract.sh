# Copies the root file system at $OFFSET of the disk $DISK to $WORK/root.
trap 'exit 143' TERM INT
mkdir "$WORK/mnt"
# Only root may mount a file of its own. Others have it by FUSE, in their user namespace.
if ! mount -t ext4 -o "loop,ro,noload,offset=$OFFSET" "$DISK" "$WORK/mnt" 2>"$WORK/why"; then
    command -v fuse2fs >/dev/null || { cat "$WORK/why"; echo "fuse2fs is not installed"; exit 1; }
    fuse2fs -o "ro,fakeroot,offset=$OFFSET" "$DISK" "$WORK/mnt" >/dev/null
    mountpoint -q "$WORK/mnt" # fuse2fs ends well whatever became of it
fi
cp -a "$WORK/mnt/." "$WORK/root/"
umount "$WORK/mnt"
rmdir "$WORK/mnt"
rm -f "$WORK/why"
