package manifest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
)

// Write writes packages.txt, manifest.json and SHA256SUMS into dir, where the
// files that m names already are, and returns their names. The package list
// is added to m.
func Write(dir string, m Manifest, packages []Package) ([]string, error) {
	list := []byte(FormatPackages(packages))
	m.Packages = Packages{Count: len(packages), SHA256: Digest(list)}
	m.Files = append(m.Files[:len(m.Files):len(m.Files)],
		File{Name: PackagesName, Role: PackageList, Size: int64(len(list)), SHA256: m.Packages.SHA256})
	if err := writeFile(dir, PackagesName, list); err != nil {
		return nil, err
	}
	names, err := WriteData(dir, m)
	return append([]string{PackagesName}, names...), err
}

// WriteData is [Write] for an image that holds data and no system.
func WriteData(dir string, m Manifest) ([]string, error) {
	content, err := m.Encode()
	if err != nil {
		return nil, err
	}
	sums := []Sum{{Digest(content), FileName}}
	for _, file := range m.Files {
		sums = append(sums, Sum{file.SHA256, file.Name})
	}
	err = errors.Join(writeFile(dir, FileName, content), writeFile(dir, SumsName, []byte(FormatSums(sums))))
	return []string{FileName, SumsName}, err
}

func writeFile(dir, name string, content []byte) error {
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
		return fmt.Errorf("describing the image: %w", err)
	}
	return nil
}

// ReadFile reads the manifest.json at path.
func ReadFile(path string) (Manifest, error) {
	content, err := regular.ReadFile(path, regular.Document)
	if err != nil {
		return Manifest{}, fmt.Errorf("reading a manifest: %w", err)
	}
	return Decode(content)
}
