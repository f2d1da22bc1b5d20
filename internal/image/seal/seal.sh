# Certificates that only the build's network needs.
if ls "$anchors"/amigo-build-*.crt >/dev/null 2>&1; then
    rm -f "$anchors"/amigo-build-*.crt
    $renew_anchors >/dev/null
fi

# A machine that shuts down saves a seed for its next start.
systemctl stop systemd-random-seed.service >/dev/null 2>&1 || true

# Who may log in, and who this machine is.
rm -f /root/.ssh/authorized_keys
rmdir /root/.ssh 2>/dev/null || true
rm -f /etc/ssh/ssh_host_*
: >/etc/machine-id
rm -f /var/lib/dbus/machine-id /var/lib/systemd/random-seed /var/lib/systemd/credential.secret
rm -rf /var/lib/cloud/* /var/lib/systemd/network/*

# What the build left behind.
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb /var/cache/apt/*.bin
rm -rf /var/cache/dnf/* /var/cache/zypp/*
rm -rf /root/.npm /root/.cache /root/.config /root/.node-gyp /root/.cpanm /root/.bash_history /root/.wget-hsts
rm -rf /tmp/* /tmp/.[!.]* /var/tmp/* /var/crash/*
rm -f /etc/npmrc /root/.npmrc

# Logs: empty what services hold open, remove what was rotated.
# What the journal still gets until the machine is off stays in memory: on a slow
# host it would begin another file after these are gone.
journalctl --rotate >/dev/null 2>&1 || true
journalctl --relinquish-var >/dev/null 2>&1 || true
rm -rf /var/log/journal/*
find /var/log -type f \( -name '*.gz' -o -name '*.[0-9]' \) -delete
rm -f /var/log/jetty9/hs_err_pid*
find /var/log -type f -exec truncate -s 0 {} +

sync
fstrim -a >/dev/null 2>&1 || true
