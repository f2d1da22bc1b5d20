package nightly

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/image/boottest"
	"github.com/geneontology/packer-plugin-amigo/internal/image/deliver"
)

// junit returns the night as JUnit XML: a case a phase, and every check of the
// boot tests of the images in dirs and of the evidence.
func (s Status) junit(dirs []string) ([]byte, error) {
	all := junit.Testsuites{Name: "amigo-image nightly"}
	all.AddSuite(s.phases())
	reports := map[string]string{}
	for _, dir := range dirs {
		reports[filepath.Base(dir)] = filepath.Join(dir, deliver.ReportName)
	}
	if s.Evidence != "" {
		reports["failed"] = filepath.Join(s.Evidence, boottest.ReportName)
	}
	for _, name := range slices.Sorted(maps.Keys(reports)) {
		suite, err := checks(name, reports[name])
		if err != nil {
			return nil, err
		}
		all.AddSuite(suite)
	}
	var out bytes.Buffer
	if err := all.WriteXML(&out); err != nil {
		return nil, fmt.Errorf("writing %s: %w", ReportFile, err)
	}
	return out.Bytes(), nil
}

// reportedSince leaves the directories whose image was tested since a time.
func reportedSince(dirs []string, start time.Time) []string {
	return slices.DeleteFunc(slices.Clone(dirs), func(dir string) bool {
		info, err := os.Stat(filepath.Join(dir, deliver.ReportName))
		return err != nil || info.ModTime().Before(start)
	})
}

func (s Status) phases() junit.Testsuite {
	suite := junit.Testsuite{Name: "night", Time: seconds(s.Finished.Sub(s.Started).Seconds())}
	suite.SetTimestamp(s.Started)
	suite.AddProperty("result", string(s.Result))
	suite.AddProperty("channel", s.Channel)
	suite.AddProperty("version", s.Version)
	for _, phase := range s.Phases {
		test := junit.Testcase{Name: phase.Name, Classname: "nightly", Time: seconds(phase.Seconds)}
		if !phase.OK {
			test.Failure = &junit.Result{Message: phase.Detail}
		}
		suite.AddTestcase(test)
	}
	return suite
}

// checks reads the report of a boot test. One that is not there has no cases.
func checks(name, path string) (junit.Testsuite, error) {
	suite := junit.Testsuite{Name: name}
	content, err := regular.ReadFile(path, regular.Document)
	if errors.Is(err, fs.ErrNotExist) {
		return suite, nil
	}
	var report boottest.Report
	if err == nil {
		err = json.Unmarshal(content, &report)
	}
	if err != nil {
		return suite, fmt.Errorf("reading the report of a boot test: %w", err)
	}
	for _, check := range report.Checks {
		test := junit.Testcase{Name: check.Name, Classname: name + "." + check.Boot}
		if !check.OK {
			test.Failure = &junit.Result{Message: check.Detail}
		}
		suite.AddTestcase(test)
	}
	return suite, nil
}

func seconds(s float64) string { return strconv.FormatFloat(s, 'f', 1, 64) }
