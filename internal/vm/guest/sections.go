package guest

import "strings"

const sectionMark = "@@amigo@@ "

// Section is a line of a script after which all output, up to the next such line,
// is the section of that name. One script that asks many things costs one session,
// which takes an emulated machine seconds.
func Section(name string) string { return "echo '" + Heading(name) + "'\n" }

// Heading is the line of the output that a section begins with.
func Heading(name string) string { return sectionMark + name }

// Sections are the sections of a script's output by their names, without the
// spaces around them. What comes before the first is left out.
func Sections(output string) map[string]string {
	answers := map[string]string{}
	for _, part := range strings.Split("\n"+output, "\n"+sectionMark)[1:] {
		name, answer, _ := strings.Cut(part, "\n")
		answers[name] = strings.TrimSpace(answer)
	}
	return answers
}
