package main

import (
	"os"

	"github.com/ocirun/ocirun/libcontainer"
)

// The init of a container dies with the thread that made it, until the container
// is created (PR_SET_PDEATHSIG, prctl(2)). That takes no runtime.LockOSThread
// here: the Go runtime ends no thread but that of a goroutine locked to it, and
// none of those returns before the init is let go.
func main() {
	libcontainer.RelaxMonitor()
	growStack(0)
	os.Exit(newApp().main(os.Args))
}
