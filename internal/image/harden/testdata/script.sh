{
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
cd /

echo '@@amigo@@ the services stop'
systemctl stop jetty9.timer jetty9.service apache2.service 'amigo-*.service' || true
export SYSTEMD_OFFLINE=1 SYSTEMCTL_SKIP_SYSV=1

echo '@@amigo@@ source tree and caches go'
tar -C / -xf /run/amigo-production.tar run/amigo-production.remove
cd /srv/amigo
xargs -0 -r rm -rf -- </run/amigo-production.remove
cd /
rm -rf /run/amigo-production.remove /usr/local/lib/node_modules/npm /usr/local/bin/npm /usr/local/bin/npx /root/.npm /root/.cache /root/.node-gyp /root/.m2 /var/www/.npm /var/www/.cache
for d in cache log sessions; do
    test ! -d /var/lib/amigo/$d || find /var/lib/amigo/$d -type f -delete
done

echo '@@amigo@@ build tools go'
packages='cpp-12
    gcc-12
    git
    libc6-dev
    make
    node-glob
    nodejs
    npm'
apt-get -s purge --autoremove $packages >/run/amigo-purge
sed -n 's/^Purg \([^ ]*\).*/\1/p' /run/amigo-purge | xargs dpkg --purge --force-depends --force-unsafe-io
apt-get -qq check

echo '@@amigo@@ what production needs comes'
packages='unattended-upgrades'
apt-get update -qq
apt-get install -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 $packages

echo '@@amigo@@ configuration comes'
tar -C / --no-same-owner --exclude=run/amigo-production.remove -xf /run/amigo-production.tar
rm -f /run/amigo-production.tar /etc/cloud/cloud-init.disabled

echo '@@amigo@@ the start page tells who may log in'
page=/usr/share/amigo-image/www/index.html
test ! -f $page || perl -0777 -i -pe 's{(<h2>Looking after this machine</h2>\n).*?(?=</main>)}{$1<p>Nobody has a password here. The operator logs in by SSH with the key that the platform gave\nthis machine. Security updates are installed by themselves, and only what is served is open.</p>\n}s' $page

echo '@@amigo@@ who reboots is decided'
cat >/etc/apt/apt.conf.d/53amigo-reboot <<'END'
// Whether the machine restarts by itself when a fix needs that, and when.
Unattended-Upgrade::Automatic-Reboot "false";
Unattended-Upgrade::Automatic-Reboot-Time "now";
END
sed -i -e '/^  \(Security\|Reboots\):/d' -e '${/^$/d}' /etc/motd
cat >>/etc/motd <<'END'
  Security:   Debian's fixes are installed by themselves, every day
  Reboots:    a new kernel waits for you: sudo systemctl reboot

END

echo '@@amigo@@ beta and verbose flags go off'
perl -i -pe 's/(AMIGO_(?:BETA|VERBOSE)\}=)\x27[^\x27]*\x27/$1\x270\x27/' /srv/amigo/perl/bin/config.pl
if test -f /srv/amigo/conf/amigo.yaml; then
    perl -0777 -i -pe 's/^(AMIGO_(?:BETA|VERBOSE):\n(?:[ \t]+.*\n)*?[ \t]+value:[ \t]*).*$/${1}0/mg' /srv/amigo/conf/amigo.yaml
fi
find /srv/amigo/static -name '*.js' -exec grep -lZ '"beta":"[^0"]' {} + | xargs -0 -r sed -i 's/"beta":"[^"]*"/"beta":"0"/g'

echo '@@amigo@@ passwords are locked'
for user in root amigo; do
    passwd -q -l "$user"
    chage --lastday "$(date +%F)" --maxdays -1 "$user"
done

echo '@@amigo@@ services start by themselves'
systemctl unmask -q nftables.service \
    unattended-upgrades.service \
    apt-daily.timer \
    apt-daily-upgrade.timer \
    cloud-init-local.service \
    cloud-config.service \
    cloud-final.service \
    cloud-init.service
systemctl enable -q nftables.service \
    unattended-upgrades.service \
    apt-daily.timer \
    apt-daily-upgrade.timer \
    cloud-init-local.service \
    cloud-config.service \
    cloud-final.service \
    cloud-init.service
a2enmod -q headers
a2dismod -q -f status
a2enconf -q zz-amigo-production

echo '@@amigo@@ everything is checked'
nft -c -f /etc/nftables.conf
sshd -t
apache2ctl configtest
packages='apache2
    cloud-init
    jetty9
    linux-image-6.1.0-40-cloud-amd64
    nftables
    openssh-server
    perl
    unattended-upgrades'
{ dpkg-query -W -f '${db:Status-Abbrev}|${Package} ${Version} ${Architecture}\n' | sed -n 's/^[hi]i *|//p'; } >/run/amigo-packages
for p in $packages; do
    grep -q "^$p " /run/amigo-packages || { echo "the package $p is not there any more"; exit 1; }
done
} </dev/null
