// The Go runtime would look at the cgroup of this process, for which it reads all
// of the host's mounts, at every start, and again from time to time.
//
//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0
package main

import "os"

// There is no runtime.LockOSThread here: the library does it where a container's
// life hangs on a thread (PR_SET_PDEATHSIG, prctl(2)), and elsewhere it would only
// cost the thread that the Go runtime then starts.
func main() {
	os.Exit(newApp().main(os.Args))
}
