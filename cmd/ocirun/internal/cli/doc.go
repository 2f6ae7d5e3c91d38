// Package cli is the grammar of the command line: what a command and a flag are,
// how arguments are read, and the help text that follows from both.
//
// Everything that is known of a command stands in its [Command]; parsing, help,
// man pages, completions and the page of all commands come from there. The
// package reads and writes nothing by itself, and does no work when the program
// starts.
package cli
