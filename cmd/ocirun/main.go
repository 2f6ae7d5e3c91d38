package main

import "os"

// There is no runtime.LockOSThread here: the library does it where a container's
// life hangs on a thread (PR_SET_PDEATHSIG, prctl(2)), and elsewhere it would only
// cost the thread that the Go runtime then starts.
func main() {
	os.Exit(newApp().main(os.Args))
}
