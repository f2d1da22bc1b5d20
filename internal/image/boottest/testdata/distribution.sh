set +e
export LC_ALL=C
operators= web= anchors=/nowhere update_anchors=: renew_anchors=:
list_packages() { :; }
case $(. /etc/os-release; echo "$ID") in
almalinux | centos | rocky)
operators=wheel web=httpd.service anchors=/etc/pki/ca-trust/source/anchors update_anchors=update-ca-trust renew_anchors=update-ca-trust
list_packages() {
rpm -qa --qf '%{NAME} %{EVR} %{ARCH}\n' | grep -v '^gpg-pubkey '
}
;;
debian | ubuntu)
operators=sudo web=apache2.service anchors=/usr/local/share/ca-certificates update_anchors=update-ca-certificates renew_anchors='update-ca-certificates --fresh'
list_packages() {
dpkg-query -W -f '${db:Status-Abbrev}|${Package} ${Version} ${Architecture}\n' | sed -n 's/^[hi]i *|//p'
}
;;
opensuse-leap | opensuse-tumbleweed)
operators=wheel web=apache2.service anchors=/etc/pki/trust/anchors update_anchors=update-ca-certificates renew_anchors='update-ca-certificates --fresh'
list_packages() {
rpm -qa --qf '%{NAME} %{EVR} %{ARCH}\n' | grep -v '^gpg-pubkey '
}
;;
esac
echo '@@amigo@@ state'
{ timeout 300 systemctl is-system-running --wait
} </dev/null 2>/dev/null
echo '@@amigo@@ failed'
{ systemctl list-units --failed --plain --no-legend
} </dev/null 2>/dev/null
echo '@@amigo@@ journal'
{ for unit in $(systemctl list-units --failed --plain --no-legend | cut -d' ' -f1); do journalctl -b --no-pager -n 100 -u "$unit"; done
} </dev/null 2>/dev/null
echo '@@amigo@@ about'
{ cat /usr/share/amigo-image/about.json
} </dev/null 2>/dev/null
echo '@@amigo@@ data'
{ cat /srv/golr/current/about.json
} </dev/null 2>/dev/null
echo '@@amigo@@ packages'
{ list_packages
} </dev/null 2>/dev/null
echo '@@amigo@@ changelogs'
{ base64 /usr/share/amigo-image/changelogs.gz
} </dev/null 2>/dev/null
echo '@@amigo@@ commits'
{ cat /usr/share/amigo-image/commits.txt
} </dev/null 2>/dev/null
echo '@@amigo@@ kernel'
{ uname -r
} </dev/null 2>/dev/null
echo '@@amigo@@ system'
{ . /etc/os-release && echo "$PRETTY_NAME"
} </dev/null 2>/dev/null
echo '@@amigo@@ hostname'
{ cat /proc/sys/kernel/hostname
} </dev/null 2>/dev/null
echo '@@amigo@@ machine-id'
{ cat /etc/machine-id
} </dev/null 2>/dev/null
echo '@@amigo@@ host-key'
{ cat /etc/ssh/ssh_host_ed25519_key.pub
} </dev/null 2>/dev/null
echo '@@amigo@@ root-keys'
{ cat /root/.ssh/authorized_keys
} </dev/null 2>/dev/null
echo '@@amigo@@ listeners'
{ ss -Hltn | awk '{print $4}'
} </dev/null 2>/dev/null
echo '@@amigo@@ operators'
{ getent group "$operators" | cut -d: -f4 | tr , '\n'
} </dev/null 2>/dev/null
echo '@@amigo@@ passwords'
{ for user in root $(getent group "$operators" | cut -d: -f4 | tr , ' '); do passwd -S "$user"; done
} </dev/null 2>/dev/null
echo '@@amigo@@ certificates'
{ ls -A "$anchors"
} </dev/null 2>/dev/null
echo '@@amigo@@ exposure'
{ systemd-analyze security --no-pager apache2.service jetty9.service amigo-workers.service | grep 'Overall exposure level' | sed "s/ $web:/ apache2.service:/"
} </dev/null 2>/dev/null
echo '@@amigo@@ restarts'
{ systemctl show -p Id -p Restart -p StartLimitIntervalUSec apache2.service jetty9.service amigo-workers.service | sed "s/^Id=$web$/Id=apache2.service/"
} </dev/null 2>/dev/null
echo '@@amigo@@ reserve'
{ stat -f -c '%f %a %S' /
} </dev/null 2>/dev/null
echo '@@amigo@@ journals'
{ ls -A /var/log/journal
} </dev/null 2>/dev/null
echo '@@amigo@@ boots'
{ journalctl --list-boots --no-pager --quiet | grep -v '^IDX'
} </dev/null 2>/dev/null
echo '@@amigo@@ console'
{ cat /proc/sys/kernel/printk
} </dev/null 2>/dev/null
echo '@@amigo@@ issue'
{ cat /etc/issue
} </dev/null 2>/dev/null
echo '@@amigo@@ motd'
{ cat /etc/motd
} </dev/null 2>/dev/null
true
