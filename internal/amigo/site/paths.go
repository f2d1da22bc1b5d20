package site

import "github.com/geneontology/packer-plugin-amigo/internal/amigo/settings"

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
