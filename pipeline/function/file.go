package function

import (
	"errors"
	"path/filepath"

	"github.com/hashicorp/go-cty-funcs/filesystem"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
)

// files are the functions that read files. Paths are relative to dir, except
// those of filebase64: Packer takes these from the working directory.
func files(dir string) map[string]function.Function {
	return map[string]function.Function{
		"file":       onlyRegular(dir, filesystem.MakeFileFunc(dir, false)),
		"filebase64": onlyRegular("", filesystem.MakeFileFunc("", true)),
		"fileexists": filesystem.MakeFileExistsFunc(dir),
		"fileset":    filesystem.MakeFileSetFunc(dir),
	}
}

// onlyRegular is a function that reads a file, for regular files: another would
// keep it waiting.
func onlyRegular(dir string, read function.Function) function.Function {
	return function.New(&function.Spec{
		Params:       read.Params(),
		Type:         function.StaticReturnType(cty.String),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			path, err := resolve(dir, args[0])
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			f, err := regular.Open(path)
			if errors.Is(err, regular.ErrNot) {
				return cty.NilVal, function.NewArgErrorf(0, "%s", fault.Plain(err))
			}
			if err == nil {
				_ = f.Close()
			}
			return read.Call(args)
		},
	})
}

// resolve returns the path of a file that a template names. A leading ~ is the
// home directory.
func resolve(dir string, name cty.Value) (string, error) {
	expanded, err := filesystem.Pathexpand(name)
	if err != nil {
		return "", err
	}
	path := expanded.AsString()
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	return path, nil
}
