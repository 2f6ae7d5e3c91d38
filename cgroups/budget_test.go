package cgroups

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// markers stand in the trace between the stages.
const (
	markProbe  = "/marker-probe"
	markCreate = "/marker-create"
	markJoin   = "/marker-join"
	markLeave  = "/marker-leave"
	markRemove = "/marker-remove"
	markEnd    = "/marker-end"
)

// budgetPayload goes through the life of a cgroup, on one thread.
func budgetPayload(path string) int {
	runtime.LockOSThread()
	mark := func(name string) { _ = unix.Access(name, unix.F_OK) }
	mark(markProbe)
	h, err := Probe()
	if err != nil {
		return 1
	}
	mark(markCreate)
	m, err := New(Config{Path: path, Host: h})
	if err != nil || m.Create() != nil {
		return 2
	}
	defer m.Remove()
	mark(markJoin)
	if fd, err := m.OpenDir(); err == nil {
		defer unix.Close(fd)
	}
	th, err := m.Join()
	if err != nil {
		return 3
	}
	mark(markLeave)
	if th.Leave() != nil {
		return 4
	}
	mark(markRemove)
	if m.Remove() != nil {
		return 5
	}
	mark(markEnd)
	return 0
}

// TestSystemCallBudget counts what placing a process costs, in the units of the contract: three calls for a v1
// hierarchy, six for v2. Setting a cpuset's values counts as limits.
func TestSystemCallBudget(t *testing.T) {
	needRoot(t)
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed")
	}
	trace := filepath.Join(t.TempDir(), "trace")
	path := newName()
	cmd := exec.Command(strace, "-f", "-o", trace, "/proc/self/exe", path)
	cmd.Args[4], _ = os.Executable()
	cmd.Env = append(os.Environ(), payloadEnv+"=budget")
	t.Cleanup(func() { destroy(t, manager(t, Config{Path: path, Host: host(t)})) })
	timer := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
	defer timer.Stop()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	counts := stages(string(text))
	t.Logf("system calls: %v", counts)
	h := host(t)
	for stage, limit := range budget(h) {
		if got := counts[stage]; got > limit {
			t.Errorf("%s: %d system calls, at most %d for %d v1 hierarchies", stage, got, limit, len(h.V1))
		}
	}
}

func budget(h Host) map[string]int {
	n := len(h.V1)
	if n == 0 {
		create := 4 // mkdirat; cgroup.controllers: open, read, close
		if offered, _ := controllers(h.Unified + "/cgroup.controllers"); !containsAll(offered, usual[:]) {
			create += 3 // not a usual machine: what does the root offer?
		}
		return map[string]int{markProbe: 1, markCreate: create, markJoin: 1, markLeave: 0, markRemove: 1}
	}
	unified := 0
	if h.Unified != "" {
		unified = 1
	}
	seed := 0
	if h.Controller("cpuset") != "" {
		seed = 12 // two values, read and written with open and close
	}
	return map[string]int{
		markProbe:  5 + n + unified,    // statfs, open, getdents twice, close; a statfs each
		markCreate: n + unified + seed, // mkdirat
		markJoin:   2*n + unified + 3,  // open and write; where the thread was: open, read, close
		markLeave:  2*n + 3,            // open and write; close_range
		markRemove: n + unified,
	}
}

// stages counts the calls between the markers, on the thread that made them.
func stages(trace string) map[string]int {
	counts, stage, thread := map[string]int{}, "", ""
	for line := range strings.Lines(trace) {
		pid, call, _ := strings.Cut(line, " ")
		call = strings.TrimLeft(call, " ")
		if i := strings.Index(call, `"/marker-`); i >= 0 {
			name, _, _ := strings.Cut(call[i+1:], `"`)
			stage, thread = name, pid
			continue
		}
		if stage == "" || pid != thread || ofTheRuntime(call) {
			continue
		}
		counts[stage]++
	}
	return counts
}

// ofTheRuntime tells the calls of Go's scheduler, memory and poller from those of this package.
func ofTheRuntime(call string) bool {
	for _, name := range []string{
		"futex", "madvise", "mmap", "munmap", "rt_sig", "sched_", "nanosleep", "clock_", "tgkill", "getpid", "gettid", "epoll",
		"fcntl", "eventfd", "sigaltstack", "clone", "exit", "+++", "---", "<...", "prctl", "set_robust", "pipe2", "mprotect",
	} {
		if strings.HasPrefix(call, name) {
			return true
		}
	}
	return false
}

func BenchmarkCreateJoinRemove(b *testing.B) {
	h, err := Probe()
	if err != nil || os.Geteuid() != 0 {
		b.Skip("cgroups need root")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for i := 0; b.Loop(); i++ {
		m, err := New(Config{Path: fmt.Sprintf("/ocirun-test-%d-b%d", os.Getpid(), i), Host: h})
		if err != nil {
			b.Fatal(err)
		}
		if err := m.Create(); err != nil {
			b.Fatal(err)
		}
		th, err := m.Join()
		if err == nil {
			err = th.Leave()
		}
		if removed := m.Remove(); err != nil || removed != nil {
			b.Fatal(err, removed)
		}
	}
}
