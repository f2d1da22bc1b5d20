package main

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/geneontology/packer-plugin-amigo/cmd/amigo-image/cli"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/deploy"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/fetch"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/gosite"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/loader"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/source"
	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/host/origin"
	"github.com/geneontology/packer-plugin-amigo/internal/host/unpack"
	"github.com/geneontology/packer-plugin-amigo/internal/image/bootstrap"
	"github.com/geneontology/packer-plugin-amigo/internal/image/boottest"
	"github.com/geneontology/packer-plugin-amigo/internal/image/outdir"
	"github.com/geneontology/packer-plugin-amigo/internal/nightly"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/changes"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/pull"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/client/trust"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/publish/repository/store"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/tuf"
	"github.com/geneontology/packer-plugin-amigo/internal/store/imagestore"
	"github.com/geneontology/packer-plugin-amigo/internal/store/launch"
	"github.com/geneontology/packer-plugin-amigo/internal/store/obtain"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/terminal"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/accelerator"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
	"github.com/geneontology/packer-plugin-amigo/internal/vm/qemuimg"
	"github.com/geneontology/packer-plugin-amigo/pipeline"
	"github.com/geneontology/packer-plugin-amigo/pipeline/plugin"
)

var errTest = errors.New("x")

// typed returns the application as it would be for a command line.
func typed(args ...string) *cli.App {
	a := &cli.App{Args: args}
	a.Root = newRootCommand(a)
	return a
}

// The engine's errors know what a person needs; this holds what they know to
// what is shown: an exit status, a short fact, and what to try.
func TestFaultsOfTheEngine(t *testing.T) {
	const url = "https://images.example.org/metadata/timestamp.json"
	again := "amigo-image pull stable   # "
	failed := &boottest.FailedError{
		Failed: []boottest.Check{{Boot: "bios", Name: "GOlr answers", Detail: strings.Repeat("no answer ", 40)}},
		Total:  18, Evidence: "/out/evidence",
	}
	cases := []struct {
		err       error
		code      int
		what, try string // a beginning, a part; "-" is none
	}{
		{&command.MissingError{Name: "bwrap", Package: "bubblewrap"}, fault.Host, "bwrap is not installed", "apt-get install bubblewrap"},
		{&accelerator.NoneError{}, fault.Host, "no accelerator", "amigo-image doctor"},
		{&guest.TimeoutError{Addr: "127.0.0.1:1", Last: errTest}, fault.Build, "the guest did not answer", "ssh_timeout"},
		{&fetch.ChecksumError{Name: "solr.war"}, fault.Verify, "solr.war", "-"},
		{&bootstrap.ForeignError{Architecture: "arm64", Installed: true}, fault.Host, "this host can't run programs of arm64", "mount -t binfmt_misc"},
		{&bootstrap.ForeignError{Architecture: "arm64"}, fault.Host, "this host can't run programs of arm64", "apt-get install qemu-user-static binfmt-support"},
		{&repository.LossError{Version: "2026-11-22", Lost: []string{"9 documents, and there were 10 (-10%)"}}, fault.Verify, "the data have lost too much since 2026-11-22", "-"},
		{&loader.SkippedError{Skipped: 2, Lines: 9, Max: 0.01}, fault.Verify, "2 of 9 lines of annotations cannot be loaded, which is more than 1 %", "-"},
		{&deploy.RoomError{Need: 2, Free: 1}, fault.Usage, "the guest's disk has 1 B free", "-"},
		{&gosite.MissingError{Name: "2026-10-07", URL: "https://release.geneontology.org/2026-10-07/x"}, fault.NotFound, "there is no release 2026-10-07 of the Gene Ontology", "-"},
		{&gosite.OtherError{Name: "current", Why: "its loader's log has no dates"}, fault.Verify, "the release current of the Gene Ontology is not what it should be", "-"},
		{&gosite.SpaceError{Dir: "/var", Need: 2, Free: 1}, fault.Host, "the archive with the index has 2 B", "-"},
		{&origin.SizelessError{URL: "https://example.org/x"}, fault.Network, "https://example.org/x: the server does not say", "--from ANOTHER-URL"},
		{&bootstrap.LacksError{Release: "trixie", Architecture: "arm64"}, fault.NotFound, "the package archive has nothing of trixie for arm64", "-"},
		{&bootstrap.LacksError{Release: "trixie", Architecture: "arm64", Packages: []string{"x"}}, fault.NotFound, "trixie has no package called x for arm64", "-"},
		{&bootstrap.UnreachableError{Release: "bookworm", Host: true, Err: errTest}, fault.Network, "the package archive", "apt-get update"},
		{&source.UnreachableError{Repository: "https://example.org/x.git", Err: errTest}, fault.Network, "the git repository", "git ls-remote https://example.org/x.git"},
		{&outdir.NotOursError{Path: "/home"}, fault.Build, "the output directory /home", "another output directory"},
		{failed, fault.Test, "1 of 18 checks of the image failed", "/out/evidence"},
		{&launch.NotUpError{Err: errTest}, fault.Build, "x", "amigo-image doctor"},
		{&launch.LateError{Machine: "m", Last: errTest, SSH: true}, fault.Build, "ssh answers", "amigo-image ssh m"},
		{&nightly.LockedError{State: "/s"}, fault.Locked, "another night", again + "later"},
		{&qemuimg.RefusedError{Path: "/x.qcow2", Why: "is encrypted"}, fault.Verify, "/x.qcow2 is encrypted", "get the image from its maker"},
		{&address.InvalidError{Given: "stable", Why: "it lacks //", Meant: "s3://stable"}, fault.Usage, "stable is not the address", "amigo-image pull s3://stable"},
		{&unpack.LimitError{What: "1 file"}, fault.Verify, "the archive has more than", "-"},
		{&unpack.MemberError{Name: "x", Why: "leads out of it"}, fault.Verify, `"x" in the archive leads out of it`, "-"},
		{&source.LinkError{Dir: "d", Links: []string{"a -> /b"}}, fault.Verify, "the source has symbolic links", "-"},
		{&source.NotAmiGOError{Dir: "d", Lacks: []string{"install"}}, fault.Build, "d is not AmiGO's source", "-"},
		{&changes.NoImageError{Dir: "d"}, fault.NotFound, "no image is described in d", "amigo-image list"},

		{&origin.TransportError{URL: url, Host: "images.example.org", Err: errTest}, fault.Network, "images.example.org cannot be reached", again + "with --from ANOTHER-URL"},
		{&origin.TransportError{URL: url, Host: "h", Proxy: "p", Reached: true, Err: errTest}, fault.Network, "h does not send", again + "without a proxy"},
		{
			&plugin.NoReleaseError{
				Required: pipeline.RequiredPlugin{Source: "github.com/a/b"},
				Err:      &plugin.RefusedError{URL: url, Code: 403, Anonymous: true, Err: &origin.StatusError{URL: url, Code: 403}},
			},
			fault.Network, "no release of github.com/a/b can be looked for",
			"GitHub limits questions without a token: set PACKER_GITHUB_API_TOKEN to one of yours",
		},
		{&origin.StatusError{URL: url, Code: 500}, fault.Network, "the server refuses a file (500)", again + "later"},
		{&origin.SizeError{URL: url}, fault.Verify, "a file of the repository", again + "later"},
		{&origin.EncodedError{URL: url}, fault.Network, "the server alters files", again + "without a proxy"},
		{&origin.PageError{URL: url, Host: "h"}, fault.Network, "h sends a web page", again + "with --from ANOTHER-URL"},
		{&origin.PageError{URL: url, Host: "h", Proxy: "p"}, fault.Network, "h sends a web page", again + "without a proxy"},
		{&origin.NoRangesError{URL: url}, fault.Network, "the server sends only whole files", again},
		{&trust.ExpiredError{URL: url, Expires: time.Unix(1, 0), Now: time.Unix(2, 0)}, fault.Verify, "what ", again + "later"},
		{&trust.RollbackError{URL: url, Err: errTest}, fault.Verify, "the repository went back", again},
		{&trust.UntrustedError{URL: url, Err: errTest}, fault.Verify, "timestamp.json cannot be trusted", again},
		{&trust.PinError{URL: url, Dir: "/pins"}, fault.Verify, "the root of the repository is not", "rm -r /pins"},
		{&trust.NotFoundError{Kind: "channel", Name: "stable", Known: []string{"stabel"}}, fault.NotFound, `the repository has no channel "stable"`, "amigo-image pull stabel"},
		{&trust.EmptyError{Channel: "c"}, fault.NotFound, "nothing was published", "-"},
		{&trust.RevokedError{Channel: "c", Version: "1", Reason: "r"}, fault.Verify, "version 1 in channel c was revoked", "amigo-image list"},
		{&obtain.VariantError{Version: "1", Variant: "prod", Known: []string{"production"}}, fault.NotFound, "version 1 has no variant", "the only one: production"},
		{&obtain.LostError{URL: url}, fault.Network, "the repository lacks a file", again},
		{&obtain.NotFoundError{Where: "r", Name: "stable", Channels: []string{"stabel"}}, fault.NotFound, `r has no channel or version "stable"`, "amigo-image pull stabel"},
		{&obtain.MismatchError{URL: url}, fault.Verify, "a file of the repository is not", again},
		{&pull.SpaceError{Dir: "/d", Export: true}, fault.Space, "/d: the disk is full", again + "when there is some space, or with -o on another disk"},
		{&pull.SpaceError{Dir: "/d"}, fault.Space, "/d: the disk is full", again + "after amigo-image gc"},
		{&pull.ChunkError{URL: url, Err: errTest}, fault.Verify, "chunk 0 of 0", again},
		{&pull.DiskError{Err: errTest}, fault.Verify, "the disk does not hold", "amigo-image pull stable"},
		{&imagestore.MissingError{Name: "n"}, fault.NotFound, `there is no "n" here`, "amigo-image list"},
		{&imagestore.InUseError{Name: "n", Machines: []string{"a", "b"}}, fault.Locked, "n is in use by a, b", "amigo-image rm a b"},
		{&imagestore.MachineBusyError{Machine: imagestore.Machine{Name: "m"}}, fault.Locked, "m is running", "amigo-image stop m"},

		{&repository.NoImagesError{Dir: "d"}, fault.NotFound, "there is no image", "amigo-image build ."},
		{&repository.DataError{Image: "d", Why: "has no data"}, fault.Usage, "d has no data", "-"},
		{&repository.DamagedError{Path: "p"}, fault.Verify, "a file of the image", "amigo-image build --force ."},
		{&repository.PagesError{Err: &store.LockedError{}}, fault.Locked, "another publisher", again},
		{&repository.VersionTakenError{Version: "1"}, fault.Publish, "version 1 is there already", "another --version"},
		{&repository.OptionError{Option: "by", Err: errors.New("no")}, fault.Usage, "by: no", "amigo-image pull --help"},
		{&repository.RevokedError{Version: "1", Channel: "c", Reason: "r"}, fault.Usage, "version 1 was revoked in channel c", "with --reinstate"},
		{&repository.NoEarlierError{Channel: "c"}, fault.NotFound, "channel c has no earlier", "amigo-image promote VERSION c"},
		{&repository.AlteredError{Path: "p"}, fault.Verify, "a file in the repository", "-"},
		{&repository.MissingError{Location: "/r"}, fault.NotFound, "there is no image repository", "amigo-image publish output/ --to /r"},
		{&repository.ForeignError{Location: "/r"}, fault.Publish, "the place is neither", "an empty directory"},
		{&repository.NotFoundError{Location: "/r", Kind: "channel or version", Name: "stable", Known: []string{"stabel"}}, fault.NotFound, `there is no channel or version "stable"`, "amigo-image pull stabel"},
		{&store.LockedError{}, fault.Locked, "another publisher", again + "with --wait 10m"},
		{&store.UnsafeError{}, fault.Publish, "the store cannot lock out", "--single-publisher"},
		{&store.SchemeError{}, fault.Usage, "nothing can be published", "file:///srv/www/images"},
		{&store.AccessError{Scheme: "s3", Bucket: "b", Obstacle: store.NoBucket}, fault.NotFound, "there is no bucket", "aws s3 mb s3://b"},
		{store.ErrChanged, fault.Locked, "another publisher was faster", again},

		{&tuf.MissingKeyError{Role: "stable", File: "f"}, fault.NotFound, "the key that signs", "get f"},
		{&tuf.UnknownChannelError{Channel: "stable", Known: []string{"nightly"}}, fault.NotFound, "the repository has no channel", "amigo-image keys rotate stable --add"},
		{&tuf.UnknownChannelError{Channel: "stable", Known: []string{"stabel"}}, fault.NotFound, "the repository has no channel", "amigo-image pull stabel"},
		{&tuf.ConflictError{File: "f", Err: errTest}, fault.Verify, "the repository was signed", "--keys"},
		{&tuf.ExistsError{Dir: "d"}, fault.Build, "the directory already holds keys", "amigo-image keys show"},
		{&tuf.PasswordError{File: "f", Err: errTest}, fault.Build, "the password in", "export "},
		{&tuf.NoRootError{Dir: "d"}, fault.NotFound, "there is no root", "1.root.json d"},
		{&tuf.NoTargetsError{Dir: "d"}, fault.NotFound, "there are no targets", "targets.json d"},
		{&tuf.SetupError{Err: errTest}, fault.Usage, "x", "amigo-image pull --help"},
		{&tuf.PendingError{Dir: "d"}, fault.NotFound, "root 0 is pending", "amigo-image keys sign"},
		{&tuf.RefusedError{File: "f", Err: errTest, Try: fault.To(fault.RotateAgain)}, fault.Verify, "f is refused", "amigo-image keys rotate"},
		{&tuf.NoRootKeyError{File: "f"}, fault.NotFound, "no key in", "amigo-image keys sign f --key FILE"},

		{&os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, fault.Space, "x: no space left on device", again + "when there is some space"},
		{&os.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}, fault.Build, "x: permission", again + "as root"},
		{&net.DNSError{Name: "example.org"}, fault.Network, "the address of example.org cannot be looked up", "amigo-image doctor"},
		{context.Canceled, fault.Interrupted, "stopped", "-"},
		{&fault.Error{What: "w", Code: fault.Locked}, fault.Locked, "w", "-"},
		{errors.New("something"), fault.Build, "something", "-"},
		{errors.New("first\nsecond"), fault.Build, "first", "-"},
		{errors.New("doing this: " + strings.Repeat("and that ", 30)), fault.Build, "doing this", "-"},
	}
	a := typed("pull", "stable")
	tested := map[string]bool{}
	for _, c := range cases {
		tested[nameOf(c.err)] = true
		all := cli.FaultsOf(errors.Join(&pipeline.BuildError{Build: "b", Err: fmt.Errorf("%w", c.err)}))
		if len(all) != 1 {
			t.Fatalf("%v: %d faults", c.err, len(all))
		}
		f := all[0]
		a.Word(f)
		if f.Code != c.code || !strings.HasPrefix(f.What, c.what) || len(f.What) > fault.Longest {
			t.Errorf("%T: %+v", c.err, f)
		}
		if c.try == "-" && f.Try != "" || c.try != "-" && !strings.Contains(f.Try, c.try) {
			t.Errorf("%T: try %q, want %q", c.err, f.Try, c.try)
		}
		fits(t, f)
	}
	for _, name := range errorTypes(t) {
		if !tested[name] {
			t.Errorf("no case has a %s", name)
		}
	}
}

// fits fails the test if something is wider than a terminal of 80 columns and
// could be narrower.
func fits(t *testing.T, f *fault.Error) {
	t.Helper()
	var text strings.Builder
	if err := f.Write(&text); err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(terminal.Wrap(text.String(), 79), "\n") {
		if len(line) > 80 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
}

func nameOf(err error) string {
	of := reflect.TypeOf(err)
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	return path.Base(of.PkgPath()) + "." + of.Name()
}

// errorTypes returns the exported error types of the engine that report a
// fault.
func errorTypes(t *testing.T) (names []string) {
	t.Helper()
	err := filepath.WalkDir("../../internal", func(file string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range parsed.Decls {
			if name, ok := faultMethod(d); ok {
				names = append(names, parsed.Name.Name+"."+name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 30 {
		t.Fatalf("only %d error types were found", len(names))
	}
	return names
}

// faultMethod returns the exported type that a declaration gives its method
// Fault.
func faultMethod(d ast.Decl) (name string, ok bool) {
	method, ok := d.(*ast.FuncDecl)
	if !ok || method.Recv == nil || method.Name.Name != "Fault" {
		return "", false
	}
	of := method.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	ident, ok := of.(*ast.Ident)
	return ident.Name, ok && ident.IsExported()
}

// Every action and every means has words.
func TestWords(t *testing.T) {
	a := typed("pull", "stable")
	for action := fault.Nothing + 1; action <= fault.LastAction; action++ {
		if text := a.Words(fault.Try{Action: action, On: []string{"on"}, Known: []string{"known"}}); text == "" || strings.Contains(text, "%") {
			t.Errorf("action %d: %q", action, text)
		}
	}
	for means := range fault.LastMeans + 1 {
		if cli.Remarks[means] == "" {
			t.Errorf("means %d has no words", means)
		}
	}
}

// What cannot be written to is named with the variable that moves it.
func TestOtherDirectory(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "/d")
	t.Setenv("XDG_CACHE_HOME", "/c/ache")
	for path, want := range map[string]string{
		"/d/amigo-image/images": "with another directory in XDG_DATA_HOME", "/c": "with another directory in XDG_CACHE_HOME",
		"/elsewhere": "with another directory",
	} {
		r := fault.Of(&os.PathError{Op: "mkdir", Path: path, Err: fs.ErrPermission})
		if text := typed("pull").Words(r.Try); !strings.HasSuffix(text, "# as root, or "+want) {
			t.Errorf("%s: %s", path, text)
		}
	}
}

func TestRepeatHidesSecrets(t *testing.T) {
	a := typed("build", "-var", "password=x", ".")
	if text := a.Words(fault.Retry(fault.FreeSpace)); text != "the same command   # when there is some space" {
		t.Error(text)
	}
}

func TestFaultsTellEveryBuild(t *testing.T) {
	one, two := &pipeline.BuildError{Build: "one", Err: errors.New("1")}, &pipeline.BuildError{Build: "two", Err: errors.New("2")}
	all := cli.FaultsOf(errors.Join(errors.Join(one, two), errors.New("3")))
	if len(all) != 3 || all[1].Where != "build two" || all[2].Code != fault.Other {
		t.Errorf("%+v", all)
	}
}

func TestBucketFaults(t *testing.T) {
	obstacles := map[store.Obstacle]int{
		store.Incomplete: fault.Usage, store.NoCredentials: fault.Publish, store.Unreachable: fault.Network,
		store.Denied: fault.Publish, store.NoBucket: fault.NotFound,
	}
	for _, scheme := range []string{"s3", "gs", "azblob"} {
		for obstacle, code := range obstacles {
			if scheme == "gs" && obstacle == store.Incomplete {
				continue // its addresses are complete
			}
			err := fmt.Errorf("opening: %w", &store.AccessError{Scheme: scheme, Bucket: "images", Obstacle: obstacle, Err: errors.New("x\ny")})
			f := fault.Of(err)
			if f.Code != code || len(f.What) > fault.Longest || !strings.Contains(f.What, scheme+"://images") || f.Where != "x y" || f.Try.On[0] == "" {
				t.Errorf("%s, %d: %+v", scheme, obstacle, f)
			}
		}
	}
}
