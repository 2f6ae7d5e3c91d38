// Command ocirun creates and runs containers from OCI bundles. It is a thin
// wrapper of package libcontainer: it reads the command line, calls the library
// and prints what comes back.
//
// Everything that is known of a command is in the file of its name; the list of
// commands is in commands.go. Help, manual pages, completions and the page of
// all commands are made from there.
package main

//go:generate go test . -run TestDocumentation -update
