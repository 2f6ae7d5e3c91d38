package integration

import (
	"os"
	"path/filepath"
	"testing"
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
