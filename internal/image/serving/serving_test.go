package serving

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// machine is one that can die.
type machine struct{ gone chan struct{} }

func (m machine) Exited() <-chan struct{} { return m.gone }
func (machine) Err() error                { return errors.New("it died") }

// amigo answers as AmiGO does, with one term.
func amigo(t *testing.T, answer string) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/solr/") {
			_, _ = io.WriteString(w, answer)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

const oneTerm = `{"response":{"numFound":1,"docs":[{"annotation_class":"GO:0006915","annotation_class_label":"apoptotic process"}]}}`

func TestProbe(t *testing.T) {
	base := amigo(t, oneTerm)
	for text, want := range map[string]string{
		"apoptotic": `"apoptotic": 1 found, GO:0006915 apoptotic process`,
		"":          `"apoptotic process": 1 found, GO:0006915 apoptotic process`,
		"wing":      `1 found for "wing", none with it as its label`,
	} {
		got, err := Probe(t.Context(), Client(time.Minute), base, text)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for answer, want := range map[string]string{
		"<html>": "not JSON", `{"response":{"numFound":0,"docs":[]}}`: "holds no term",
	} {
		_, err := Probe(t.Context(), Client(time.Minute), amigo(t, answer), "")
		if err == nil || !strings.Contains(err.Error(), want) || errors.As(err, new(*PageError)) {
			t.Errorf("%s: %v", answer, err)
		}
	}
	nothing := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(nothing.Close)
	if _, err := Probe(t.Context(), Client(time.Minute), nothing.URL, ""); !errors.As(err, new(*PageError)) {
		t.Errorf("%v", err)
	}
	if _, err := Probe(t.Context(), Client(time.Nanosecond), nothing.URL, ""); err == nil || err.Error() != "asking for /amigo: no answer" {
		t.Errorf("%v", err)
	}
}

func TestAwait(t *testing.T) {
	alive, dead := machine{make(chan struct{})}, machine{make(chan struct{})}
	close(dead.gone)
	notYet := errors.New("not yet")
	never := func(context.Context) error { return notYet }
	var late *TimeoutError
	if err := Await(t.Context(), alive, time.Millisecond, never); !errors.As(err, &late) || !errors.Is(err, notYet) {
		t.Errorf("%v", err)
	}
	if err := Await(t.Context(), dead, time.Minute, never); err == nil || err.Error() != "it died" {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Await(ctx, alive, time.Minute, never); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := Await(t.Context(), dead, time.Minute, func(context.Context) error { return nil }); err != nil {
		t.Errorf("%v", err)
	}
}

func TestClientStaysOnTheMachine(t *testing.T) {
	elsewhere := httptest.NewServer(http.RedirectHandler("http://other.example.org/", http.StatusFound))
	t.Cleanup(elsewhere.Close)
	if _, err := Probe(t.Context(), Client(time.Minute), elsewhere.URL, ""); !errors.Is(err, errElsewhere) {
		t.Errorf("%v", err)
	}
}
