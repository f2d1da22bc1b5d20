package plugin

import (
	"context"
	"slices"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/pipeline"
)

// Settings say where plugins are, and which may be used.
type Settings struct {
	Dir               string // see [Dir]
	IgnorePrereleases bool
	Log               func(line string) // gets the plugins' logs, from several goroutines; nil: nobody
}

// Resolve returns the components of a template: own, and those of installed plugins if
// the template needs more. A plugin of required_plugins is known by its name there. Every
// installed plugin is known by its own name besides. Own components come first, and the
// newest version of a plugin that fits. Nothing is looked for that own has.
//
// What the template requires and is not there is a [*MissingError].
func Resolve(ctx context.Context, t *pipeline.Template, own pipeline.Registry, s Settings) (pipeline.Registry, error) {
	required := slices.DeleteFunc(t.RequiredPlugins(), func(r pipeline.RequiredPlugin) bool { return own.Provides(r.Name) })
	missing := t.Missing(own)
	if len(required)+len(missing) == 0 {
		return own, nil
	}
	found, ignored, err := Installed(ctx, s.Dir, func(source, name string) bool { return needed(required, missing, source, name) })
	if err != nil {
		return own, err
	}
	if s.IgnorePrereleases {
		found = slices.DeleteFunc(found, func(p Plugin) bool { return p.Version.Prerelease() != "" })
	}
	registry := pipeline.Registry{}
	for _, p := range slices.Backward(found) {
		registry = registry.With(p.Registry(p.Name, s.Log))
	}
	lacking := MissingError{Dir: s.Dir, Ignored: ignored}
	for _, r := range required {
		at := slices.IndexFunc(found, func(p Plugin) bool { return p.Source == r.Source && r.Meets(p.Version) })
		if at < 0 {
			lacking.Required = append(lacking.Required, r)
			continue
		}
		registry = registry.With(found[at].Registry(r.Name, s.Log))
	}
	if len(lacking.Required) > 0 {
		return own, &lacking
	}
	return registry.With(own), nil
}

// needed reports whether a plugin may have what a template lacks.
func needed(required []pipeline.RequiredPlugin, missing []string, source, name string) bool {
	return slices.ContainsFunc(required, func(r pipeline.RequiredPlugin) bool { return r.Source == source }) ||
		slices.ContainsFunc(missing, func(typ string) bool { return typ == name || strings.HasPrefix(typ, name+"-") })
}

// MissingError names the plugins that a template requires and that are not installed.
type MissingError struct {
	Dir      string
	Required []pipeline.RequiredPlugin
	Ignored  []Ignored // what looks like one of them and can't be used
}

func (e *MissingError) Error() string {
	var names []string
	for _, r := range e.Required {
		names = append(names, r.String())
	}
	return "missing plugins: " + strings.Join(names, "; ")
}
