# Looks whether there are data that fit this AmiGO. Then /run/amigo-data/good is there, else
# /run/amigo-data/wrong says what to do. It writes for the start page what the data are, and
# for the console what is wrong.
at=/srv/golr/current
dir=/run/amigo-data
umask 022
rm -f $dir/good $dir/wrong /run/issue.d/amigo-data.issue

# value prints what the data say of themselves, as it is written in a web page.
value() {
	sed -n "s/^$1	//p" $at/release 2>/dev/null | head -n 1 | tr -d '\r' |
		sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/"/\&quot;/g'
}

wrong=
if [ ! -f $at/release ]; then
	wrong="This machine has no data. Attach the disk with AmiGO's data to it, and restart it."
elif [ "$(value SCHEMA)" != "$(cat /usr/share/amigo-image/schema)" ]; then
	wrong="The data on the attached disk are not for this version of AmiGO (2.5.17). Attach the ones that were published with it, and restart this machine."
fi

if [ -n "$wrong" ]; then
	printf '%s\n' "$wrong" >$dir/wrong
	mkdir -p /run/issue.d
	printf '  %s\n\n' "$wrong" | fold -s -w 78 >/run/issue.d/amigo-data.issue
	printf '<dl><dt>Last loaded</dt><dd>there are none</dd></dl>\n' >$dir/page.html
	agetty --reload || true
	exit 0
fi

doi=$(value DOI)
date=$(value DATE)
{
	printf '<dl>\n<dt>Last loaded</dt><dd>%s</dd>\n' "${date:-the date was not recorded}"
	printf '<dt>Documents</dt><dd>%s in GOlr</dd>\n' "$(value DOCUMENTS)"
	if [ "$(value EXAMPLE)" = yes ]; then
		printf '<dt>DOI</dt><dd>none</dd>\n</dl>\n<p><b>These are example data, not a GO release: do not cite them.</b></p>\n'
	elif [ -n "$doi" ]; then
		printf '<dt>DOI</dt><dd><a href="https://doi.org/%s">%s</a></dd>\n</dl>\n' "$doi" "$doi"
	else
		printf '<dt>DOI</dt><dd>none was recorded</dd>\n</dl>\n'
	fi
} >$dir/page.html
: >$dir/good
