# Looks whether there are data that fit this AmiGO. Then /run/amigo-data/good is there, else
# /run/amigo-data/wrong says what to do. It writes for the start page what the data are, and
# for the console what is wrong. Each program that it starts takes an emulated machine a good
# part of a second, so there are few.
at=/srv/golr/current
dir=/run/amigo-data
umask 022
[ -d $dir ] || mkdir -p $dir
rm -f $dir/good $dir/wrong
# An upgrade of AmiGO leaves the link as amigo-data has set it.
[ -L $at ] || ln -s attached $at

# Data that were fetched are in a file.
served=$(readlink $at)
case $served in
releases/*)
	if [ ! -f $at/release ]; then
		mkdir -p "/srv/golr/$served"
		mount -o loop,ro,nodev,nosuid,noexec -t ext4 "/var/lib/amigo-data/${served#releases/}.raw" "/srv/golr/$served" || true
	fi
	;;
esac

wrong= date= doi= documents= example= schema=
if [ -f $at/release ]; then
	while IFS='	' read -r name value; do
		case $value in
		*[\&\<\>\"]*) value=$(printf '%s\n' "$value" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/"/\&quot;/g') ;;
		esac
		case $name in
		DATE) date=$value ;;
		DOI) doi=$value ;;
		DOCUMENTS) documents=$value ;;
		EXAMPLE) example=$value ;;
		SCHEMA) schema=$value ;;
		esac
	done <$at/release
	read -r fits </usr/share/amigo-image/schema
	if [ "$schema" != "$fits" ]; then
		wrong="The data on the attached disk are not for this version of AmiGO (2.5.17). Attach the ones that were published with it, and restart this machine."
	fi
elif [ "$served" != attached ]; then
	wrong="The data that were fetched cannot be read. On this machine, run: sudo amigo-data use attached"
else
	wrong="This machine has no data. Attach the disk with AmiGO's data to it, and restart it."
fi

if [ -n "$wrong" ]; then
	printf '%s\n' "$wrong" >$dir/wrong
	mkdir -p /run/issue.d
	printf '%s\n' "$wrong" | fold -s -w 76 | sed 's/^/  /; $s/$/\n/' >/run/issue.d/amigo-data.issue
	printf '<dl><dt>Last loaded</dt><dd>there are none</dd></dl>\n' >$dir/page.html
	agetty --reload || true
	exit 0
fi

{
	printf '<dl>\n<dt>Last loaded</dt><dd>%s</dd>\n' "${date:-the date was not recorded}"
	printf '<dt>Documents</dt><dd>%s in GOlr</dd>\n' "$documents"
	if [ "$example" = yes ]; then
		printf '<dt>DOI</dt><dd>none</dd>\n</dl>\n<p><b>These are example data, not a GO release: do not cite them.</b></p>\n'
	elif [ -n "$doi" ]; then
		printf '<dt>DOI</dt><dd><a href="https://doi.org/%s">%s</a></dd>\n</dl>\n' "$doi" "$doi"
	else
		printf '<dt>DOI</dt><dd>none was recorded</dd>\n</dl>\n'
	fi
} >$dir/page.new
mv $dir/page.new $dir/page.html
: >$dir/good
if [ -e /run/issue.d/amigo-data.issue ]; then
	rm -f /run/issue.d/amigo-data.issue
	agetty --reload || true
fi
