package integration

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// killSteps is how many moments of a command's life are tried: 40 in a normal
// run, 200 before a release.
func killSteps(t *testing.T) int {
	t.Helper()
	text := os.Getenv("OCIRUN_TEST_KILL_STEPS")
	if text == "" {
		return 40
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("OCIRUN_TEST_KILL_STEPS=%q: want a number of steps", text)
	}
	return n
}

// sweep kills a command at moments spread over a time, and lets check look at
// what each left.
func sweep(t *testing.T, steps int, over time.Duration, command func(*scenario) *command, after func(*scenario)) {
	s := begin(t)
	s.differs("runc", "it writes its state after its cgroups, so a kill between them leaks")
	for i := range steps {
		c := command(s)
		c.start()
		time.Sleep(over * time.Duration(i) / time.Duration(steps))
		c.exec.Process.Kill()
		c.wait()
		after(s)
		s.oracle()
		if t.Failed() {
			t.Logf("killed %v after its start, step %d of %d", over*time.Duration(i)/time.Duration(steps), i, steps)
			return
		}
	}
}

// createTime is how long a create takes on this machine.
func createTime(t *testing.T) time.Duration {
	s := begin(t)
	b := s.bundle()
	shortest := limit
	for range 3 {
		id := s.id()
		shortest = min(shortest, s.run("create", "-b", b.dir, id).ok().elapsed)
		s.run("delete", id).ok()
	}
	return shortest
}

// A create that is killed leaves nothing that delete --force cannot remove: over
// the time that it takes here, and over that of a slow machine.
func TestCrashOfCreate(t *testing.T) {
	t.Run("while it works", func(t *testing.T) { crashOfCreate(t, createTime(t)*6/5) })
	t.Run("over 30 ms", func(t *testing.T) { crashOfCreate(t, 30*time.Millisecond) })
}

func crashOfCreate(t *testing.T, over time.Duration) {
	var b *bundle
	var id string
	sweep(t, killSteps(t), over, func(s *scenario) *command {
		if b == nil {
			b = s.bundle(sh("sleep 100"))
		}
		id = s.id()
		return s.cmd("create", "-b", b.dir, id)
	}, func(s *scenario) {
		s.run("delete", "--force", id).ok()
		s.run("state", id).exits(1)
	})
}

func TestCrashOfDetachedRun(t *testing.T) {
	var b *bundle
	var id string
	sweep(t, killSteps(t)/2+1, 30*time.Millisecond, func(s *scenario) *command {
		if b == nil {
			b = s.bundle(sh("sleep 100"))
		}
		id = s.id()
		return s.cmd("run", "-d", "-b", b.dir, id)
	}, func(s *scenario) { s.run("delete", "--force", id).ok() })
}

func TestCrashOfStart(t *testing.T) {
	var b *bundle
	var id string
	sweep(t, killSteps(t)/4+1, 8*time.Millisecond, func(s *scenario) *command {
		if b == nil {
			b = s.bundle(sh("sleep 100"))
		}
		id = s.create(b)
		return s.cmd("start", id)
	}, func(s *scenario) {
		switch status := s.state(id).Status; status {
		case "created", "running", "stopped":
		default:
			s.errorf("status %s after a killed start", status)
		}
		s.run("delete", "--force", id).ok()
	})
}

// A delete that is killed can be given again.
func TestCrashOfDelete(t *testing.T) {
	var b *bundle
	var id string
	sweep(t, killSteps(t)/4+1, 20*time.Millisecond, func(s *scenario) *command {
		if b == nil {
			b = s.bundle(sh("sleep 100"))
		}
		id = s.create(b)
		return s.cmd("delete", "--force", id)
	}, func(s *scenario) { s.run("delete", "--force", id).ok() })
}

// The id of a killed create can be used again after delete --force.
func TestCrashThenTheSameID(t *testing.T) {
	s := begin(t)
	s.differs("runc", "a kill in the middle leaks a cgroup")
	b := s.bundle()
	id := s.id()
	for i := range 5 {
		c := s.cmd("create", "-b", b.dir, id)
		c.start()
		time.Sleep(time.Duration(i) * 3 * time.Millisecond)
		c.exec.Process.Kill()
		c.wait()
		s.run("delete", "--force", id).ok()
	}
	s.run("create", "-b", b.dir, id).ok()
	s.status(id, "created")
}

// Killing the foreground runtime must not leave the container without an owner for ever.
func TestCrashOfForegroundRun(t *testing.T) {
	s := begin(t)
	b := s.bundle(sh("echo up; sleep 100"))
	id := s.id()
	c := s.cmd("run", "-b", b.dir, id)
	c.start()
	s.eventually("the program is up", func() bool {
		data, _ := os.ReadFile(c.stdout.Name())
		return strings.Contains(string(data), "up")
	})
	c.exec.Process.Kill()
	c.wait()
	s.run("delete", "--force", id).ok()
	s.oracle()
}

// The init that is killed while it waits is a stopped container, not a mystery.
func TestCrashOfTheInit(t *testing.T) {
	s := begin(t)
	id := s.create(s.bundle())
	pid := s.state(id).Pid
	p, err := os.FindProcess(pid)
	s.must(err)
	s.must(p.Kill())
	s.becomes(id, "stopped")
	s.run("start", id).fails(1, "cannot start a container that has stopped")
	s.run("kill", id, "KILL").fails(1, "container not running")
	s.run("delete", id).ok()
	s.oracle()
}

// waitAll waits for all before the first is looked at: none may go on when the scenario
// has ended.
func waitAll(calls []*command) (results []result) {
	for _, c := range calls {
		results = append(results, c.wait())
	}
	return results
}

func TestConcurrentCreatesOfOneID(t *testing.T) {
	s := begin(t)
	s.differs("runc", "a loser in 1.1.5 can undo the winner")
	b := s.bundle(sh("sleep 100"))
	for range 3 {
		id := s.id()
		var calls []*command
		for range 16 {
			c := s.cmd("create", "-b", b.dir, id)
			c.start()
			calls = append(calls, c)
		}
		winners := 0
		for _, r := range waitAll(calls) {
			if r.code == 0 {
				winners++
			} else {
				r.failsWith(1, "container with given ID already exists")
			}
		}
		equal(s, "creates that succeeded", winners, 1)
		s.status(id, "created")
		s.run("start", id).ok()
		s.status(id, "running")
		s.run("delete", "--force", id).ok()
		s.oracle()
	}
}

func TestConcurrentStarts(t *testing.T) {
	s := begin(t)
	s.differs("runc", "the losers of the race hang in 1.1.5")
	id := s.create(s.bundle(sh("sleep 100")))
	var calls []*command
	for range 8 {
		c := s.cmd("start", id)
		c.start()
		calls = append(calls, c)
	}
	winners := 0
	for _, r := range waitAll(calls) {
		if r.code == 0 {
			winners++
		} else {
			r.failsWith(1, "cannot start an already running container")
		}
	}
	equal(s, "starts that succeeded", winners, 1)
	s.status(id, "running")
}

func TestConcurrentDeletes(t *testing.T) {
	s := begin(t)
	b := s.bundle(sh("sleep 100"))
	for range 3 {
		id := s.create(b)
		var calls []*command
		for range 8 {
			c := s.cmd("delete", "--force", id)
			c.start()
			calls = append(calls, c)
		}
		for _, r := range waitAll(calls) {
			r.exits(0)
		}
		s.oracle()
	}
}

// A full disk for the state is an error that leaves nothing, without delete.
func TestCreateWithFullStateRoot(t *testing.T) {
	s := begin(t)
	b := s.bundle()
	for _, size := range []string{"size=4k", "size=8k", "size=16k,nr_inodes=2", "nr_inodes=3"} {
		s.mountSmall(s.root, size)
		id := s.id()
		r := s.run("create", "-b", b.dir, id)
		if r.code == 0 {
			s.run("delete", "--force", id).ok()
		} else {
			s.lacks("output", r.err, "panic")
		}
		equal(s, "state after a failed create ("+size+")", len(readNames(s.root)), 0)
		s.oracle()
		s.unmount(s.root)
	}
}
