//go:build vm

package catalog

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/geneontology/packer-plugin-amigo/internal/repo/format/layout"
)

var (
	shots = flag.String("shots", "", "write screenshots into this directory")
	axe   = flag.String("axe", "../../../../build/axe/node_modules/axe-core/axe.min.js", "axe-core; make axe gets it")
)

// look is a way to look at a page.
type look struct {
	path  string // "": the page of all channels
	width int64
	zoom  float64 // 0: none; a window of that width has fewer pixels of CSS then
	dark  bool
	bare  bool // without scripts
	file  bool // from a file, not from a server
}

func (l look) String() string {
	name := fmt.Sprintf("%s%d", strings.TrimSuffix(strings.TrimSuffix(l.path, "index.html"), ".html"), l.width)
	for _, part := range []struct {
		is   bool
		name string
	}{{l.zoom > 0, fmt.Sprintf("-zoom%.0f", 100*l.zoom)}, {l.dark, "-dark"}, {l.bare, "-bare"}, {l.file, "-file"}} {
		if part.is {
			name += part.name
		}
	}
	return name
}

// TestInBrowser looks at the pages in Chromium: axe finds nothing, nothing is
// wider than the window, nothing breaks the policy, nothing else is asked for.
func TestInBrowser(t *testing.T) {
	rules, err := os.ReadFile(*axe)
	if err != nil {
		t.Fatalf("axe-core is missing (try: make axe): %v", err)
	}
	browser := startBrowser(t)
	for name, scene := range scenes(t) {
		dir := write(t, scene)
		server := httptest.NewServer(http.FileServer(http.Dir(dir)))
		t.Cleanup(server.Close)
		for _, l := range looks[name] {
			address := server.URL + "/" + l.path
			if l.file {
				address = "file://" + filepath.Join(dir, "index.html")
			}
			t.Run(fmt.Sprintf("%s/%s", name, l), func(t *testing.T) { inspect(browser, t, l, address, string(rules)) })
		}
	}
}

// looks are those at each scene.
var looks = map[string][]look{
	"full": {
		{width: 320}, {width: 768, dark: true}, {width: 1280}, {width: 1280, dark: true},
		{width: 1280, zoom: 2}, {width: 768, bare: true}, {width: 320, dark: true, file: true}, {width: 320, path: "nightly/index.html"},
		{width: 375}, {width: 375, path: "servers.html"}, {width: 1280, path: "servers.html"}, {width: 320, dark: true, path: "stable/servers.html"},
		{width: 1280, zoom: 2, path: "nightly/servers.html"},
	},
	"example": {{width: 320, file: true}, {width: 1280}, {width: 768, path: "nightly/index.html"}, {width: 768, path: "servers.html"}},
	"gone":    {{width: 768}, {width: 320, path: "stable/index.html"}, {width: 320, path: "stable/servers.html"}},
	"empty":   {{width: 768}},
}

func write(t *testing.T, s scene) string {
	t.Helper()
	files, err := Render(s.catalog, s.options)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, file := range files {
		path := filepath.Join(dir, file.Path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file.Content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	amigo, err := os.ReadFile("../../../../docs/amigo.png")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, layout.ScreenshotFile), amigo, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func startBrowser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true))
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	browser, closeBrowser := chromedp.NewContext(ctx)
	t.Cleanup(func() { _ = chromedp.Cancel(browser); closeBrowser() })
	if err := chromedp.Run(browser); err != nil {
		t.Fatal(err)
	}
	return browser
}

// violation is a fault that axe finds.
type violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		Target  []string `json:"target"`
		Summary string   `json:"failureSummary"`
	} `json:"nodes"`
}

func inspect(browser context.Context, t *testing.T, l look, address, rules string) {
	tab, closeTab := chromedp.NewContext(browser)
	defer closeTab()
	tab, stop := context.WithTimeout(tab, time.Minute)
	defer stop()
	listen(tab, t, address)
	scheme := "light"
	if l.dark {
		scheme = "dark"
	}
	var found, overflow, broken string
	var picture []byte
	zoom := max(l.zoom, 1)
	err := chromedp.Run(tab,
		log.Enable(),
		network.Enable(),
		emulation.SetScriptExecutionDisabled(l.bare),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
		chromedp.EmulateViewport(int64(float64(l.width)/zoom), int64(900/zoom), chromedp.EmulateScale(zoom)),
		chromedp.Navigate(address),
		chromedp.Evaluate(missing, &broken, awaiting),
		chromedp.Evaluate(overflowing, &overflow),
		chromedp.FullScreenshot(&picture, 100),
	)
	if err != nil {
		t.Fatal(err)
	}
	if overflow != "" {
		t.Errorf("wider than the window: %s", overflow)
	}
	if broken != "" {
		t.Errorf("not shown: %s", broken)
	}
	if *shots != "" {
		name := filepath.Join(*shots, strings.ReplaceAll(strings.TrimPrefix(t.Name(), "TestInBrowser/"), "/", "-")+".png")
		if err := os.WriteFile(name, picture, 0o644); err != nil {
			t.Error(err)
		}
	}
	if l.bare {
		return // axe is a script
	}
	for _, open := range []bool{false, true} {
		err := chromedp.Run(tab,
			chromedp.Evaluate(fmt.Sprintf("if (%t) { %s }", open, showAll), nil),
			chromedp.Evaluate(rules+";0", nil),
			chromedp.Evaluate("axe.run().then(r => JSON.stringify(r.passes.length < 15 ? [{id: 'axe', help: 'did not run'}] : r.violations))", &found, awaiting),
			chromedp.Evaluate(overflowing, &overflow),
		)
		if err != nil {
			t.Fatal(err)
		}
		report(t, found)
		if overflow != "" {
			t.Errorf("wider than the window when all is open: %s", overflow)
		}
	}
}

// missing names the pictures that the browser does not show, though they are there.
const missing = `Promise.all([...document.images].map(i => { i.loading = "eager"; return i.decode().then(() => "", () => i.src); })).then(all => all.join(""))`

// listen has the test fail if the browser finds a fault in the page, or if the
// page asks for anything but itself.
func listen(tab context.Context, t *testing.T, address string) {
	t.Helper()
	chromedp.ListenTarget(tab, func(event any) {
		switch event := event.(type) {
		case *log.EventEntryAdded:
			if event.Entry.Level == log.LevelError {
				t.Errorf("the browser says: %s", event.Entry.Text)
			}
		case *network.EventRequestWillBeSent:
			got := strings.TrimSuffix(event.Request.URL, "index.html") // which the server cuts off
			own := got == strings.TrimSuffix(address, "index.html") || strings.HasSuffix(got, "/"+layout.ScreenshotFile)
			if !own && !strings.HasPrefix(got, "data:") {
				t.Errorf("the page asks for %s", got)
			}
		}
	})
}

func awaiting(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }

// showAll opens every section, and shows what is for every system.
const showAll = `document.querySelectorAll("details").forEach(d => d.open = true);
  document.querySelectorAll(".system").forEach(s => s.style.display = "block");`

// overflowing names what is wider than the window.
const overflowing = `(() => {
  if (document.documentElement.scrollWidth <= innerWidth) return "";
  return [...document.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > innerWidth)
    .map(e => e.tagName + "." + e.className).slice(0, 5).join(" ") || "the page";
})()`

func report(t *testing.T, found string) {
	t.Helper()
	var violations []violation
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		t.Fatal(err)
	}
	for _, v := range violations {
		t.Errorf("axe: %s: %s: %v", v.ID, v.Help, v.Nodes)
	}
}
