// Command amigo-image builds virtual machines of AmiGO from templates of
// Packer's language, without Packer.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], registry()))
}
