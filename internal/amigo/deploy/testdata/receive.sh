if systemctl is-active --quiet apache2; then systemctl stop jetty9.service amigo-workers.service 2>/dev/null || true; fi
tar --zstd -xf - -C / --no-overwrite-dir
exec sh -eu /run/amigo-deploy.sh
