# Runs GOlr, and says in /run/golr/ready when it answers searches.
ready() {
	until curl -fs -o /dev/null --max-time 60 'http://127.0.0.1:8080/solr/select?q=*:*&rows=0'; do sleep 1; done
	: >/run/golr/ready
}
ready &
exec java -Xmx4g -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError -XX:ErrorFile=/var/log/jetty9/hs_err_pid%p.log -Djava.awt.headless=true \
	-Dsolr.solr.home=/srv/solr -Dsolr.data.dir=/srv/solr/data \
	-Djetty.home=/usr/share/jetty9 -Djetty.base=/srv/solr/jetty \
	-jar /usr/share/jetty9/start.jar
