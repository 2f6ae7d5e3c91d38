// Package sys is the library's door to the kernel: descriptors, processes,
// sockets, locks and procfs, where the standard library would cost start time,
// follow links or hide a descriptor. Everything in it runs on the host, in the
// runtime's own process.
//
// Descriptors are plain ints here. Each one is close-on-exec and belongs to the
// caller, who closes it. Calls interrupted by a signal are made again.
package sys
