package libcontainer

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func load(t *testing.T, s *Store, id string) *Container {
	t.Helper()
	c, err := s.Load(id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestKill(t *testing.T) {
	s := newTestStore(t)
	c := begin(t, s, "web")
	if err := load(t, s, "web").Kill(unix.SIGTERM); !errors.Is(err, ErrNotRunning) {
		t.Errorf("before there is a process: %v", err)
	}
	cmd, p := sleeper(t)
	if err := errors.Join(c.recordInit(p), c.commit(true)); err != nil {
		t.Fatal(err)
	}
	web := load(t, s, "web")
	if err := web.Kill(0); err != nil {
		t.Errorf("signal 0: %v", err)
	}
	for _, sig := range []unix.Signal{-1, 65, 1000} {
		if err := web.Kill(sig); err == nil || err.Error() != "unable to signal init: invalid argument" {
			t.Errorf("signal %d: %v", sig, err)
		}
	}
	wantAlive(t, p)
	if err := web.Kill(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	wantEnded(t, p)
	for range 2 { // as a zombie and after it
		for _, sig := range []unix.Signal{0, unix.SIGTERM, unix.SIGKILL} {
			if err := web.Kill(sig); !errors.Is(err, ErrNotRunning) || err.Error() != "container not running" {
				t.Errorf("stopped, signal %d: %v", sig, err)
			}
		}
		cmd.Wait()
	}
}

func TestKillLeavesRecycledPidAlone(t *testing.T) {
	s := newTestStore(t)
	c := begin(t, s, "web")
	_, p := sleeper(t)
	old := p
	old.Start--
	if err := errors.Join(c.recordInit(old), c.commit(true)); err != nil {
		t.Fatal(err)
	}
	if err := load(t, s, "web").Kill(unix.SIGKILL); !errors.Is(err, ErrNotRunning) {
		t.Errorf("kill: %v", err)
	}
	if err := s.Remove("web", true); err != nil {
		t.Error(err)
	}
	wantAlive(t, p)
}

func TestKillPaused(t *testing.T) {
	s := newTestStore(t)
	f := made(t, s, "web", true, nil)
	if err := f.cgroup.Freeze(); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, s, "web", Paused)
	if err := load(t, s, "web").Kill(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	wantEnded(t, f.init)
	wantStatus(t, s, "web", Stopped)
	if frozen, err := f.cgroup.Frozen(); frozen || err != nil {
		t.Errorf("frozen: %v %v", frozen, err)
	}
}

func TestKillAllOfSharedPidNamespace(t *testing.T) {
	s := newTestStore(t)
	f := made(t, s, "web", true, func(r *record) { r.SharedPID = true })
	web := load(t, s, "web")
	first, second := f.join(t), f.join(t)
	if err := web.Kill(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	wantEnded(t, f.init)
	wantAlive(t, first)
	if err := web.Kill(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	wantEnded(t, first)
	wantEnded(t, second)
	if err := web.Kill(unix.SIGKILL); !errors.Is(err, ErrNotRunning) {
		t.Errorf("nothing left: %v", err)
	}
}

func TestContainerStaysTheSame(t *testing.T) {
	s := newTestStore(t)
	begin(t, s, "web").release()
	old := load(t, s, "web")
	if err := s.Remove("web", true); err != nil {
		t.Fatal(err)
	}
	c := begin(t, s, "web")
	_, p := sleeper(t)
	if err := errors.Join(c.recordInit(p), c.commit(true)); err != nil {
		t.Fatal(err)
	}
	if err := old.Kill(unix.SIGKILL); !errors.Is(err, ErrNotExist) {
		t.Errorf("kill: %v", err)
	}
	if _, err := old.State(); !errors.Is(err, ErrNotExist) {
		t.Errorf("state: %v", err)
	}
	if err := s.remove(old.dir, true); !errors.Is(err, ErrNotExist) {
		t.Errorf("remove: %v", err)
	}
	wantAlive(t, p)
	if _, err := os.Stat(s.root + "/web"); err != nil {
		t.Error(err)
	}
}
