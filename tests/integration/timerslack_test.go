package integration

import (
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// What is run has the timer slack of the runtime's caller, whatever the runtime does with
// that of its own threads (PR_SET_TIMERSLACK, prctl(2)).
func TestTimerSlack(t *testing.T) {
	s := begin(t)
	const slack, read = 54321, "cat /proc/self/timerslack_ns"
	hook := s.dir + "/hook"
	b := s.bundle(args("sleep", "100"), addHook("createRuntime", read+" >"+hook))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	s.must(err)
	s.must(unix.Prctl(unix.PR_SET_TIMERSLACK, slack, 0, 0, 0))
	defer unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(before), 0, 0, 0)
	const rounds = 5 // it depends on the thread
	for range rounds {
		id := s.create(b)
		s.run("start", id).ok()
		if got := strings.TrimSpace(s.read(hook)); got != "54321" {
			t.Errorf("a hook has the timer slack %s", got)
		}
		r := s.run("exec", id, "cat", "/proc/self/timerslack_ns")
		r.ok()
		if got := strings.TrimSpace(r.out); got != "54321" {
			t.Errorf("a process of exec has the timer slack %s", got)
		}
		s.run("delete", "--force", id).ok()
		r = s.run("run", "--bundle", s.bundle(sh(read)).dir, s.id())
		r.ok()
		if got := strings.TrimSpace(r.out); got != "54321" {
			t.Errorf("a process of run has the timer slack %s", got)
		}
	}
}
