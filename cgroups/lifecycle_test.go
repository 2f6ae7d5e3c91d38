package cgroups

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestLifecycle(t *testing.T) {
	m := create(t, nil)
	if got := m.Created(); len(got) != len(m.trees) {
		t.Errorf("Created() = %v", got)
	}
	cmd := start(t, m, "cgroup")
	out, err := finish(t, cmd, 5*time.Second)
	if err != nil {
		t.Fatal(err, out)
	}
	self := parseMembership(out)
	for _, tree := range m.trees {
		controller := ""
		if !tree.v2() {
			controller = tree.controllers[0]
		}
		if got, _ := self.path(controller); got != tree.rel {
			t.Errorf("controller %q: payload is in %q, want %q", controller, got, tree.rel)
		}
	}
	if err := m.Remove(); err != nil {
		t.Error(err)
	}
	if m.Exists() {
		t.Error("still there")
	}
	if err := errors.Join(m.Remove(), m.Kill(), m.Rollback()); err != nil {
		t.Errorf("on a cgroup that is gone: %v", err)
	}
}

func TestPlaceMovesAProcess(t *testing.T) {
	m := create(t, nil)
	cmd := exec.Command("/bin/sleep", "30")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	if err := m.Place(cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	pids, err := m.Pids()
	if err != nil || !slices.Equal(pids, []int{cmd.Process.Pid}) {
		t.Errorf("Pids() = %v, %v", pids, err)
	}
	if err := m.Signal(int(unix.SIGTERM)); err != nil {
		t.Error(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || !strings.Contains(err.Error(), "terminated") {
		t.Errorf("Wait() = %v", err)
	}
	if err := m.Place(cmd.Process.Pid); !errors.Is(err, unix.ESRCH) {
		t.Errorf("placing a dead process: %v", err)
	}
}

func TestNestedPathAndRollback(t *testing.T) {
	needRoot(t)
	top := newName()
	m := manager(t, Config{Path: top + "/a/../b/c", Host: host(t)})
	t.Cleanup(func() { destroy(t, m); removeParents(m, top) })
	if err := m.Create(); err != nil {
		t.Fatal(err)
	}
	for _, tree := range m.trees {
		if tree.rel != top+"/b/c" || tree.made != 3 {
			t.Errorf("%s: %s, made %d", tree.mount, tree.rel, tree.made)
		}
	}
	// A second container below the same parent must not take the parent away.
	n := manager(t, Config{Path: top + "/b/d", Host: host(t)})
	if err := n.Create(); err != nil {
		t.Fatal(err)
	}
	if err := n.Rollback(); err != nil || n.Exists() || !m.Exists() {
		t.Error("rollback of the sibling", err)
	}
	dirs := m.Created()
	if err := m.Rollback(); err != nil {
		t.Error(err)
	}
	for _, dir := range dirs {
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is left", dir)
		}
	}
}

func removeParents(m *cgroupfs, top string) {
	for _, tree := range m.trees {
		_ = removeAll([]string{tree.mount + top})
	}
}

func TestCreateRefusesABusyCgroup(t *testing.T) {
	m := create(t, nil)
	start(t, m, "sleep")
	again := manager(t, Config{Path: m.trees[0].rel, Host: host(t)})
	err := again.Create()
	var busy *NotEmptyError
	if !errors.As(err, &busy) || err.Error() != "container's cgroup is not empty: 1 process(es) found" {
		t.Errorf("Create() = %v", err)
	}
	if !m.Exists() {
		t.Error("the rollback took what it had not made")
	}
}

func TestCreateRefusesAFrozenCgroup(t *testing.T) {
	m := create(t, nil)
	if err := m.Freeze(); err != nil {
		t.Fatal(err)
	}
	again := manager(t, Config{Path: m.trees[0].rel, Host: host(t)})
	if err := again.Create(); !errors.Is(err, ErrFrozen) || err.Error() != "container's cgroup unexpectedly frozen" {
		t.Errorf("Create() = %v", err)
	}
	if err := m.Thaw(); err != nil {
		t.Fatal(err)
	}
	if err := again.Create(); err != nil {
		t.Errorf("an empty, running cgroup is reusable: %v", err)
	}
}

func TestLoadFromRecord(t *testing.T) {
	m := create(t, nil)
	start(t, m, "sleep")
	loaded, err := Load(m.Paths())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := loaded.Pids(); err != nil || len(n) != 1 {
		t.Errorf("Pids() = %v, %v", n, err)
	}
	if err := errors.Join(loaded.Kill(), loaded.Remove()); err != nil {
		t.Error(err)
	}
	if m.Exists() {
		t.Error("still there")
	}
}

func TestRemoveNested(t *testing.T) {
	m := create(t, nil)
	for _, tree := range m.trees {
		if slices.Contains(tree.controllers, "cpuset") {
			continue
		}
		for _, sub := range []string{"x/y/z", "x/w", "v"} {
			if err := os.MkdirAll(filepath.Join(tree.dir(), sub), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := m.Remove(); err != nil || m.Exists() {
		t.Error(err)
	}
}

func TestRemoveWaitsForAnExitingProcess(t *testing.T) {
	m := create(t, nil)
	cmd := start(t, m, "sleep")
	time.AfterFunc(100*time.Millisecond, func() { cmd.Process.Kill() })
	if err := m.Remove(); err != nil {
		t.Error(err)
	}
}

func TestRemoveReportsABusyCgroup(t *testing.T) {
	m := create(t, nil)
	start(t, m, "sleep")
	begin := time.Now()
	err := m.Remove()
	if !errors.Is(err, unix.EBUSY) || !strings.Contains(err.Error(), "device or resource busy") {
		t.Errorf("Remove() = %v", err)
	}
	if d := time.Since(begin); d < 500*time.Millisecond || d > 3*time.Second {
		t.Errorf("gave up after %v", d)
	}
}

// TestPidsOfManyProcesses has a list that the kernel gives in several pieces.
func TestPidsOfManyProcesses(t *testing.T) {
	m := create(t, nil)
	cmd := start(t, m, "sleepers", "1500")
	within(t, time.Minute, "all run", func() bool {
		pids, err := m.Pids()
		return err == nil && len(pids) == 1501
	})
	if err := m.Signal(int(unix.SIGTERM)); err != nil {
		t.Error(err)
	}
	if _, err := finish(t, cmd, time.Minute); err == nil || !strings.Contains(err.Error(), "terminated") {
		t.Error(err)
	}
	within(t, time.Minute, "all are gone", func() bool {
		pids, err := m.Pids()
		return err == nil && len(pids) == 0
	})
}

// TestKillForkBomb allows two seconds for 1,000 processes, or more where the kernel itself takes as long: on a machine that
// is busy or emulated, a thousand processes die no faster.
func TestKillForkBomb(t *testing.T) {
	allowed := max(2*time.Second, 3*killNamespaceOfBomb(t)+500*time.Millisecond)
	m := create(t, nil)
	start(t, m, "bomb", "9") // 1,023 shells
	pids := awaitBomb(t, m)
	begin := time.Now()
	if err := errors.Join(m.Kill(), m.Remove()); err != nil {
		t.Error(err)
	}
	d := time.Since(begin)
	t.Logf("%d processes, %v of %v", pids, d, allowed)
	if d > allowed {
		t.Errorf("took %v for %d processes", d, pids)
	}
}

// killNamespaceOfBomb is how long the kernel takes to end such a bomb by itself, when the init of its pid namespace is killed.
func killNamespaceOfBomb(t *testing.T) time.Duration {
	t.Helper()
	m := create(t, nil)
	cmd := exec.Command("/proc/self/exe", "9")
	cmd.Env = append(os.Environ(), payloadEnv+"=bomb", "GOMAXPROCS=1")
	cmd.Stdout = &strings.Builder{}
	if err := startWith(m, cmd, unix.CLONE_NEWPID); err != nil {
		t.Fatal(err)
	}
	awaitBomb(t, m)
	begin := time.Now()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // which the kernel lets wait until all are gone
	return time.Since(begin)
}

// awaitBomb waits until a bomb is a thousand processes.
func awaitBomb(t *testing.T, m Manager) (n int) {
	t.Helper()
	within(t, 2*time.Minute, "the bomb goes off", func() bool {
		pids, _ := m.Pids()
		n = len(pids)
		return n >= 1000
	})
	return n
}
