# Says in words, as a piece of a web page, what is wrong with this machine.
# Nothing is wrong: nothing is said.
dir=/run/amigo-status
say() { printf '<p class="wrong" role="alert">%s</p>\n' "$1"; }

look() {
	left=$(df -P -k / | awk 'NR == 2 { print int($4 / 1024) }')
	if [ "$left" -lt 100 ]; then
		say "The disk of this machine is full: $left MiB are left. Searches may fail until its operator makes room; then they go on by themselves."
	fi
	files=$(df -P -i / | awk 'NR == 2 { print $4 }')
	if [ "$files" -lt 1000 ]; then
		say "The disk of this machine has no room for more files. Searches may fail until its operator removes some; then they go on by themselves."
	fi
{{- if .Apart}}
	if [ -f /run/amigo-data/wrong ]; then
		say "$(cat /run/amigo-data/wrong)"
	elif [ ! -f {{.Ready}} ]; then
{{- else}}
	if [ ! -f {{.Ready}} ]; then
{{- end}}
		say "GOlr, the search server, is starting. Try again in a moment."
	fi
{{- if eq .Serve "workers"}}
	if ! systemctl is-active --quiet amigo-workers; then
		say "AmiGO's programs are not running. They are started again by themselves; <code>journalctl -u amigo-workers</code> on this machine says why they ended."
	fi
{{- end}}
}

look >$dir/new
mv $dir/new $dir/status.html
