package site

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// reading is a page of another site that asks GOlr in both ways there are.
const reading = `<!DOCTYPE html><title>another site</title><script>
const told = {};
const golr = %q;
function got(answer) { told.script = 'response' in answer; }
const script = (src) => new Promise((done) => {
  const made = document.createElement('script');
  Object.assign(made, { src, onload: done, onerror: done });
  document.head.append(made);
});
const asked = Promise.all([
  fetch(golr).then((r) => r.json()).then((answer) => { told.fetch = 'response' in answer; }, () => {}),
  script(golr + '&json.wrf=got'),
]).then(() => [told.fetch === true, told.script === true]);
</script>`

// TestBrowserReadsGOlr asks a real browser what a page of another site gets:
// with fetch, and with the script that json.wrf makes.
func TestBrowserReadsGOlr(t *testing.T) {
	for _, test := range []struct {
		name    string
		readers func(other string) Readers
		want    [2]bool // fetch, script
	}{
		{"every site may read", func(string) Readers { return Readers{"*"} }, [2]bool{true, true}},
		{"this one may read", func(other string) Readers { return Readers{other} }, [2]bool{true, false}},
		{"another one may read", func(string) Readers { return Readers{"https://example.org"} }, [2]bool{false, false}},
		{"nobody may read", func(string) Readers { return nil }, [2]bool{false, false}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var page string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				_, _ = io.WriteString(w, page)
			}))
			defer server.Close()
			h := startApache(t, Site{Serve: Workers, Programs: []string{"amigo"}, Readers: test.readers("http://" + server.Listener.Addr().String())})
			// Another name of this machine is another site for a browser.
			golr := "http://localhost" + h.base[len("http://127.0.0.1"):] + "/solr/select?q=a&wt=json"
			page = fmt.Sprintf(reading, golr)
			var got [2]bool
			browse(t, server.URL, chromedp.EvaluateAsDevTools(`asked`, &got, awaitPromise))
			if got != test.want {
				t.Errorf("fetch and script got %v, want %v", got, test.want)
			}
		})
	}
}

func browse(t *testing.T, address string, actions ...chromedp.Action) {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:len(chromedp.DefaultExecAllocatorOptions):len(chromedp.DefaultExecAllocatorOptions)], chromedp.NoSandbox)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	defer stop()
	ctx, shut := chromedp.NewContext(ctx)
	defer shut()
	if err := chromedp.Run(ctx, append([]chromedp.Action{chromedp.Navigate(address)}, actions...)...); err != nil {
		t.Fatal(err)
	}
}

func awaitPromise(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
