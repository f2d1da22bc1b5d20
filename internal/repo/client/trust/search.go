package trust

import (
	"context"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/guard"
)

// delegate is a role, and the one by which it is believed.
type delegate struct{ name, delegator string }

// search looks for a file in all roles that may sign it, in the order of the
// specification: depth first, the first one to name it wins.
func (s *session) search(ctx context.Context, path string) (*metadata.TargetFiles, error) {
	open := []delegate{{metadata.TARGETS, metadata.ROOT}}
	visited := map[string]bool{}
	for len(open) > 0 && len(visited) <= roleSteps {
		next := open[len(open)-1]
		open = open[:len(open)-1]
		if visited[next.name] {
			continue
		}
		visited[next.name] = true
		if err := s.load(ctx, next.name, next.delegator); err != nil {
			return nil, err
		}
		role := s.trusted.Targets[next.name].Signed
		if target := role.Targets[path]; target != nil {
			return target, nil
		}
		open = descend(open, next.name, role.Delegations, path)
	}
	return nil, &NotFoundError{Kind: "file", Name: path, URL: s.client.origin.URL(path)}
}

// descend puts the roles below a role on top of those that are still to be
// visited; behind a terminating one nobody is asked.
func descend(open []delegate, name string, delegations *metadata.Delegations, path string) []delegate {
	if delegations == nil {
		return open
	}
	var below []delegate
	for _, role := range delegations.GetRolesForTarget(path) {
		below = append(below, delegate{role.Name, name})
		if role.Terminating {
			open = nil
			break
		}
	}
	slices.Reverse(below)
	return append(open, below...)
}

// load takes a role, if that was not done, as this delegator wants it signed.
func (s *session) load(ctx context.Context, name, delegator string) error {
	role := s.trusted.Targets[name]
	if role == nil {
		return s.role(ctx, name, delegator)
	}
	if name == metadata.TARGETS {
		return nil
	}
	err := guard.Call(func() error { return s.trusted.Targets[delegator].VerifyDelegate(name, role) })
	if err != nil {
		return &UntrustedError{URL: s.client.origin.URL(layout.Metadata(name)), Err: err}
	}
	return nil
}
