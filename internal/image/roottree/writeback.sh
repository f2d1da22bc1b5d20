# Makes the root file system at $OFFSET of the disk $DISK anew from $WORK/root. What it had
# is punched out, so that nothing of it is left.
trap 'exit 143' TERM INT
fallocate --punch-hole --offset "$OFFSET" --length "$SIZE" "$DISK"
mke2fs -q -F -t ext4 -O "$FS_FEATURES" -b "$FS_BLOCK_SIZE" -I "$FS_INODE_SIZE" -N "$FS_INODES" -J "size=$FS_JOURNAL" \
    -m "$FS_PERCENT" -L "$FS_LABEL" -U "$FS_UUID" \
    -E "offset=$OFFSET,root_owner=0:0,hash_seed=$FS_HASH_SEED,lazy_itable_init=1,nodiscard" \
    -d "$WORK/root" "$DISK" "$FS_BLOCKS"
e2fsck -f -n "$DISK?offset=$OFFSET" >/dev/null
