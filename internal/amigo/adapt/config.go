package adapt

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/release"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/settings"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

// assignment is how AmiGO's install writes a setting for its programs.
var assignment = regexp.MustCompile(`^\$ENV\{(\w+)\}='(.*)';$`)

// UnknownDate is what pages say of data whose release date nobody gave.
const UnknownDate = "an unknown date"

// Names are the settings of AmiGO's programs that say what the data are.
var Names = []string{"DATA_DOI_IN_USE", "GOLR_TIMESTAMP_LAST", "ZENODO_CONCEPT_IN_USE"}

// Known returns those settings for a release.
func Known(data release.Release) map[string]string {
	values := map[string]string{
		"GOLR_TIMESTAMP_LAST": cmp.Or(data.Loaded, UnknownDate), "DATA_DOI_IN_USE": data.DOI, "ZENODO_CONCEPT_IN_USE": data.Zenodo(),
	}
	if manifest.IsExample(data.DOI) {
		// The footer shows the time, and links a DOI.
		values["GOLR_TIMESTAMP_LAST"] += " (" + manifest.NotCited + ")"
		values["DATA_DOI_IN_USE"] = ""
	}
	return values
}

// told is Perl that takes those settings from a file, whose lines are a name, a tab and a
// value. Where there is no file the data are not there either.
func told(file string) string {
	return fmt.Sprintf(`# What the data are is on their disk, which may be exchanged.
sub AmiGOImage::tell {
    $ENV{$_} = '' for qw(%[1]s);
    $ENV{GOLR_TIMESTAMP_LAST} = '%[2]s';
    open(my $release, '<', '%[3]s') or return;
    while (my $line = <$release>) {
        chomp $line;
        $ENV{$1} = $2 if $line =~ /^(%[4]s)\t(.*)$/;
    }
    close($release);
}
AmiGOImage::tell();
`, strings.Join(Names, " "), UnknownDate, file, strings.Join(Names, "|"))
}

// config returns config.pl with the settings in alphabetical order, with what
// is known of the data, and with server's values.
func config(text string, data Data, server map[string]string) string {
	values := map[string]string{}
	var head, foot []string
	for _, line := range strings.Split(text, "\n") {
		switch found := assignment.FindStringSubmatch(line); {
		case found != nil:
			values[found[1]] = found[2]
		case len(values) == 0:
			head = append(head, line)
		default:
			foot = append(foot, line)
		}
	}
	maps.Copy(values, Known(data.Release))
	maps.Copy(values, server)
	if data.File != "" {
		for _, name := range Names {
			delete(values, name)
		}
		foot = append(strings.Split(told(data.File), "\n"), foot...)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		head = append(head, fmt.Sprintf("$ENV{%s}='%s';", name, values[name]))
	}
	return strings.Join(append(head, foot...), "\n")
}

// relative is config.pl as programs look for it in their working directory,
// which only a CGI server sets for them.
var relative = regexp.MustCompile(`(["'])config\.pl(["'])`)

func program(text string) string {
	return relative.ReplaceAllString(text, "${1}"+settings.Programs+"/config.pl${2}")
}

// profile is what AmiGO knows of a request's parameters: its file adds to it,
// and a process that stays would check each request by the rules of all before.
var profile = regexp.MustCompile(`(?s)\nmy (\$profile = \{.*?\n\};\n).*?\nsub new \{\n`)

// input makes each request begin with an empty profile.
func input(text string) string {
	found := profile.FindStringSubmatchIndex(text)
	if found == nil {
		return text
	}
	return text[:found[1]] + "\n  " + text[found[2]:found[3]] + text[found[1]:]
}
