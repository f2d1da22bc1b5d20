package deploy

import (
	"fmt"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fileset"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/site"
)

// script is what a guest does once the files are there. Every command costs an
// emulated guest a good part of a second, so there are few.
func script(plan Deployment, o Options) string {
	var b strings.Builder
	remove(&b, plan.Gone, o.Absent)
	if slices.ContainsFunc(plan.Upload, func(f fileset.File) bool { return f.Path == site.Sysusers }) {
		b.WriteString("systemd-sysusers " + site.Sysusers + "\n")
	}
	b.WriteString(operator(o.Operator, o.Group))
	b.WriteString(restart(plan, o))
	fmt.Fprintf(&b, "mv %[1]s.new %[1]s\nrm -f %[2]s\n", Record, staging)
	return b.String()
}

// remove removes files, and directories that are empty then.
func remove(b *strings.Builder, gone, absent []string) {
	var list strings.Builder
	for _, at := range append(append([]string{}, absent...), gone...) {
		list.WriteString(at + "\n")
	}
	if list.Len() == 0 {
		return
	}
	b.WriteString("while read -r at; do\n  if [ -d \"$at\" ] && [ ! -L \"$at\" ]; then rmdir \"$at\" 2>/dev/null || true; else rm -f \"$at\"; fi\ndone <<'END'\n")
	b.WriteString(list.String() + "END\n")
}

// operator makes a login without a password that asks for one when it is first
// used on the console. SSH takes no empty passwords.
func operator(name, group string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf(`if ! id %[1]s >/dev/null 2>&1; then
  groups=
  for group in adm %[2]s; do
    if getent group $group >/dev/null; then groups=$groups${groups:+,}$group; fi
  done
  useradd --create-home --shell /bin/bash --comment 'Operator of this machine' --groups "$groups" %[1]s
  passwd -d %[1]s >/dev/null
  chage --lastday 0 %[1]s
fi
`, shellescape.Quote(name), shellescape.Quote(group))
}

// restart does nothing on a guest that is only being built: what is enabled
// starts when the image does.
func restart(plan Deployment, o Options) string {
	var b strings.Builder
	b.WriteString("if systemctl is-active --quiet apache2; then\n")
	if plan.Reload {
		b.WriteString("  systemctl daemon-reload\n")
	}
	services := slices.DeleteFunc(slices.Clone(plan.Restart), func(service string) bool { return slices.Contains(plan.Gone, unit(service)) })
	if o.Workers && len(plan.Restart) > 0 {
		services = with(services, "amigo-workers")
	}
	if !o.Workers {
		services = without(services, "amigo-workers")
	}
	if len(services) > 0 {
		fmt.Fprintf(&b, "  systemctl restart %s\n", strings.Join(services, " "))
	}
	fmt.Fprintf(&b, answer, int(o.Wait.Seconds()))
	b.WriteString("fi\n")
	return b.String()
}

// answer waits, as many seconds as it is told, until AmiGO and GOlr answer.
const answer = `  left=%d
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
`

func with(services []string, name string) []string {
	return append(without(services, name), name)
}

func without(services []string, name string) []string {
	var rest []string
	for _, service := range services {
		if service != name {
			rest = append(rest, service)
		}
	}
	return rest
}
