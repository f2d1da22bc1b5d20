// Measure-load measures how long searches and pages of an AmiGO take while several people
// use it.
//
//	go run ./test/measure-load [-users 10] [-for 1m] [-pages] TERMS.obo http://127.0.0.1:9999
//
// Each user makes one request after the other: the searches of AmiGO's pages for annotations and gene
// products, with all their facets, and with -pages pages of terms as often. What is looked for
// is the same in each run. It prints how many there were, and how long the 50th and the 99th of a
// hundred took.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"time"
)

func main() {
	users := flag.Int("users", 10, "how many people")
	length := flag.Duration("for", time.Minute, "how long")
	pages := flag.Bool("pages", false, "open pages of terms, too")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *users, *length, *pages, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to stop
	}
}

func run(ctx context.Context, users int, length time.Duration, pages bool, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: measure-load [-users 10] [-for 1m] [-pages] TERMS.obo ADDRESS")
	}
	terms, err := readTerms(args[0])
	if err != nil {
		return err
	}
	kinds := []kind{{"searches", search}}
	if pages {
		kinds = append(kinds, kind{"pages", page})
	}
	ctx, stop := context.WithTimeout(ctx, length)
	defer stop()
	all := &results{times: map[string][]time.Duration{}, failed: map[string]int{}}
	var group sync.WaitGroup
	for i := range users {
		group.Go(func() { user(ctx, args[1], kinds, terms, i, all) })
	}
	group.Wait()
	all.print(os.Stdout, length)
	return nil
}

func readTerms(path string) (terms []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		if id, ok := strings.CutPrefix(in.Text(), "id: GO:"); ok {
			terms = append(terms, "GO:"+id)
		}
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	if len(terms) == 0 {
		return nil, fmt.Errorf("%s has no terms of GO", path)
	}
	return terms, nil
}

// kind is a kind of requests.
type kind struct {
	name string
	path func(random *rand.Rand, terms []string) string
}

// user makes requests until the time is over. One that is under way then does not count.
func user(ctx context.Context, address string, kinds []kind, terms []string, number int, all *results) {
	random := rand.New(rand.NewPCG(1, uint64(number))) //nolint:gosec // not a secret
	for ctx.Err() == nil {
		kind := kinds[random.IntN(len(kinds))]
		start := time.Now()
		err := get(ctx, address+kind.path(random, terms))
		if ctx.Err() == nil {
			all.add(kind.name, time.Since(start), err)
		}
	}
}

func get(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	return nil
}

// results are shared by all users.
type results struct {
	sync.Mutex
	times  map[string][]time.Duration
	failed map[string]int
}

func (r *results) add(kind string, took time.Duration, err error) {
	r.Lock()
	defer r.Unlock()
	r.times[kind] = append(r.times[kind], took)
	if err != nil {
		r.failed[kind]++
		fmt.Fprintln(os.Stderr, err)
	}
}

func (r *results) print(w io.Writer, length time.Duration) {
	for kind, times := range r.times {
		slices.Sort(times)
		at := func(percent int) time.Duration { return times[(len(times)-1)*percent/100].Round(time.Millisecond) }
		_, _ = fmt.Fprintf(w, "%d %s in %s, %d failed: p50 %s, p99 %s, longest %s\n", len(times), kind, length, r.failed[kind], at(50), at(99), at(100))
	}
}
