# Runs AmiGO's own install and bundling in /srv/amigo.
cd /srv/amigo
# install takes what an older one says for what it is to write.
rm -f perl/bin/config.pl
./install -v </dev/null || { echo "failed: AmiGO's install"; exit 1; }
node node_modules/gulp/bin/gulp.js compile-js-dev </dev/null || { echo "failed: AmiGO's bundling"; exit 1; }
