package libcontainer

import (
	"errors"
	"fmt"
	"time"

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

// await waits until the descriptor is readable while the container is being
// created. A signal that asks the runtime to end does so: nobody else can be
// asked yet. A nil foreground does not wait.
func (f *foreground) await(fd int) error {
	if f == nil || f.signals == nil {
		return nil
	}
	for {
		fds := [...]unix.PollFd{
			{Fd: int32(fd), Events: unix.POLLIN},
			{Fd: int32(f.signals.FD()), Events: unix.POLLIN},
		}
		if _, err := sys.Poll(fds[:], time.Time{}); err != nil {
			return fmt.Errorf("poll: %w", err)
		}
		if fds[0].Revents != 0 {
			return nil
		}
		if err := f.interrupted(); err != nil {
			return err
		}
	}
}

// interrupted takes the signals that have come while the container is being
// created, and is an error for one that asks the runtime to end. Others are kept
// for the program.
func (f *foreground) interrupted() error {
	for {
		sig, sender, ok := f.signals.Next()
		switch {
		case !ok:
			return nil
		case isEnding(sig):
			return fmt.Errorf("interrupted by %s", unix.SignalName(sig))
		case sig == unix.SIGCHLD, sig == unix.SIGWINCH, sig == unix.SIGPIPE && sender == unix.Getpid():
		default:
			f.early = append(f.early, sig)
		}
	}
}

// queue is the descriptor of the signals, or -1.
func (f *foreground) queue() int {
	if f == nil || f.signals == nil {
		return -1
	}
	return f.signals.FD()
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
