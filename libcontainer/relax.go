package libcontainer

import "github.com/ocirun/ocirun/libcontainer/internal/sys"

// RelaxMonitor makes a program start containers sooner that does little else: the Go
// runtime's monitor thread then looks after goroutines once a millisecond, instead of up to
// every 20 microseconds. Call it first in main. Programs that are started later have the
// timer slack (PR_SET_TIMERSLACK, prctl(2)) that this one was started with. Without
// CAP_SYS_NICE it does nothing.
func RelaxMonitor() { sys.RelaxMonitor() }
