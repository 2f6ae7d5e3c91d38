package cgroups

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// rootlessPayload does what a runtime does that nobody delegated a cgroup to.
func rootlessPayload(path string) int {
	h, err := Probe()
	if err != nil {
		fmt.Print(err)
		return 1
	}
	m, err := New(Config{ID: "c", Path: path, Host: h, Rootless: true})
	if err != nil {
		fmt.Print("new: ", err)
		return 1
	}
	fmt.Print(len(m.Paths()), " ")
	if err := m.Create(); err != nil {
		fmt.Print("create: ", err)
		return 1
	}
	if _, err := m.OpenDir(); !errors.Is(err, ErrNoUnified) {
		fmt.Print("open: ", err)
		return 1
	}
	if _, err := m.Join(); err != nil {
		fmt.Print("join: ", err)
		return 1
	}
	if err := errors.Join(m.SetDevices(nil), m.Place(os.Getpid()), m.Kill(), m.Remove()); err != nil {
		fmt.Print(err)
		return 1
	}
	fmt.Print(m.Set(pidsLimit(5)))
	return 0
}

func asNobody(t *testing.T, path string) (string, error) {
	t.Helper()
	needRoot(t)
	cmd := exec.Command("/proc/self/exe", path)
	cmd.Env = append(os.Environ(), payloadEnv+"=rootless")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestRootlessGoesWithoutCgroups(t *testing.T) {
	out, err := asNobody(t, "")
	if err != nil || !strings.HasPrefix(out, "0 cannot set pids limit: container could not join or create its pids cgroup: ") ||
		!strings.Contains(out, unix.EACCES.Error()) {
		t.Errorf("%v: %s", err, out)
	}
}

// TestRootlessWantsTheCgroupItNames: a path that was asked for is not given up silently.
func TestRootlessWantsTheCgroupItNames(t *testing.T) {
	name := newName()
	out, err := asNobody(t, name)
	if err == nil || !strings.Contains(out, "create: create cgroup ") || !strings.Contains(out, "permission denied (not delegated to this user)") {
		t.Errorf("%v: %s", err, out)
	}
	if manager(t, Config{Path: name, Host: host(t)}).Exists() {
		t.Error("a cgroup is left")
	}
}
