package integration

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func TestDeleteCreated(t *testing.T) {
	s := begin(t)
	id := s.create(s.bundle())
	pid := s.state(id).Pid
	s.run("delete", id).ok()
	equal(s, "gone", gone(pid), true)
	s.oracle()
}

func TestDeleteStopped(t *testing.T) {
	s := begin(t)
	id := s.create(s.bundle())
	s.run("start", id).ok()
	s.becomes(id, "stopped")
	s.run("delete", id).ok()
	s.run("delete", id).fails(1, "container does not exist")
	s.oracle()
}

func TestDeleteRunning(t *testing.T) {
	s := begin(t)
	id, pid := s.bundle(sh("echo up; sleep 100")).detached()
	s.run("delete", id).fails(1, "cannot delete container "+id+" that is not stopped: running")
	s.status(id, "running")
	s.run("delete", "-f", id).ok()
	equal(s, "gone", gone(pid), true)
	s.oracle()
}

func TestDeleteForceUnknown(t *testing.T) {
	s := begin(t)
	r := s.run("delete", "--force", "nobody").ok()
	equal(s, "output", r.out+r.err, "")
	equal(s, "state root made", exists(filepath.Join(s.root, "nobody")), false)
}

func TestDeleteForceCreatedAndTwice(t *testing.T) {
	s := begin(t)
	id := s.create(s.bundle())
	s.run("delete", "--force", id).ok()
	s.run("delete", "--force", id).ok()
	s.oracle()
}

func TestDeleteThenTheIDIsFree(t *testing.T) {
	s := begin(t)
	b := s.bundle()
	id := s.create(b)
	s.run("delete", id).ok()
	s.run("create", "--bundle", b.dir, id).ok()
	s.status(id, "created")
}

// A directory without a record is what a runtime killed at its first step leaves.
func TestDeleteEmptyStateDirectory(t *testing.T) {
	s := begin(t)
	dir := filepath.Join(s.root, "empty")
	s.must(os.MkdirAll(dir, 0o711))
	s.run("state", "empty").failsWith(1, "does not exist")
	s.run("delete", "empty").fails(1, "container does not exist")
	equal(s, "directory left", exists(dir), false)
	s.must(os.MkdirAll(dir, 0o711))
	s.run("delete", "--force", "empty").ok()
	equal(s, "directory left by --force", exists(dir), false)
}

// The container may have made cgroups below its own.
func TestDeleteRemovesSubCgroups(t *testing.T) {
	s := begin(t)
	id, pid := s.bundle(sh("echo up; sleep 100")).detached()
	controller := "freezer"
	sub := filepath.Join(s.cgroupOf(pid, controller), "sub", "deeper")
	s.must(os.MkdirAll(sub, 0o755))
	s.run("delete", "--force", id).ok()
	s.oracle()
}

// bomb is a tree of 1,023 shells with a sleep beside each and leaves that fork without end.
const bomb = `b() {
	if [ $1 = 0 ]; then while :; do (:); done; fi
	b $(($1-1)) & b $(($1-1)) & sleep 120
}; echo up; b 9`

// forks waits until a bomb in a container is a thousand processes.
func (s *scenario) forks(pid int) {
	s.t.Helper()
	s.within(2*time.Minute, "a thousand processes", func() bool {
		return strings.Count(s.cgroupFile(pid, "freezer", "cgroup.procs"), "\n") >= 1000
	})
}

// A fork bomb of a thousand processes is gone in two seconds; or, where the machine is busy or emulated, in a time like that
// of the kernel for another one, when the init of its pid namespace is killed, and of a command that only looks.
func TestDeleteForceForkBomb(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 gives up on version 1")
	b := s.bundle(sh(bomb))
	id, pid := b.detached()
	s.forks(pid)
	began := time.Now()
	s.must(syscall.Kill(pid, syscall.SIGKILL))
	s.within(time.Minute, "all are gone", func() bool {
		reap()
		return processState(pid) == ""
	})
	kernel := time.Since(began)
	s.run("delete", id).ok()
	// In the host's pid namespace no init takes the others along.
	b.edit(withoutNamespace(specs.PIDNamespace))
	for _, what := range []string{"in the host's pid namespace", "in its own"} {
		id, pid = b.detached()
		s.forks(pid)
		// A thousand processes on two processors leave any other one waiting for seconds at times.
		allowed := max(5*time.Second, 3*(kernel+s.run("state", id).ok().elapsed)+500*time.Millisecond)
		r := s.run("delete", "--force", id).ok()
		t.Logf("%s: %v of %v", what, r.elapsed, allowed)
		if r.elapsed > allowed {
			s.errorf("%s: delete --force took %v, at most %v are allowed", what, r.elapsed, allowed)
		}
		s.oracle()
		b.edit(namespace(specs.PIDNamespace, ""))
	}
}
