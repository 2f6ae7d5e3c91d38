// Command bench compares ocirun's start time and memory with those of other
// runtimes and with a floor program that only makes the kernel's calls.
//
// Everything is measured inside one private root, entered by pivot_root in
// mount and pid namespaces of its own, so that all runtimes see the same files,
// the same cgroup view and the same bundles. README.md of this folder says how
// to run it and what the columns mean.
//
// The program has two halves. The outer half (main.go, prepare.go, report.go)
// finds or makes the private root, binaries and bundles, and prints. The inner
// half (stage.go and the files named after what they measure) is the same
// binary started again inside the new namespaces, told by a job file what to do.
package main
