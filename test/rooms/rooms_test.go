package main

import (
	"os"
	"strings"
	"testing"
)

// The page shows the rooms as they are.
func TestThePageShowsTheRooms(t *testing.T) {
	graph, err := draw("../../internal")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/development.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), graph) {
		t.Errorf("docs/development.md does not show this graph (go run ./test/rooms prints it):\n%s", graph)
	}
}
