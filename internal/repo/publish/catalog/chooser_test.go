//go:build vm

package catalog

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
)

// choice is which system's lines the page shows, which it marks, and whether the
// window shows what the address names.
type choice struct {
	Shown  []string `json:"shown"`
	Marked []string `json:"marked"`
	Inside bool     `json:"inside"`
}

// seeChoice tells by what a reader sees, not by how it is done.
const seeChoice = `(() => {
  const box = document.querySelector(location.hash || "body").getBoundingClientRect();
  const links = [...document.querySelectorAll(".chooser a")], other = getComputedStyle(links.at(-1)).backgroundColor;
  return {
    shown: [...document.querySelectorAll(".system > h3")].filter(h => h.checkVisibility()).map(h => h.id),
    marked: links.filter(a => getComputedStyle(a).backgroundColor != other).map(a => a.hash.slice(1)),
    inside: box.top >= 0 && box.top < innerHeight,
  };
})()`

// TestChooser: the page shows the lines for one system: with scripts for the
// reader's, and without them for the first; and in both cases for the one that
// the address names or that the reader clicks.
func TestChooser(t *testing.T) {
	browser := startBrowser(t)
	page := "file://" + filepath.Join(write(t, scenes(t)["full"]), "index.html")
	for _, c := range []struct {
		name, platform, fragment, click string
		bare                            bool
		want                            string
	}{
		{name: "Linux", platform: "Linux x86_64", want: "linux"},
		{name: "Mac", platform: "MacIntel", want: "macos"},
		{name: "Windows", platform: "Win32", want: "windows"},
		{name: "phone", platform: "iPhone", want: "linux"},
		{name: "address", platform: "Win32", fragment: "#virtualbox", want: "virtualbox"},
		{name: "address inside", platform: "Win32", fragment: "#utm", want: "macos"},
		{name: "address elsewhere", platform: "Win32", fragment: "#verify", want: "windows"},
		{name: "click", platform: "Win32", click: `.chooser a[href="#macos"]`, want: "macos"},
		{name: "click elsewhere", platform: "Win32", click: `header a[href="#verify"]`, want: "windows"},
		{name: "no script", bare: true, want: "linux"},
		{name: "no script, address", bare: true, fragment: "#windows", want: "windows"},
		{name: "no script, address inside", bare: true, fragment: "#hyper-v", want: "windows"},
		{name: "no script, click", bare: true, click: `.chooser a[href="#virtualbox"]`, want: "virtualbox"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tab, closeTab := chromedp.NewContext(browser)
			defer closeTab()
			actions := []chromedp.Action{pretend(c.platform), emulation.SetScriptExecutionDisabled(c.bare), chromedp.Navigate(page + c.fragment)}
			if c.click != "" {
				actions = append(actions, chromedp.Click(c.click, chromedp.ByQuery))
			}
			if err := chromedp.Run(tab, actions...); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(choice{[]string{c.want}, []string{c.want}, true}, settled(tab, t, c.want)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// settled returns what the page shows once that is the system that is wanted, or does not
// change any more: a browser tells a page of a click when it has time.
func settled(tab context.Context, t *testing.T, want string) choice {
	t.Helper()
	var got choice
	for range 100 {
		if err := chromedp.Run(tab, chromedp.Evaluate(seeChoice, &got)); err != nil {
			t.Fatal(err)
		}
		if slices.Equal(got.Shown, []string{want}) && got.Inside {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return got
}

// pretend has the browser say that it runs on a platform.
func pretend(platform string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		if platform == "" {
			return nil
		}
		agent := "Mozilla/5.0 (" + strings.Fields(platform)[0] + ")" // which leaves only the platform to tell
		return emulation.SetUserAgentOverride(agent).WithPlatform(platform).Do(ctx)
	})
}
