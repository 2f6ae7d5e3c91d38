package libcontainer

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// takeSignals acts on the signals that have come to the runtime. All go to the
// process but for those that are about the runtime itself: its children, its
// terminal, its own broken pipes.
func (f *foreground) takeSignals() {
	for {
		sig, sender, ok := f.signals.Next()
		switch {
		case !ok:
			return
		case sig == unix.SIGCHLD:
			if f.subreaper {
				f.reapAll()
			}
		case sig == unix.SIGWINCH:
			f.resize()
		case sig == unix.SIGPIPE && sender == unix.Getpid():
		case f.exited:
			f.hurry = f.hurry || isEnding(sig)
		default:
			f.forward(sig)
		}
	}
}

func (f *foreground) forward(sig unix.Signal) {
	err := sys.PidfdSignal(f.pidfd, sig)
	if err != nil && !errors.Is(err, unix.ESRCH) {
		f.warn("forward " + unix.SignalName(sig) + ": " + err.Error())
	}
}

// isEnding: these ask a program to end. Once the process has, what holds its
// output open is no reason to stay.
func isEnding(sig unix.Signal) bool {
	return sig == unix.SIGTERM || sig == unix.SIGINT || sig == unix.SIGHUP || sig == unix.SIGQUIT
}
