package integration

import (
	"testing"
	"time"
)

func TestKillSignalForms(t *testing.T) {
	for _, form := range []string{"9", "KILL", "SIGKILL", "sigkill", "Kill", "09"} {
		t.Run(form, func(t *testing.T) {
			s := begin(t)
			id := s.create(s.bundle())
			pid := s.state(id).Pid
			s.run("kill", id, form).ok()
			if !gone(pid) {
				s.errorf("process %d lives", pid)
			}
			s.becomes(id, "stopped")
			s.run("delete", id).ok()
		})
	}
}

func TestKillReachesTheProgram(t *testing.T) {
	cases := []struct {
		name, trap string
		signal     []string
	}{
		{"default is TERM", "TERM", nil},
		{"by name", "USR2", []string{"USR2"}},
		{"by number", "HUP", []string{"1"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := begin(t)
			b := s.bundle(sh("trap 'echo got it; exit' " + c.trap + "; echo up; while :; do sleep 0.02; done"))
			id := s.id()
			r := s.run("run", "--detach", "--bundle", b.dir, id).ok()
			r.waitFor("up\n")
			s.run(append([]string{"kill", id}, c.signal...)...).ok()
			r.waitFor("got it\n")
		})
	}
}

func TestKillBadSignal(t *testing.T) {
	s := begin(t)
	id := s.create(s.bundle())
	s.run("kill", id, "XYZ").fails(1, `unknown signal "XYZ"`)
	s.run("kill", id, "SIGSIGTERM").fails(1, `unknown signal "SIGSIGTERM"`)
	s.status(id, "created")
}

func TestKillInvalidNumber(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 says only: invalid argument")
	id := s.create(s.bundle())
	s.run("kill", id, "99").fails(1, "unable to signal init: invalid argument")
	s.status(id, "created")
}

func TestKillZeroOnlyLooks(t *testing.T) {
	s := begin(t)
	id := s.create(s.bundle())
	s.run("kill", id, "0").ok()
	time.Sleep(10 * time.Millisecond)
	s.status(id, "created")
}

func TestKillStopped(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 succeeds or fails otherwise with --all")
	id := s.create(s.bundle())
	s.run("start", id).ok()
	s.becomes(id, "stopped")
	s.run("kill", id).fails(1, "container not running")
	s.run("kill", id, "KILL").fails(1, "container not running")
	s.run("kill", "--all", id, "KILL").ok()
	s.run("kill", "-a", id).ok()
}

func TestKillAllOfRunning(t *testing.T) {
	s := begin(t)
	id, pid := s.bundle(sh("echo up; sleep 100")).detached()
	s.run("kill", "--all", id, "KILL").ok()
	equal(s, "gone", gone(pid), true)
	s.becomes(id, "stopped")
}

// With the host's pid namespace nothing but the runtime ends the container's other processes.
func TestKillTakesAllWithoutPidNamespace(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 needs --all for this")
	b := s.bundle(withoutNamespace("pid"), sh("sleep 101 & echo child $!; echo up; wait"))
	id := s.id()
	r := s.run("run", "-d", "-b", b.dir, id).ok()
	r.waitFor("up\n")
	s.run("kill", id, "KILL").ok()
	s.becomes(id, "stopped")
	s.eventually("all processes are gone", func() bool { return len(reap()) == 0 })
	s.run("delete", id).ok()
}

func TestDeleteTakesAllWithoutPidNamespace(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 on v2 does not wait for the processes before it removes the cgroup")
	b := s.bundle(withoutNamespace("pid"), sh("sleep 102 & echo up; wait"))
	id, _ := b.detached()
	s.run("delete", "--force", id).ok()
	s.oracle()
}
