package integration

import (
	"os/exec"
	"strings"
	"testing"
)

func TestPauseAndResume(t *testing.T) {
	s := begin(t)
	id, _ := s.bundle(sh("echo up; sleep 100")).detached()
	s.run("resume", id).failsWith(1, "not paused")
	s.run("pause", id).ok()
	s.status(id, "paused")
	s.run("resume", id).ok()
	s.status(id, "running")
}

func TestPauseStopped(t *testing.T) {
	s := begin(t)
	id := s.create(s.bundle())
	s.run("start", id).ok()
	s.becomes(id, "stopped")
	s.run("pause", id).fails(1, "container not running")
	s.run("pause", "nobody").fails(1, "container does not exist")
	s.run("resume", "nobody").fails(1, "container does not exist")
}

func TestPauseCreated(t *testing.T) {
	s := begin(t)
	id := s.create(s.bundle())
	s.run("pause", id).ok()
	s.status(id, "paused")
	s.run("resume", id).ok()
	s.status(id, "created")
}

// needsPs skips where ps cannot read the kernel's statistics, as under user-mode Linux.
func (s *scenario) needsPs() {
	s.t.Helper()
	if out, err := exec.Command("ps", "-ef").CombinedOutput(); err != nil {
		s.without("ps", "the machine's own ps fails: "+string(out))
	}
}

func TestPs(t *testing.T) {
	s := begin(t)
	s.needsPs()
	id, pid := s.bundle(sh("sleep 100 & echo up; wait")).detached()
	pids := decode[[]int](s, s.run("ps", "--format", "json", id).ok().out)
	equal(s, "processes", len(pids), 2)
	if pids[0] != pid && pids[1] != pid {
		s.errorf("%v lacks the init %d", pids, pid)
	}
	table := s.run("ps", id).ok().out
	s.contains("table", table, "PID")
	s.contains("table", table, itoa(pid))
	equal(s, "lines", strings.Count(table, "\n"), 3)
	s.contains("options of ps", s.run("ps", id, "-o", "pid,comm").ok().out, "sleep")
	s.run("ps", id, "-o", "comm").failsWith(1, "couldn't find PID field in ps output")
	s.run("ps", "nobody").fails(1, "container does not exist")
}

func TestPsStopped(t *testing.T) {
	s := begin(t)
	id := s.create(s.bundle())
	s.run("start", id).ok()
	s.becomes(id, "stopped")
	equal(s, "json", s.run("ps", "-f", "json", id).ok().out, "null\n")
}
