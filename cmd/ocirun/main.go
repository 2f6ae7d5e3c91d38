// No command computes enough for a limit on CPUs that changes to matter, and the goroutine
// that looks for changes costs a thread's wake-up at every start.
//
//go:debug updatemaxprocs=0

package main

import (
	"os"

	_ "github.com/ocirun/ocirun/cmd/ocirun/internal/begin" // first of all
	"github.com/ocirun/ocirun/libcontainer"
)

// The init of a container dies with the thread that made it, until the container
// is created (PR_SET_PDEATHSIG, prctl(2)). That takes no runtime.LockOSThread
// here: the Go runtime ends no thread but that of a goroutine locked to it, and
// none of those returns before the init is let go.
func main() {
	libcontainer.RelaxMonitor()
	os.Exit(newApp().main(os.Args))
}
