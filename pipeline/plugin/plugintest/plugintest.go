// Package plugintest makes releases of plugins for tests.
package plugintest

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"
)

// VersionVariable is the environment variable with the version that a plugin of a release
// has to say is its own.
const VersionVariable = "TEST_PLUGIN_VERSION"

// Release writes the files of a release into a directory, as GitHub has them: an archive
// for this host, and its checksum. Its plugin is a script that starts a program.
func Release(dir, source, version, program string) error {
	stem := fmt.Sprintf("packer-plugin-%s_v%s_x5.0_%s_%s", path.Base(source), version, runtime.GOOS, runtime.GOARCH)
	script := fmt.Sprintf("#!/bin/sh\n%s=%s exec '%s' \"$@\"\n", VersionVariable, version, program)
	archive, err := Archive(map[string]string{"LICENSE.txt": "as you like it", stem: script})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, stem+".zip"), archive, 0o600); err != nil {
		return err
	}
	sums := fmt.Sprintf("%x  %s.zip\n%x  packer-plugin-other.zip\n", sha256.Sum256(archive), stem, sha256.Sum256(nil))
	return os.WriteFile(filepath.Join(dir, fmt.Sprintf("packer-plugin-%s_v%s_SHA256SUMS", path.Base(source), version)), []byte(sums), 0o600)
}

// Archive returns a zip of files with a content each.
func Archive(files map[string]string) ([]byte, error) {
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	for name, content := range files {
		f, err := w.Create(name)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write([]byte(content)); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return archive.Bytes(), nil
}
