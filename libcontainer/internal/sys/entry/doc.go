// Package entry is where the binary begins that make builds (link -E), before the Go runtime
// (docs/adr/0018-entry.md).
//
// The Go runtime makes what it needs for every CPU that its thread may run on, and wakes
// threads on them. A command that is over in milliseconds needs two CPUs; exec, all of whose
// work is in one loop, needs one. So the thread asks for no more, and gets its own back when
// the Go runtime has started. In an exec the runtime's monitor also begins relaxed, as
// [sys.RelaxMonitor] has it.
//
// The Go runtime also looks up what limit its cgroup has on CPUs, which it takes for no less
// than two, and how large pages can be, which is of use to larger programs. Until it has
// started it can open no file, therefore, and goes on without.
//
// The package is initialised early: what is begun by then keeps the affinity of the start.
package entry
