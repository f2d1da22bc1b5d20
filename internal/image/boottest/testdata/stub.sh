# A stand-in for AmiGO and GOlr that a boot test takes for them: fixed pages
# behind the real Apache, on a machine of the real base.
install -d /srv/amigo/perl/bin /srv/amigo/static/js /srv/amigo/conf /srv/amigo/node_modules/left /usr/share/amigo-image /var/lib/amigo
install -d /srv/stub/amigo/search /srv/stub/amigo/term /srv/stub/solr
cat >/usr/share/amigo-image/about.json <<'JSON'
{"amigo":{"version":"0.0.1","commit":"","source":"stub"},"golr":{"documents":1,"date":"2026-08-01","doi":""},
 "serve":"cgi","test":{"search":"apoptotic process","term":"GO:0006915"}}
JSON
printf 'perl\nstatic\n' >/usr/share/amigo-image/runtime.list
printf "\$ENV{AMIGO_BETA}='1';\n\$ENV{AMIGO_VERBOSE}='1';\n1;\n" >/srv/amigo/perl/bin/config.pl
echo '({"beta":"1"})' >/srv/amigo/static/js/bundle.js
echo 'AMIGO_BETA:' >/srv/amigo/conf/amigo.yaml
page() { printf '<html><head><title>%s</title><script src="/static/js/bundle.js"></script></head><body>%s</body></html>\n' "$2" "$3" >"/srv/stub/$1.html"; }
page start 'AmiGO' '<input type="search"><a href="/amigo">AmiGO</a> 2026-08-01 <a href="https://creativecommons.org/licenses/by/4.0/">CC BY 4.0</a>'
page welcome 'AmiGO 2: Welcome' ''
page annotation 'Search' ''
page grebe 'Grebe' ''
page term 'GO:0006915' ''
echo '{"response":{"numFound":1,"docs":[{"annotation_class":"GO:0006915","annotation_class_label":"apoptotic process"}]}}' >/srv/stub/select.json
cat >/etc/apache2/sites-available/000-default.conf <<'CONF'
LimitRequestLine 65536
<VirtualHost *:80>
	DocumentRoot /srv/stub
	DirectoryIndex start.html
	<Directory /srv/stub>
		Require all granted
	</Directory>
	<Directory /srv/amigo/static>
		Require all granted
	</Directory>
	Header always set X-Content-Type-Options nosniff
	Header always set Content-Security-Policy "default-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'self'; form-action 'self'"
	Header set Content-Type application/javascript "expr=%{QUERY_STRING} =~ m#json\.wrf#"
	ServerSignature Off
	RewriteEngine On
	RewriteCond %{REQUEST_METHOD} !^(GET|HEAD)$
	RewriteRule ^ - [R=405]
	RewriteCond %{QUERY_STRING} "rows=(abc|2147483647)|start=100001|%FF|%28%28|=nothing|(fq=id:x&){99}|(facet.field=source&){99}"
	RewriteRule ^/solr/select$ - [R=400]
	RewriteCond %{QUERY_STRING} (^|&)(shards|stream\.|qt=/|q%) [NC]
	RewriteRule ^ - [F]
	RewriteRule ^/solr/select$ /srv/stub/select.json [END]
	RewriteRule ^/solr - [F]
	RewriteRule ^/amigo$ /srv/stub/welcome.html [END]
	RewriteRule ^/amigo/search/annotation$ /srv/stub/annotation.html [END]
	RewriteRule ^/amigo/term/GO:0006915$ /srv/stub/term.html [END]
	RewriteRule ^/grebe$ /srv/stub/grebe.html [END]
	Alias /static /srv/amigo/static
</VirtualHost>
CONF
a2enmod -q rewrite headers
echo 'kernel.printk = 3 4 1 3' >/etc/sysctl.d/60-stub.conf
printf '%s\n' 'http://\4/ 10.0.2.15 http://127.0.0.1:9999/' >/etc/issue
echo 'Runs here: Logs: Update:' >/etc/motd
systemctl enable -q apache2.service
useradd --create-home --shell /bin/bash --groups sudo,adm amigo
passwd -q -d amigo
chage --lastday 0 amigo
