// Package relay has what is left of the runtime while a program runs that was added to a
// container in the foreground: a program of a few kilobytes (../initproc/csrc/relay.c), which
// the runtime's process executes. It moves the program's streams, hands signals on, and ends
// as the program does. docs/adr/0019-relay.md says why.
package relay
