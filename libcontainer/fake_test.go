package libcontainer

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/cgroups"
	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// fake is a container made by hand: a record, a cgroup, and sleeping processes.
type fake struct {
	*creation
	cgroup cgroups.Manager
	cmd    *exec.Cmd
	init   sys.Process
}

// cgroupParent holds the cgroups of one run of the tests.
func cgroupParent() string { return fmt.Sprintf("/ocirun-test-%d", os.Getpid()) }

func hostCgroups(t *testing.T) cgroups.Host {
	t.Helper()
	host, err := cgroups.Probe()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getuid() != 0 || host.Mode == cgroups.ModeNone {
		t.Skip("needs root and cgroups")
	}
	return host
}

// begun makes a fake whose creation is not finished; path is linux.cgroupsPath.
func begun(t *testing.T, s *Store, id, path string, change func(*record)) *fake {
	t.Helper()
	m, err := cgroups.New(cgroups.Config{ID: id, Path: path, Host: hostCgroups(t)})
	if err != nil {
		t.Fatal(err)
	}
	r := sampleRecord(id)
	r.SharedPID, r.Cgroup = false, cgroupPlace{Mode: "v1"}
	for _, controller := range slices.Sorted(maps.Keys(m.Paths())) {
		r.Cgroup.Dirs = append(r.Cgroup.Dirs, cgroupDir{controller, m.Paths()[controller]})
	}
	if change != nil {
		change(r)
	}
	f := &fake{cgroup: m}
	t.Cleanup(f.clean)
	config := fmt.Sprintf(`{"ociVersion":"1.3.0","root":{"path":"rootfs"},"linux":{"cgroupsPath":%q}}`, path)
	if f.creation, err = s.begin(r, []byte(config)); err != nil {
		t.Fatal(err)
	}
	if err := m.Create(); err != nil {
		t.Fatal(err)
	}
	f.cmd, f.init = sleeper(t)
	if err := errors.Join(m.Place(f.init.Pid), f.recordInit(f.init)); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fake) clean() {
	f.cgroup.Kill()
	f.cgroup.Remove()
	for _, dir := range f.cgroup.Paths() {
		unix.Rmdir(filepath.Dir(dir))
	}
	if f.creation != nil {
		f.release()
	}
}

// made gives a fake that is created and, if asked for, started.
func made(t *testing.T, s *Store, id string, started bool, change func(*record)) *fake {
	t.Helper()
	f := begun(t, s, id, cgroupParent()+"/"+id, change)
	writeProgress(t, s, id, uint32(initproc.StateReady))
	if err := f.commit(started); err != nil {
		t.Fatal(err)
	}
	return f
}

// join starts another process in the container's cgroup.
func (f *fake) join(t *testing.T) sys.Process {
	t.Helper()
	_, p := sleeper(t)
	if err := f.cgroup.Place(p.Pid); err != nil {
		t.Fatal(err)
	}
	return p
}

func wantEnded(t *testing.T, p sys.Process) {
	t.Helper()
	waitFor(t, "a process to end", func() bool { alive, err := p.Alive(); return err == nil && !alive })
}

func wantAlive(t *testing.T, p sys.Process) {
	t.Helper()
	if alive, err := p.Alive(); !alive {
		t.Errorf("process %d has ended, %v", p.Pid, err)
	}
}

// wantGone: neither a directory of the store nor a cgroup is left.
func (f *fake) wantGone(t *testing.T, s *Store) {
	t.Helper()
	left, err := os.ReadDir(s.root)
	if err != nil || len(left) != 0 {
		t.Errorf("the store holds %v, %v", left, err)
	}
	if f.cgroup.Exists() {
		t.Error("the cgroup is still there")
	}
}
