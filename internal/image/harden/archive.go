package harden

import (
	"archive/tar"
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

//go:embed files
var files embed.FS

// operatorMark stands for the operator's name in the files.
const operatorMark = "@OPERATOR@"

// pack returns a tar of the files that the image gets, and of the list of
// paths below /srv/amigo that it loses, each ended by a zero byte.
func pack(remove []string, operator string) ([]byte, error) {
	var out bytes.Buffer
	archive := tar.NewWriter(&out)
	list := strings.Join(remove, "\x00")
	if list != "" {
		list += "\x00"
	}
	err := add(archive, removeList, []byte(list))
	if err == nil {
		err = addFiles(archive, operator)
	}
	if err == nil {
		err = archive.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("packing the configuration: %w", err)
	}
	return out.Bytes(), nil
}

func addFiles(archive *tar.Writer, operator string) error {
	return fs.WalkDir(files, "files", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		content = bytes.ReplaceAll(content, []byte(operatorMark), []byte(operator))
		return add(archive, strings.TrimPrefix(path, "files/"), content)
	})
}

// add writes one file. Its time is that of no clock: the same changes make
// the same archive.
func add(archive *tar.Writer, name string, content []byte) error {
	header := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), ModTime: time.Unix(0, 0), Format: tar.FormatPAX}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err := archive.Write(content)
	return err
}
