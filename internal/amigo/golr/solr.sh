# Starts Solr from /mnt/webapp with the configuration in /mnt/conf. If GIVEN is
# "index" it opens the one in /mnt/index; if it is "documents" it makes one of
# those in /mnt/in in /mnt/out/index. It writes to /mnt/out/about how many documents it
# holds, one of its terms and, as JSON, the kinds of documents with their numbers.
home=$(mktemp -d)
address=127.0.0.1:18983
solr=http://$address/solr
fail() { echo "error: $*"; exit 1; }

# An index that others have made may be damaged, and Solr would not notice before a search
# meets the place.
if [ "$GIVEN" = index ]; then
	echo "checking the index"
	java -cp "$(echo /mnt/webapp/WEB-INF/lib/lucene-core-*.jar)" org.apache.lucene.index.CheckIndex /mnt/index >"$home/check" 2>&1 || {
		cat "$home/check"
		fail "the index is damaged: $(sed -n 's/.*\.\.\.ERROR \[\(.*\)\]$/\1/p; s/^WARNING: \(.* detected\)$/\1/p; s/^ERROR: //p' "$home/check" | head -n 1 | cut -c 1-300)"
	}
fi

mkdir -p "$home/conf" "$home/base/webapps" "$home/base/resources"
cp -R /mnt/conf/. "$home/conf"
cp -R /mnt/webapp "$home/base/webapps/solr"
data=/mnt/out
if [ "$GIVEN" = index ]; then data=/mnt; fi

cd "$home"
java -Xmx512m -XX:+UseSerialGC -Djava.awt.headless=true -Djava.io.tmpdir="$home" \
	-Dsolr.solr.home="$home" -Dsolr.data.dir="$data" \
	-Djetty.home=/usr/share/jetty9 -Djetty.base="$home/base" -jar /usr/share/jetty9/start.jar \
	--module=http,deploy,ext,resources jetty.http.host=127.0.0.1 jetty.http.port=${address#*:} \
	jetty.deploy.scanInterval=0 >log 2>&1 </dev/null &
pid=$!
trap 'kill -9 $pid 2>/dev/null || true; rm -rf "$home"' EXIT

# because prints what Solr's log says went wrong.
because() {
	sed -n 's/^Caused by: //p; s/^\(SEVERE: \)*\([a-z.]*[A-Za-z]*Exception.*\)/\2/p' log | grep -v 'undefined field text' | tail -n 1 | cut -c 1-300
}

ask() { curl -sS -g --max-time 600 -o answer -w '%{http_code}' "$@"; }

# load is a request that may take hours.
load() { ask --max-time 0 "$@"; }

code=000
tries=0
until [ "$code" != 000 ]; do
	kill -0 $pid 2>/dev/null || { cat log; fail "Solr did not start: $(because)"; }
	[ $tries -lt 1200 ] || { cat log; fail "Solr did not answer"; }
	tries=$((tries + 1))
	sleep 0.25
	code=$(ask "$solr/select?q=*:*&rows=0" 2>/dev/null || true)
done
[ "$code" = 200 ] || cat log answer
[ "$code" = 200 ] || fail "Solr cannot open the index or its configuration: $(because)"

# A field that the schema of AmiGO's source does not have is never searched.
if [ "$GIVEN" = index ]; then
	code=$(ask "$solr/admin/luke?numTerms=0&wt=json" || true)
	[ "$code" = 200 ] || fail "Solr does not tell the fields of the index: this configuration lacks the handler /admin/"
	unknown=$(grep -o '"[^"]*":{"type":null' answer | cut -d '"' -f 2 | head -n 5 | tr '\n' ' ')
	[ -z "$unknown" ] || fail "the index is of another schema than this source: it has the fields ${unknown% }"
fi

for file in /mnt/in/*; do
	[ -f "$file" ] || continue
	case $file in
	*.json | *.json.gz) set -- -H 'Content-Type: application/json' "$solr/update/json" ;;
	*) set -- -H 'Content-Type: text/xml; charset=utf-8' "$solr/update" ;;
	esac
	case $file in
	*.gz) unpack='gzip -dc' ;;
	*) unpack=cat ;;
	esac
	name=${file##*/}
	name=${name#*-}
	code=$($unpack "$file" | load -T - -X POST -H 'Expect:' "$@") || fail "Solr ended while it read $name: $(because)"
	[ "$code" = 200 ] || fail "Solr refuses the documents in $name: $(sed -n 's/.*<pre>\(.*\)/\1/p; s/.*MESSAGE:<\/th><td>\([^<]*\).*/\1/p' answer | head -n 1 | cut -c 1-300)"
	echo "posted $name"
done
if [ "$GIVEN" = documents ]; then
	code=$(load "$solr/update?commit=true&optimize=true")
	[ "$code" = 200 ] || fail "Solr cannot commit: $(because)"
fi

ask "$solr/select?q=*:*&rows=0&wt=json" >/dev/null
count=$(sed -n 's/.*"numFound":\([0-9]*\).*/\1/p' answer)
[ "${count:-0}" -gt 0 ] || fail "the index holds no documents"
for filter in 'annotation_class:GO%5C:*' 'annotation_class:*'; do
	code=$(ask "$solr/select?q=document_category:ontology_class&fq=is_obsolete:false&fq=$filter&rows=1&fl=annotation_class,annotation_class_label&wt=csv&csv.header=false&csv.separator=%09" || true)
	[ "$code" = 200 ] || : >answer
	[ ! -s answer ] || break
done
head -n 1 answer >term
ask "$solr/select?q=*:*&rows=0&facet=true&facet.field=document_category&facet.limit=100&facet.mincount=1&wt=json&json.nl=map" >/dev/null
kinds=$(sed -n 's/.*"document_category":\({[^}]*}\).*/\1/p' answer)
{ echo "$count"; cat term; [ -s term ] || echo; echo "${kinds:-{\}}"; } >/mnt/out/about
echo "$count documents"

kill $pid
wait $pid || true
rm -f /mnt/out/index/write.lock
