package main

// helpTemplate shows examples first.
const helpTemplate = `{{.Short | trimTrailingWhitespaces}}

{{if .HasExample}}{{.Example}}

{{end}}{{with .Long}}{{. | trimTrailingWhitespaces}}

{{end}}{{if .HasAvailableSubCommands}}{{$cmds := .Commands}}{{range $group := .Groups}}{{.Title}}
{{range $cmds}}{{if and (eq .GroupID $group.ID) .IsAvailableCommand}}  {{rpad .Name 12}} {{.Short}}
{{end}}{{end}}{{end}}
{{end}}{{if not .HasAvailableSubCommands}}Usage: {{.UseLine}}

{{end}}{{if .HasAvailableLocalFlags}}Flags (` + environment + `NAME in the environment sets --name)
{{.LocalFlags.FlagUsagesWrapped 79 | trimTrailingWhitespaces}}
{{end}}{{if .HasAvailableInheritedFlags}}
Flags of every command
{{.InheritedFlags.FlagUsagesWrapped 79 | trimTrailingWhitespaces}}
{{end}}{{if .HasAvailableSubCommands}}
{{.CommandPath}} COMMAND --help shows examples and exit codes.
{{end}}`

const exitStatusBuild = `
EXIT STATUS
  0    everything is built, or nothing has changed
  1    the template is not valid, or anything not named here
  2    wrong arguments
  11   a build failed            12   an image failed its test
  20   a host cannot be reached  21   a checksum is wrong
  22   a disk is full            23   this host lacks something
  24   another process is at it  130  interrupted`

const exitStatusRead = `
EXIT STATUS
  0    the template is valid
  1    it is not
  2    wrong arguments`
