package relay

import (
	"errors"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// TestBecomeFails: a process that cannot become the relay goes on as it was.
func TestBecomeFails(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	signals, err := sys.CatchSignals(false)
	if err != nil {
		t.Fatal(err)
	}
	defer signals.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	inherited, err := unix.FcntlInt(r.Fd(), unix.F_DUPFD, 0) // as the caller's own streams are
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(inherited)
	relay := Relay{
		Pid: 1, Pidfd: int(r.Fd()), Signals: signals, Master: -1, Console: -1,
		Flows: [3]Flow{{From: inherited, To: -1}, {From: int(r.Fd()), To: int(w.Fd())}, None},
	}
	before := blob
	defer func() { blob = before }()
	for content, want := range map[string]error{"": errNone, "no program": unix.ENOEXEC} {
		blob = content
		if err := relay.Become(); !errors.Is(err, want) {
			t.Errorf("with %q: %v", content, err)
		}
		for _, fd := range []uintptr{r.Fd(), w.Fd(), uintptr(signals.FD())} {
			if flags, err := unix.FcntlInt(fd, unix.F_GETFD, 0); err != nil || flags != unix.FD_CLOEXEC {
				t.Errorf("with %q: descriptor %d has the flags %d, %v", content, fd, flags, err)
			}
		}
		if flags, err := unix.FcntlInt(uintptr(inherited), unix.F_GETFD, 0); err != nil || flags != 0 {
			t.Errorf("with %q: an inherited descriptor has the flags %d, %v", content, flags, err)
		}
		if err := unix.Tgkill(os.Getpid(), unix.Gettid(), unix.SIGUSR1); err != nil {
			t.Fatal(err)
		}
		if sig, _, ok := signals.Next(); !ok || sig != unix.SIGUSR1 {
			t.Errorf("with %q: signals are not caught any more", content)
		}
	}
}
