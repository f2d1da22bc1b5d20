package site

import (
	"html/template"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/settings"
	"github.com/geneontology/packer-plugin-amigo/internal/manifest"
)

// Share returns [Share], for the files' templates.
func (s Site) Share() string { return Share }

// Root returns where AmiGO is, for the files' templates.
func (s Site) Root() string { return settings.Root }

// ProgramDir returns where AmiGO's programs are, for the files' templates.
func (s Site) ProgramDir() string { return settings.Programs }

// WorkingPath returns where AmiGO writes, for the files' templates.
func (s Site) WorkingPath() string { return settings.WorkingPath }

// SolrHome returns [SolrHome], for the files' templates.
func (s Site) SolrHome() string { return SolrHome }

// DataMount returns [DataMount], for the files' templates.
func (s Site) DataMount() string { return DataMount }

// DataCurrent returns [DataCurrent], for the files' templates.
func (s Site) DataCurrent() string { return DataCurrent }

// DataUnit returns the name of the mount's unit, for the files' templates.
func (s Site) DataUnit() string { return dataUnit }

// DataHome returns [DataHome], for the files' templates.
func (s Site) DataHome() string { return DataHome }

// Ready returns [Ready], for the files' templates.
func (s Site) Ready() string { return Ready }

// Names is the regular expression for the parameters that browsers may send to
// Solr.
func (s Site) Names() string { return allowedQuery }

// Values is the regular expression for query strings that are well formed.
func (s Site) Values() string { return wellFormed }

// Bounds are the regular expressions for query strings that ask too much.
func (s Site) Bounds() []string { return bounds() }

// SearchTime returns [SearchTime], for the files' templates.
func (s Site) SearchTime() int { return SearchTime }

// Example tells whether the data are not a release of GO's.
func (s Site) Example() bool { return manifest.IsExample(s.DOI) }

// Data is where Apache puts what the data are, if they are on a disk of their own.
func (s Site) Data() template.HTML { return `<!--#include virtual="/data.html" -->` }

// Status is where Apache puts what is wrong with the machine, if anything is.
func (s Site) Status() template.HTML { return `<!--#include virtual="/status.html" -->` }
