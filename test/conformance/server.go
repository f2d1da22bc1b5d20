package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
)

// server is the suite's repository. It is an [origin.Origin] of its own, since
// the suite has names of roles that no repository of ours has, and metadata
// and files in different places.
type server struct {
	origin.Origin

	metadata, targets string
}

func (s *server) URL(path string) string {
	name := strings.TrimPrefix(path, layout.MetadataDir+"/")
	return strings.TrimSuffix(s.metadata, "/") + "/" + url.PathEscape(name)
}

func (s *server) Fetch(ctx context.Context, path string, limit int64) ([]byte, error) {
	return get(ctx, s.URL(path), limit)
}

func get(ctx context.Context, address string, limit int64) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusNotFound {
		return nil, fmt.Errorf("%s: %w", address, fs.ErrNotExist)
	}
	if response.StatusCode != http.StatusOK {
		return nil, &origin.StatusError{URL: address, Code: response.StatusCode}
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	if err == nil && int64(len(content)) > limit {
		err = &origin.SizeError{URL: address, Got: -1, Want: limit}
	}
	return content, err
}

func (s subject) download(ctx context.Context) error {
	view, err := s.refresh(ctx)
	if err != nil {
		return err
	}
	for _, name := range s.targets {
		file, err := view.Target(ctx, name)
		if err != nil {
			return err
		}
		if err := s.get(ctx, name, file); err != nil {
			return err
		}
	}
	return nil
}

// get downloads a file that is not there yet. The suite's files have one of
// their digests in their names.
func (s subject) get(ctx context.Context, name string, file *metadata.TargetFiles) error {
	local := filepath.Join(s.targetDir, url.PathEscape(name))
	if content, err := os.ReadFile(local); err == nil && file.VerifyLengthHashes(content) == nil {
		return nil
	}
	dir, base := "", name
	if i := strings.LastIndex(name, "/"); i >= 0 {
		dir, base = name[:i+1], name[i+1:]
	}
	for _, digest := range file.Hashes {
		base = digest.String() + "." + url.PathEscape(base)
		break
	}
	content, err := get(ctx, strings.TrimSuffix(s.targetURL, "/")+"/"+dir+base, file.Length)
	if err != nil {
		return err
	}
	if err := file.VerifyLengthHashes(content); err != nil {
		return fmt.Errorf("%s is not what was signed: %w", name, err)
	}
	return os.WriteFile(local, content, 0o644)
}
