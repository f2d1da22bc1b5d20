// Command amigo-image gets, runs, builds and publishes virtual machines of
// AmiGO. Its templates are Packer's, and it needs no Packer.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], registry()))
}
