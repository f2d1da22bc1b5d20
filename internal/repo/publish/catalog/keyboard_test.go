//go:build vm

package catalog

import (
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// stop is what has the focus after a key.
type stop struct {
	Index   int    `json:"index"` // among all that can have it
	HTML    string `json:"html"`
	Outline bool   `json:"outline"`
	Inside  bool   `json:"inside"` // of the window
	Open    bool   `json:"open"`   // it or its section
}

const (
	// findStops tells how many there are.
	findStops = `(window.stops = [...document.querySelectorAll("a[href], summary, button")].filter(e => e.checkVisibility())).length`
	focused   = `(() => {
  const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
  return {
    index: stops.indexOf(e), html: e.outerHTML.slice(0, 100),
    outline: style.outlineStyle != "none" && parseFloat(style.outlineWidth) >= 2,
    inside: box.top >= -1 && box.bottom <= innerHeight + 1,
    open: Boolean(e.closest("details")?.open),
  };
})()`
)

// TestKeyboard goes through the page by Tab: everything that can be clicked
// comes up, in the order of the page, and shows it; Enter opens a section.
func TestKeyboard(t *testing.T) {
	browser := startBrowser(t)
	address := "file://" + filepath.Join(write(t, scenes(t)["full"]), "index.html")
	for _, opened := range []bool{false, true} {
		tab, closeTab := chromedp.NewContext(browser)
		defer closeTab()
		prepare := []chromedp.Action{chromedp.EmulateViewport(1280, 900), chromedp.Navigate(address)}
		if opened {
			prepare = append(prepare, chromedp.Evaluate(showAll, nil))
		}
		var count int
		if err := chromedp.Run(tab, append(prepare, chromedp.Evaluate(findStops, &count))...); err != nil {
			t.Fatal(err)
		}
		if count < 60 {
			t.Fatalf("the page has %d links and sections", count)
		}
		for want := range count {
			var got stop
			if err := chromedp.Run(tab, chromedp.KeyEvent(kb.Tab), chromedp.Evaluate(focused, &got)); err != nil {
				t.Fatal(err)
			}
			if got.Index != want || !got.Outline || !got.Inside {
				t.Fatalf("after %d times Tab: %+v", want+1, got)
			}
		}
	}
	tab, closeTab := chromedp.NewContext(browser)
	defer closeTab()
	var got stop
	err := chromedp.Run(tab,
		chromedp.Navigate(address), chromedp.Evaluate(findStops, nil),
		chromedp.Focus("details:not([open]) > summary", chromedp.ByQuery), chromedp.KeyEvent(kb.Enter),
		chromedp.Evaluate(focused, &got),
	)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Open {
		t.Errorf("Enter does not open %+v", got)
	}
}
