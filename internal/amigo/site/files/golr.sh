# Runs GOlr, and says in {{.Ready}} when it answers searches.
ready() {
	until curl -fs -o /dev/null --max-time 60 'http://127.0.0.1:8080/solr/select?q=*:*&rows=0'; do sleep 1; done
	: >{{.Ready}}
}
ready &
exec java -Xmx{{.Memory}} -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError -XX:ErrorFile=/var/log/jetty9/hs_err_pid%p.log -Djava.awt.headless=true \
	-Dsolr.solr.home={{.SolrHome}} -Dsolr.data.dir={{.SolrHome}}/data \
	-Djetty.home=/usr/share/jetty9 -Djetty.base={{.SolrHome}}/jetty \
	-jar /usr/share/jetty9/start.jar
