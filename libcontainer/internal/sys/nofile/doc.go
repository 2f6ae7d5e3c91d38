// Package nofile remembers the limit on open files that the process was started with.
//
// The Go runtime raises the soft limit for itself, and lowers it again only in programs that
// [syscall.ForkExec] starts. The package imports next to nothing: Go initialises ready
// packages in the order of their import paths, and this one is ready, and named, before
// syscall is.
package nofile
