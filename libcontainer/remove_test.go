package libcontainer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ocirun/ocirun/cgroups"
)

func TestRemoveByStatus(t *testing.T) {
	kill := func(t *testing.T, s *Store, f *fake) { f.cmd.Process.Kill(); wantEnded(t, f.init) }
	pause := func(t *testing.T, s *Store, f *fake) {
		if err := f.cgroup.Freeze(); err != nil {
			t.Fatal(err)
		}
	}
	nothing := func(*testing.T, *Store, *fake) {}
	for name, c := range map[string]struct {
		started bool
		then    func(*testing.T, *Store, *fake)
		status  Status
		refused bool
	}{
		"stopped": {true, kill, Stopped, false},
		"created": {false, nothing, Created, false},
		"running": {true, nothing, Running, true},
		"paused":  {true, pause, Paused, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestStore(t)
			f := made(t, s, "web", c.started, nil)
			c.then(t, s, f)
			wantStatus(t, s, "web", c.status)
			err := s.Remove("web", false)
			if c.refused {
				if want := "cannot delete container web that is not stopped: " + name; err == nil || err.Error() != want {
					t.Fatalf("got %v, want %s", err, want)
				}
				wantAlive(t, f.init)
				err = s.Remove("web", true)
			}
			if err != nil {
				t.Fatal(err)
			}
			wantEnded(t, f.init)
			f.wantGone(t, s)
		})
	}
}

func TestRemoveUnknown(t *testing.T) {
	s := newTestStore(t)
	for range 2 { // without and with a store
		if err := s.Remove("web", false); !errors.Is(err, ErrNotExist) || err.Error() != "container does not exist" {
			t.Errorf("got %v", err)
		}
		if err := s.Remove("web", true); err != nil {
			t.Errorf("by force: %v", err)
		}
		os.MkdirAll(s.root, 0o700)
	}
	if err := s.Remove("../web", true); !errors.Is(err, ErrInvalidID) {
		t.Errorf("invalid: %v", err)
	}
}

func TestRemoveEmptyDirectory(t *testing.T) {
	s := newTestStore(t)
	dir := filepath.Join(s.root, "web")
	os.MkdirAll(dir, 0o711)
	if err := s.Remove("web", false); !errors.Is(err, ErrNotExist) {
		t.Errorf("empty: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the empty directory is there: %v", err)
	}
	os.MkdirAll(filepath.Join(dir, "something"), 0o711)
	if err := s.Remove("web", false); !errors.Is(err, ErrNotExist) {
		t.Errorf("with something in it: %v", err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("the directory is gone although something was in it: %v", err)
	}
	if err := s.Remove("web", true); err != nil {
		t.Errorf("by force: %v", err)
	}
	if left, _ := os.ReadDir(s.root); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestRemoveKillsWhatSharesThePidNamespace(t *testing.T) {
	s := newTestStore(t)
	f := made(t, s, "web", true, func(r *record) { r.SharedPID = true })
	other := f.join(t)
	f.cmd.Process.Kill()
	wantEnded(t, f.init)
	if err := s.Remove("web", false); err != nil {
		t.Fatal(err)
	}
	wantEnded(t, other)
	f.wantGone(t, s)
}

func TestRemoveWithDamagedRecord(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"empty":   func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"null":    func(path string) error { return os.WriteFile(path, []byte("null"), 0o600) },
		"garbage": func(path string) error { return os.WriteFile(path, []byte("\x00\xff%\n\n \x01"), 0o600) },
		"half": func(path string) error {
			data, err := os.ReadFile(path)
			return errors.Join(err, os.WriteFile(path, data[:len(data)/2], 0o600))
		},
		"missing": os.Remove,
		"directory": func(path string) error {
			return errors.Join(os.Remove(path), os.Mkdir(path, 0o700))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestStore(t)
			f := made(t, s, "web", true, nil)
			if err := damage(filepath.Join(s.root, "web", recordName)); err != nil {
				t.Fatal(err)
			}
			if err := s.Remove("web", false); err == nil {
				t.Fatal("removed without force")
			}
			wantAlive(t, f.init)
			if err := s.Remove("web", true); err != nil {
				t.Fatal(err)
			}
			wantEnded(t, f.init)
			f.wantGone(t, s)
		})
	}
}

func TestRemoveSearchesTheDefaultParent(t *testing.T) {
	s := newTestStore(t)
	id := fmt.Sprintf("ocirun-test-%d-search", os.Getpid())
	f := begun(t, s, id, "", nil)
	if err := f.commit(true); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(s.root, id)
	if err := errors.Join(os.Remove(filepath.Join(dir, recordName)), os.Remove(filepath.Join(dir, configName))); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(id, true); err != nil {
		t.Fatal(err)
	}
	wantEnded(t, f.init)
	f.wantGone(t, s)
}

// members stands for a cgroup with these processes.
type members struct {
	cgroups.Manager
	pids []int
}

func (m members) Pids() ([]int, error) { return m.pids, nil }

func TestSearchLeavesOtherCgroupsAlone(t *testing.T) {
	for _, c := range []struct {
		id   string
		pids []int
		want bool
	}{
		{"web", nil, true},
		{"web", []int{123456, 123457}, true},
		{"web", []int{1, 123456}, false},
		{"web", []int{123456, os.Getpid()}, false},
		{"web", []int{os.Getppid()}, false},
		{"system.slice", nil, false},
		{"ssh.service", []int{123456}, false},
	} {
		if got := isContainerCgroup(c.id, members{pids: c.pids}); got != c.want {
			t.Errorf("%s with %v: %v", c.id, c.pids, got)
		}
	}
}

func TestPoststopHooks(t *testing.T) {
	s := newTestStore(t)
	var warnings []string
	s.Warn = func(m string) { warnings = append(warnings, m) }
	out := filepath.Join(t.TempDir(), "out")
	config := fmt.Sprintf(`{"ociVersion":"1.3.0","annotations":{"k":"v"},"hooks":{"poststop":[
		{"path":"/bin/sh","args":["sh","-c","exit 7"]},
		{"path":"/bin/sh","args":["sh","-c","cat >%s; ls %s >>%s"]}]}}`, out, s.root, out)
	c, err := s.begin(sampleRecordWithoutCgroup("web"), []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	cmd, p := sleeper(t)
	if err := errors.Join(c.recordInit(p), c.commit(true)); err != nil {
		t.Fatal(err)
	}
	cmd.Process.Kill()
	wantEnded(t, p)
	if err := s.Remove("web", false); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	want := `{"ociVersion":"1.3.0","id":"web","status":"stopped","bundle":"/bundles/x","annotations":{"k":"v"}}~0~web` + "\n"
	if err != nil || string(text) != want {
		t.Errorf("got  %s (%v)\nwant %s", text, err, want)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "error running poststop hook #0: exit status 7") {
		t.Errorf("warnings: %q", warnings)
	}
}

func sampleRecordWithoutCgroup(id string) *record {
	return &record{ID: id, Bundle: "/bundles/x", Rootfs: "/bundles/x/rootfs", Created: time.Now(), Cgroup: cgroupPlace{Mode: "none"}}
}

// TestRemoveWithStrangeFiles: what nobody of us has put there goes as well.
func TestRemoveWithStrangeFiles(t *testing.T) {
	s := newTestStore(t)
	c, err := s.begin(sampleRecordWithoutCgroup("web"), []byte(sampleConfig))
	if err != nil {
		t.Fatal(err)
	}
	c.release()
	dir := filepath.Join(s.root, "web")
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "notify"), 0o755), os.WriteFile(filepath.Join(dir, "notify/strange"), nil, 0)); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove("web", true); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(s.root); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestInterruptedRemovalIsFinished(t *testing.T) {
	s := newTestStore(t)
	out := filepath.Join(t.TempDir(), "out")
	config := fmt.Sprintf(`{"hooks":{"poststop":[{"path":"/bin/sh","args":["sh","-c","echo ran >>%s"]}]}}`, out)
	for n, force := range []bool{false, true} {
		c, err := s.begin(sampleRecordWithoutCgroup("web"), []byte(config))
		if err != nil {
			t.Fatal(err)
		}
		c.release()
		if err := os.Rename(filepath.Join(s.root, "web"), filepath.Join(s.root, hiddenName("web", 0))); err != nil {
			t.Fatal(err)
		}
		// Somebody who is at it is left alone.
		unlock, err := c.dir.lock(0)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Remove("web", false); !errors.Is(err, ErrNotExist) {
			t.Errorf("removal at work: %v", err)
		}
		unlock()
		if err := s.Remove("web", force); err != nil {
			t.Error(err)
		}
		if left, _ := os.ReadDir(s.root); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
		if text, _ := os.ReadFile(out); string(text) != strings.Repeat("ran\n", n+1) {
			t.Errorf("hook: %q", text)
		}
	}
}

func TestForcePassesAHungHolder(t *testing.T) {
	s := newTestStore(t)
	f := made(t, s, "web", true, nil)
	unlock, err := f.dir.lock(0)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	began := time.Now()
	if err := s.Remove("web", true); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > holderPatience+3*time.Second {
		t.Errorf("took %v", took)
	}
	f.wantGone(t, s)
}

func TestManyRemovals(t *testing.T) {
	s := newTestStore(t)
	for round := range 5 {
		f := made(t, s, "web", true, nil)
		f.cmd.Process.Kill()
		wantEnded(t, f.init)
		var all sync.WaitGroup
		var mu sync.Mutex
		removed := 0
		for i := range 8 {
			all.Go(func() {
				err := s.Remove("web", i%2 == 0)
				if err != nil && !errors.Is(err, ErrNotExist) {
					t.Errorf("round %d: %v", round, err)
				}
				if err == nil && i%2 == 1 {
					mu.Lock()
					removed++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if removed > 1 {
			t.Errorf("%d removals without force have succeeded", removed)
		}
		f.wantGone(t, s)
	}
}

func TestRemoveWhileBeingCreated(t *testing.T) {
	s := newTestStore(t)
	f := begun(t, s, "web", cgroupParent()+"/web", nil)
	err := s.Remove("web", false)
	if want := "cannot delete container web that is not stopped: creating"; err == nil || err.Error() != want {
		t.Fatalf("got %v, want %s", err, want)
	}
	removed := make(chan error, 1)
	go func() { removed <- s.Remove("web", true) }()
	wantEnded(t, f.init) // what the maker sees first
	if err := f.commit(false); !errors.Is(err, errDeletedMeanwhile) {
		t.Errorf("commit: %v", err)
	}
	if err := s.rollback(f.creation, false); err != nil && !errors.Is(err, ErrNotExist) {
		t.Errorf("rollback: %v", err)
	}
	if err := <-removed; err != nil {
		t.Error(err)
	}
	f.wantGone(t, s)
}

func TestRemoveOfHungMaker(t *testing.T) {
	s := newTestStore(t)
	f := begun(t, s, "web", cgroupParent()+"/web", nil)
	if err := s.Remove("web", true); err != nil {
		t.Fatal(err)
	}
	f.wantGone(t, s)
	// It wakes up and goes on.
	if err := f.commit(false); !errors.Is(err, errDeletedMeanwhile) {
		t.Errorf("commit: %v", err)
	}
	next := begun(t, s, "web", cgroupParent()+"/web", nil)
	if err := s.rollback(f.creation, true); !errors.Is(err, ErrNotExist) && err == nil {
		t.Errorf("rollback: %v", err)
	}
	wantAlive(t, next.init)
	wantStatus(t, s, "web", Creating)
}

func TestRollback(t *testing.T) {
	s := newTestStore(t)
	f := begun(t, s, "web", cgroupParent()+"/web", nil)
	if err := s.rollback(f.creation, true); err != nil {
		t.Fatal(err)
	}
	wantEnded(t, f.init)
	f.wantGone(t, s)
}

func TestRemovalKeepsTheRecordWhenTheCgroupStays(t *testing.T) {
	s := newTestStore(t)
	f := made(t, s, "web", true, nil)
	f.cmd.Process.Kill()
	wantEnded(t, f.init)
	// A record whose cgroup path turns out to be no cgroup's.
	r := f.record
	r.Cgroup.Dirs = []cgroupDir{{"", "/sys/fs/cgroup/elsewhere/../x"}}
	if err := s.removeLocked(f.dir, r); err == nil {
		t.Fatal("no error")
	}
	if _, err := os.Stat(filepath.Join(s.root, "web", recordName)); errors.Is(err, fs.ErrNotExist) {
		t.Error("the record is gone")
	}
	if err := s.Remove("web", false); err != nil {
		t.Error(err)
	}
}
