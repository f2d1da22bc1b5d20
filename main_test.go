package main

import (
	"bytes"
	"log"
	"testing"
)

// TestLogIsDiscreet: Packer keeps the log of a plugin, and libraries log addresses.
func TestLogIsDiscreet(t *testing.T) {
	var kept bytes.Buffer
	log.New(discreet{&kept}, "", 0).Print("trying https://bob:s3cret@h/disk?sig=s3cret")
	if got, want := kept.String(), "trying https://h/disk?sig=…\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
