package changes

import (
	"cmp"
	"regexp"
	"slices"

	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

// Compare says what became of old.
//
// Two sides of one image each are compared even if those are not the same
// variant: that tells what one variant has that the other has not.
func Compare(old, now Side) Changes {
	old, now = paired(old, now)
	c := Changes{
		Schema:   Schema,
		From:     Point{old.Name, old.Created},
		To:       Point{now.Name, now.Created},
		AmiGO:    compareAmiGO(old, now),
		GOlr:     GOlr{old.GOlr, now.GOlr},
		System:   System{old.System, now.System},
		Images:   compareImages(old, now),
		Packages: Packages{Known: len(old.Variants) > 0 && len(now.Variants) > 0},
	}
	both := shared(old.Variants, now.Variants)
	for _, name := range both {
		a, b := variant(old.Variants, name), variant(now.Variants, name)
		if len(a.Packages) == 0 || len(b.Packages) == 0 {
			c.Packages.Known = false
			continue
		}
		c.Packages.merge(comparePackages(a, b), name)
	}
	if len(both) == 0 {
		c.Packages.Known = false
	}
	c.Packages.tidy(len(both))
	return c
}

// paired gives the one image of the old side the name of the new one's.
func paired(old, now Side) (Side, Side) {
	if len(old.Variants) != 1 || len(now.Variants) != 1 || old.Variants[0].Name == now.Variants[0].Name {
		return old, now
	}
	was, is := old.Variants[0], now.Variants[0]
	was.Name, is.Updates = is.Name, nil
	old.Variants, now.Variants = []Variant{was}, []Variant{is}
	return old, now
}

func variant(variants []Variant, name string) Variant {
	for _, v := range variants {
		if v.Name == name {
			return v
		}
	}
	return Variant{Name: name}
}

// shared returns the names of the variants that both have, in the new order.
func shared(old, now []Variant) []string {
	var names []string
	for _, v := range now {
		if slices.ContainsFunc(old, func(o Variant) bool { return o.Name == v.Name }) {
			names = append(names, v.Name)
		}
	}
	return names
}

func compareImages(old, now Side) []Image {
	var images []Image
	for _, v := range now.Variants {
		was := variant(old.Variants, v.Name)
		images = append(images, Image{Variant: v.Name, OldSize: was.Size, NewSize: v.Size, Update: v.Updates[old.Name]})
	}
	for _, v := range old.Variants {
		if variant(now.Variants, v.Name).Size == 0 {
			images = append(images, Image{Variant: v.Name, OldSize: v.Size})
		}
	}
	return images
}

// key names a package among those of one image. Several kernels can be
// installed at once, each a package of its own name.
type key struct{ name, architecture string }

// comparePackages compares the packages of one variant.
func comparePackages(old, now Variant) Packages {
	before, after := index(old.Packages), index(now.Packages)
	var p Packages
	for _, pkg := range now.Packages {
		was, ok := before[key{pkg.Name, pkg.Architecture}]
		switch {
		case !ok:
			p.Added = append(p.Added, Package{Name: pkg.Name, Architecture: pkg.Architecture, Version: pkg.Version})
		case was.Version != pkg.Version:
			p.Changed = append(p.Changed, change(was, pkg))
		}
	}
	for _, pkg := range old.Packages {
		if _, ok := after[key{pkg.Name, pkg.Architecture}]; !ok {
			p.Removed = append(p.Removed, Package{Name: pkg.Name, Architecture: pkg.Architecture, Version: pkg.Version})
		}
	}
	p.pair()
	for i := range p.Changed {
		p.Changed[i].CVEs, p.Changed[i].FixesKnown = fixes(p.Changed[i], old.Changelogs, now.Changelogs)
	}
	return p
}

func index(packages []manifest.Package) map[key]manifest.Package {
	all := map[key]manifest.Package{}
	for _, p := range packages {
		all[key{p.Name, p.Architecture}] = p
	}
	return all
}

func change(old, now manifest.Package) Change {
	return Change{
		Name: now.Name, Architecture: now.Architecture, Old: old.Version, New: now.Version,
		Downgrade: CompareVersions(now.Version, old.Version) < 0,
	}
}

var numbers = regexp.MustCompile(`[0-9][0-9.]*`)

// pair turns a package that went and one that came into a change if their
// names differ in numbers only, as those of kernels and libraries do.
func (p *Packages) pair() {
	like := func(one Package) key { return key{numbers.ReplaceAllString(one.Name, "#"), one.Architecture} }
	came, went := map[key][]Package{}, map[key][]Package{}
	for _, one := range p.Added {
		came[like(one)] = append(came[like(one)], one)
	}
	for _, one := range p.Removed {
		went[like(one)] = append(went[like(one)], one)
	}
	pairs := func(one Package) bool { return len(came[like(one)]) == 1 && len(went[like(one)]) == 1 }
	for _, one := range p.Added {
		if !pairs(one) {
			continue
		}
		was := went[like(one)][0]
		paired := change(manifest.Package{Version: was.Version}, manifest.Package{Name: one.Name, Version: one.Version, Architecture: one.Architecture})
		paired.Was = was.Name
		p.Changed = append(p.Changed, paired)
	}
	p.Added = slices.DeleteFunc(p.Added, pairs)
	p.Removed = slices.DeleteFunc(p.Removed, pairs)
}

// merge adds what became of another variant. The same change for another processor is one.
func (p *Packages) merge(other Packages, variant string) {
	p.Added = mergePackages(p.Added, other.Added, variant)
	p.Removed = mergePackages(p.Removed, other.Removed, variant)
	for _, one := range other.Changed {
		i := slices.IndexFunc(p.Changed, func(c Change) bool {
			return c.Name == one.Name && c.Was == one.Was && c.Old == one.Old && c.New == one.New
		})
		if i < 0 {
			one.Variants = []string{variant}
			p.Changed = append(p.Changed, one)
			continue
		}
		known := &p.Changed[i]
		known.Variants = with(known.Variants, variant)
		if one.FixesKnown && !known.FixesKnown {
			known.CVEs, known.FixesKnown = one.CVEs, true
		}
	}
}

func mergePackages(all, more []Package, variant string) []Package {
	for _, one := range more {
		i := slices.IndexFunc(all, func(p Package) bool {
			return p.Name == one.Name && p.Version == one.Version
		})
		if i < 0 {
			one.Variants = []string{variant}
			all = append(all, one)
			continue
		}
		all[i].Variants = with(all[i].Variants, variant)
	}
	return all
}

// with adds a name, once.
func with(names []string, name string) []string {
	if slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}

// tidy sorts, and leaves the variants out where they are all that there are.
func (p *Packages) tidy(variants int) {
	for _, list := range [][]Package{p.Added, p.Removed} {
		for i := range list {
			if len(list[i].Variants) == variants {
				list[i].Variants = nil
			}
		}
		slices.SortFunc(list, func(a, b Package) int {
			return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Architecture, b.Architecture))
		})
	}
	for i := range p.Changed {
		if len(p.Changed[i].Variants) == variants {
			p.Changed[i].Variants = nil
		}
	}
	slices.SortFunc(p.Changed, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Architecture, b.Architecture))
	})
}
