package build

import (
	"strconv"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
)

// showMachine writes what was built as Packer's -machine-readable does.
func showMachine(out *terminal.Machine, results []pipeline.Result) {
	var failed []pipeline.Result
	for _, r := range results {
		if r.Err != nil {
			failed = append(failed, r)
		}
	}
	if len(failed) > 0 {
		out.Line("", "error-count", strconv.Itoa(len(failed)))
	}
	for _, r := range failed {
		out.Line(r.Build, "error", cli.FaultOf(r.Err).What)
	}
	for _, r := range results {
		if r.Err == nil {
			showArtifacts(out, r)
		}
	}
}

func showArtifacts(out *terminal.Machine, r pipeline.Result) {
	out.Line(r.Build, "artifact-count", strconv.Itoa(len(r.Artifacts)))
	for i, a := range r.Artifacts {
		line := func(data ...string) { out.Line(r.Build, "artifact", append([]string{strconv.Itoa(i)}, data...)...) }
		line("builder-id", a.Builder)
		line("id", a.ID)
		line("string", a.Text)
		line("files-count", strconv.Itoa(len(a.Files)))
		for j, f := range a.Files {
			line("file", strconv.Itoa(j), f.Path)
		}
		line("end")
	}
}
