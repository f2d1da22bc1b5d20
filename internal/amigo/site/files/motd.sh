#!/bin/sh
# What who logs in should know now.
sed -n 's/<[^>]*>//g; s/^./  Note:       &/p' /run/amigo-status/status.html 2>/dev/null
if [ -f /run/reboot-required ]; then
	echo '  Note:       a newer kernel is installed and waits for a reboot: sudo systemctl reboot'
fi
exit 0
