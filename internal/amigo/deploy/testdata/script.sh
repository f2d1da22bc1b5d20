while read -r at; do
  if [ -d "$at" ] && [ ! -L "$at" ]; then rmdir "$at" 2>/dev/null || true; else rm -f "$at"; fi
done <<'END'
/etc/apache2/sites-enabled/000-default.conf
/srv/amigo/old/a file
/srv/amigo/old
END
if ! id amigo >/dev/null 2>&1; then
  groups=
  for group in adm sudo; do
    if getent group $group >/dev/null; then groups=$groups${groups:+,}$group; fi
  done
  useradd --create-home --shell /bin/bash --comment 'Operator of this machine' --groups "$groups" amigo
  passwd -d amigo >/dev/null
  chage --lastday 0 amigo
fi
if systemctl is-active --quiet apache2; then
  systemctl daemon-reload
  systemctl restart jetty9 apache2 amigo-workers
  left=60
  until curl -fsS -o /dev/null http://127.0.0.1/amigo 2>/run/amigo-wait && curl -fsS -o /dev/null 'http://127.0.0.1/solr/select?q=*:*&rows=0' 2>/run/amigo-wait; do
    left=$((left - 1))
    if [ $left -le 0 ]; then
      cat /run/amigo-wait /run/amigo-data/wrong 2>/dev/null || true
      journalctl --no-pager --lines 20 --output cat -u jetty9 -u amigo-workers -u apache2
      echo "AmiGO does not answer after its files were changed"
      exit 1
    fi
    sleep 1
  done
fi
mv /usr/share/amigo-image/files.new /usr/share/amigo-image/files
rm -f /run/amigo-deploy.sh
