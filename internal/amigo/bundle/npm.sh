# Installs what the lock files in /mnt/in name below /mnt/out/modules.
# $npm is the command. No package's own scripts are run: bundling needs none of them.
export npm_config_cache=/mnt/out/npm npm_config_ignore_scripts=true npm_config_audit=false
export npm_config_fund=false npm_config_update_notifier=false npm_config_progress=false
rm -rf /mnt/out/modules
mkdir -p /mnt/out/modules
cp -R /mnt/in/. /mnt/out/modules
cd /mnt/out/modules
if [ -f package-lock.json ]; then $npm ci; else $npm install --no-package-lock; fi
cd javascript/npm/amigo2-instance-data
$npm install --omit=dev
mkdir -p node_modules ../../../node_modules
rm -rf /mnt/out/npm
