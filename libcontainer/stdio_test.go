package libcontainer

import (
	"errors"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestStdioBelongsToTheContainer(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("giving files away needs root")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	null := int(nullFile(t).Fd())
	s, err := prepareStdio(false, [3]int{int(r.Fd()), null, int(w.Fd())}, 1234, 5678)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	for i, want := range []bool{true, false, true} {
		var stat unix.Stat_t
		if err := unix.Fstat(s.child[i], &stat); err != nil {
			t.Fatal(err)
		}
		if got := stat.Uid == 1234 && stat.Gid == 5678; got != want || (s.ours[i] >= 0) != want {
			t.Errorf("stream %d: owner %d:%d, pipe %d", i, stat.Uid, stat.Gid, s.ours[i])
		}
	}
	if s.child[1] != null {
		t.Errorf("the null device is not handed on: %d", s.child[1])
	}
	// What the container opens again must not be in the runtime's non-blocking mode.
	if flags, err := unix.FcntlInt(uintptr(s.child[0]), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
		t.Errorf("flags of the container's end: %x %v", flags, err)
	}
	before := countFDs(t)
	s.closeChild()
	s.close()
	// Garbage of other tests may be closed at the same time.
	if after := countFDs(t); after > before-4 {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func countFDs(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestStdioOfClosedStream(t *testing.T) {
	before := countFDs(t)
	null := int(nullFile(t).Fd())
	if _, err := prepareStdio(false, [3]int{null, null, 9999}, 0, 0); !errors.Is(err, unix.EBADF) {
		t.Errorf("got %v", err)
	}
	if after := countFDs(t); after != before+1 {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// TestForegroundSleeps: a stream that has ended on one side only must not keep the
// loop awake.
func TestForegroundSleeps(t *testing.T) {
	const script = "exec </dev/null >/dev/null 2>&1; sleep 0.5"
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w.Close()
	out := fileDestination(t, 0)
	idle := func(name string, run func() *served) {
		t.Helper()
		began := time.Now()
		before := usedTime(t)
		if status := run().status(t); status != 0 {
			t.Errorf("%s: status %d", name, status)
		}
		if used := usedTime(t) - before; used > 200*time.Millisecond || time.Since(began) < 400*time.Millisecond {
			t.Errorf("%s: used %v in %v", name, used, time.Since(began))
		}
	}
	idle("pipes", func() *served {
		return serve(t, newTestForeground(t, [3]*os.File{r, out.file, out.file}), script, nil)
	})
	idle("terminal", func() *served {
		_, hostSlave := openPty(t)
		own := int(hostSlave.Fd())
		f, err := newForeground(true, [3]int{own, own, own}, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		master, slave := openPty(t)
		fd, _ := unix.Dup(int(master.Fd()))
		master.Close()
		if err := f.attach(fd, 0, 0); err != nil {
			t.Fatal(err)
		}
		defer slave.Close()
		return serve(t, f, script, &syscall.SysProcAttr{Setsid: true, Setctty: true}, slave.Fd(), slave.Fd(), slave.Fd())
	})
}

// usedTime is the processor time of this process, without its children.
func usedTime(t *testing.T) time.Duration {
	t.Helper()
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// TestForegroundLeaksNothing counts descriptors over whole lives.
func TestForegroundLeaksNothing(t *testing.T) {
	life := func() {
		null := nullFile(t)
		out := fileDestination(t, 0)
		serve(t, newTestForeground(t, [3]*os.File{null, out.file, out.file}), "echo x", nil).status(t)
		out.text()
		null.Close()
	}
	life()
	before := countFDs(t)
	for range 5 {
		life()
	}
	waitFor(t, "descriptors to be closed", func() bool { return countFDs(t) <= before })
}
