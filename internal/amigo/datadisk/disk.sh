# Makes the file system $DISK, of $KIB KiB and at most $FILES files, of the directory $STAGE and
# the index in $INDEX, which is mounted there rather than copied.
mount --bind "$INDEX" "$STAGE/index"
truncate -s "${KIB}K" "$DISK"
# No journal, since nobody writes, and nothing that older kernels or GRUB do not know.
mke2fs -q -F -t ext4 -b 4096 -m 0 -N "$FILES" -L "$LABEL" -U "$UUID" \
	-O ^has_journal,^resize_inode,^metadata_csum_seed,^orphan_file \
	-E "root_owner=0:0,hash_seed=$UUID,nodiscard,lazy_itable_init=0" -d "$STAGE" "$DISK"
umount "$STAGE/index"
debugfs -w -f "$FIELDS" "$DISK" >"$FIELDS.log" 2>&1
# debugfs ends well whatever failed; after its greeting it says nothing but the commands.
if sed '1d; /^debugfs: /d' "$FIELDS.log" | grep . >&2; then exit 1; fi
rm "$FIELDS.log"
e2fsck -f -n "$DISK" >/dev/null
