# Runs GOlr, and says in {{.Ready}} when it answers searches.
ready() {
	until curl -fs -o /dev/null --max-time 60 'http://127.0.0.1:8080/solr/select?q=*:*&rows=0'; do sleep 1; done
	: >{{.Ready}}
}
ready &
# Where QEMU emulates the processor, Java must not replace compiled code much: it
# does so in one write while others run the code, and QEMU may read an instruction
# of which one half is old and the other new. Java then dies of SIGSEGV. With one
# compiler, code is hardly ever replaced.
emulated=
if [ "$(systemd-detect-virt)" = qemu ]; then
	emulated=-XX:TieredStopAtLevel=1
fi
{{- if .Apart}}
# What is served is the core "golr". amigo-data opens other data in a core beside it, and
# switches. Each has the place of its data itself: the link leads elsewhere then.
home=/run/golr/home
mkdir -p $home
cat >$home/solr.xml <<END
<?xml version="1.0" encoding="UTF-8"?>
<solr persistent="false">
  <cores adminPath="/admin/cores" defaultCoreName="golr">
    <core name="golr" instanceDir="{{.SolrHome}}" dataDir="$(readlink -f {{.DataCurrent}})"/>
  </cores>
</solr>
END
{{- else}}
home={{.SolrHome}}
{{- end}}
# Jetty's own start.jar is not used: to find out what to start takes it as long as to start it.
class_path=
for jar in /usr/share/jetty9/lib/servlet-api-*.jar \
	/usr/share/jetty9/lib/jetty-http-[0-9]*.jar /usr/share/jetty9/lib/jetty-io-[0-9]*.jar \
	/usr/share/jetty9/lib/jetty-security-[0-9]*.jar /usr/share/jetty9/lib/jetty-server-[0-9]*.jar \
	/usr/share/jetty9/lib/jetty-servlet-[0-9]*.jar /usr/share/jetty9/lib/jetty-util-[0-9]*.jar \
	/usr/share/jetty9/lib/jetty-webapp-[0-9]*.jar /usr/share/jetty9/lib/jetty-xml-[0-9]*.jar \
	{{.SolrHome}}/jetty/webapps/solr/WEB-INF/lib/*.jar; do
	class_path=$class_path:$jar
done
exec java $emulated -Xmx{{.Memory}} -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError -XX:ErrorFile=/var/log/jetty9/hs_err_pid%p.log -Djava.awt.headless=true \
	-Dsolr.solr.home=$home{{if not .Apart}} -Dsolr.data.dir={{.SolrHome}}/data{{end}} \
	-cp "${class_path#:}" org.eclipse.jetty.xml.XmlConfiguration {{.SolrHome}}/jetty/golr.xml
