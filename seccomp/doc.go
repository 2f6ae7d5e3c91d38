// Package seccomp compiles the seccomp section of an OCI configuration
// (runtime-spec config-linux.md#seccomp) to a BPF program for seccomp(2).
//
// [Compile] is a pure function. Its result, a [Program], is loaded by the
// container's init; nothing here loads a filter into the calling process. A
// program can be printed ([Program.String]), asked what it would do with a call
// ([Program.Ask], [Program.Simulate]) and explained ([Explain]).
//
// # What a program does
//
// It decides first by architecture, then by the number of the system call with a
// balanced tree over ranges of numbers, and last by arguments:
//
//   - An architecture that the section does not list kills the thread. The native
//     one is always listed.
//   - A system call that no rule names gets the default action, or the error
//     ENOSYS if its number is above the highest one that any rule names and the
//     default action denies: programs then fall back to older calls instead of
//     failing, when the profile is older than the C library.
//   - The first rule without conditions for a call beats all rules with conditions
//     for it. Those are merged into one decision tree, the later arguments first,
//     in the way libseccomp does it, of which [Compile] is the equal by proof: the
//     tests compare verdicts over all numbers and many arguments (build tag
//     libseccomp). The differences on purpose are listed in differences_test.go.
//
// On architectures with socketcall(2) and ipc(2) a rule for one of their
// sub-calls, such as socket(2), also becomes a rule for the multiplexed form.
//
// With the build tag libseccomp, [Compile] uses that library instead (cgo).
package seccomp

//go:generate go run ./internal/gen -o ztables.go
