package harden

import "slices"

// Unwanted returns the installed packages that a production image does without.
func (s Survey) Unwanted() []string {
	names := slices.DeleteFunc(slices.Clone(s.Packages), func(name string) bool { return !s.Distro.IsBuildTool(name) })
	slices.Sort(names)
	return names
}

// missing returns what makes the difference of a production image and is not there.
func (s Survey) missing() []string {
	return slices.DeleteFunc(slices.Clone(s.Distro.Packages.Production), func(name string) bool { return slices.Contains(s.Packages, name) })
}

// units returns what starts at boot in production.
func (s Survey) units() []string { return slices.Concat(s.Distro.Units, s.Release.Units) }
