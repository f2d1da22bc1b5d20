# What a boot test must find.
page grebe 'Grebe' 'loaded on ???'
echo '{"response":{"numFound":0,"docs":[]}}' >/srv/stub/select.json
sed -i 's/RewriteRule \^\/solr - \[F\]/RewriteRule ^\/solr\/update - [R=204]\n\tRewriteRule ^\/solr - [F]/' /etc/apache2/sites-available/000-default.conf
echo 'Listen 8080' >>/etc/apache2/ports.conf
cat >/etc/systemd/system/broken.service <<'UNIT'
[Service]
Type=oneshot
ExecStart=/bin/false
[Install]
WantedBy=multi-user.target
UNIT
systemctl enable -q broken.service
printf 'PermitEmptyPasswords yes\nPasswordAuthentication yes\n' >/etc/ssh/sshd_config.d/00-open.conf
chage --lastday "$(date +%F)" amigo
echo 'not removed' >/usr/local/share/ca-certificates/inspector.crt
