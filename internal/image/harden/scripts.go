package harden

import "strings"

// stopServices leaves the processor to the changes. After it nothing is asked
// of the running systemd, which would read all its units again each time.
const stopServices = `systemctl stop jetty9.timer jetty9.service apache2.service 'amigo-*.service' || true
export SYSTEMD_OFFLINE=1 SYSTEMCTL_SKIP_SYSV=1
`

// removeLeftovers removes the paths of the uploaded list, and what programs
// have left in their caches.
const removeLeftovers = `tar -C / -xf ` + archivePath + ` ` + removeList + `
cd ` + root + `
xargs -0 -r rm -rf -- </` + removeList + `
cd /
rm -rf /` + removeList + ` /usr/local/lib/node_modules/npm /usr/local/bin/npm /usr/local/bin/npx /root/.npm /root/.cache /root/.node-gyp /root/.m2 /var/www/.npm /var/www/.cache
for d in cache log sessions; do
    test ! -d /var/lib/amigo/$d || find /var/lib/amigo/$d -type f -delete
done
`

// unpackFiles puts the files of this package in their places.
const unpackFiles = `tar -C / --no-same-owner --exclude=` + removeList + ` -xf ` + archivePath + `
rm -f ` + archivePath + ` /etc/cloud/cloud-init.disabled
`

// flagsOff turns AmiGO's flags off everywhere they are: in its settings, in
// what its install made of them, and in the bundles, which have them baked in.
const flagsOff = `perl -i -pe 's/(AMIGO_(?:BETA|VERBOSE)\}=)\x27[^\x27]*\x27/$1\x270\x27/' ` + root + `/perl/bin/config.pl
if test -f ` + root + `/conf/amigo.yaml; then
    perl -0777 -i -pe 's/^(AMIGO_(?:BETA|VERBOSE):\n(?:[ \t]+.*\n)*?[ \t]+value:[ \t]*).*$/${1}0/mg' ` + root + `/conf/amigo.yaml
fi
find ` + root + `/static -name '*.js' -exec grep -lZ '"beta":"[^0"]' {} + | xargs -0 -r sed -i 's/"beta":"[^"]*"/"beta":"0"/g'
`

// startPage replaces what the start page says of the operator's first login.
const startPage = `page=/usr/share/amigo-image/www/index.html
test ! -f $page || perl -0777 -i -pe 's{(<h2>Looking after this machine</h2>\n).*?(?=</main>)}{$1<p>Nobody has a password here. The operator logs in by SSH with the key that the platform gave\nthis machine. Security updates are installed by themselves, and only what is served is open.</p>\n}s' $page
`

// lockAccounts leaves the operators and root without a password. The day of its
// last change is set, because an expired one refuses keys too.
func lockAccounts(operators []string) string {
	return `for user in root ` + strings.Join(operators, " ") + `; do
    passwd -q -l "$user"
    chage --lastday "$(date +%F)" --maxdays -1 "$user"
done
`
}

// enableUnits makes start at boot what production needs.
func enableUnits(units []string) string {
	names := strings.Join(units, " \\\n    ")
	return `systemctl unmask -q ` + names + `
systemctl enable -q ` + names + `
a2enmod -q headers
a2dismod -q -f status
a2enconf -q zz-amigo-production
`
}

// verify fails when a change broke what the image must do. That it does it is
// seen in the boot test.
const verify = `nft -c -f /etc/nftables.conf
sshd -t
apache2ctl configtest
`
