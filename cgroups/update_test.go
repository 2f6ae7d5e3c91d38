package cgroups

import (
	"context"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

func TestUpdateRollsBack(t *testing.T) {
	for _, c := range []string{"memory", "cpu", "pids"} {
		needController(t, c, c)
	}
	m := limited(t, &specs.LinuxResources{
		Pids: &specs.LinuxPids{Limit: ptr[int64](100)},
		CPU:  &specs.LinuxCPU{Shares: ptr[uint64](512), Quota: ptr[int64](50000), Period: ptr[uint64](100000)},
	})
	before := snapshot(t, m)
	err := m.Update(&specs.LinuxResources{
		Pids:   &specs.LinuxPids{Limit: ptr[int64](50)},
		Memory: &specs.LinuxMemory{Limit: ptr[int64](64 << 20), Swap: ptr[int64](128 << 20), Swappiness: ptr[uint64](10), DisableOOMKiller: ptr(true)},
		CPU:    &specs.LinuxCPU{Shares: ptr[uint64](2048), Quota: ptr[int64](20000), Burst: ptr[uint64](1000), Cpus: "4000"},
	})
	wantPointer(t, err, "/cpu/cpus")
	after := snapshot(t, m)
	for file, want := range before {
		if after[file] != want {
			t.Errorf("%s: %q became %q", file, want, after[file])
		}
	}
	if err := m.Update(&specs.LinuxResources{Pids: &specs.LinuxPids{Limit: ptr[int64](50)}}); err != nil {
		t.Error(err)
	}
	if got, _ := read(fileOf(t, m, "pids", "pids.max")); got != "50" {
		t.Errorf("pids.max is %q", got)
	}
}

// Device rules are replaced if there are some in the update, last of all.
func TestUpdateDevices(t *testing.T) {
	needRoot(t)
	m := create(t, nil)
	null, kmsg := deviceNode(t, "null", 3), deviceNode(t, "kmsg", 11)
	open := func() string {
		t.Helper()
		out, err := finish(t, start(t, m, "open", null, kmsg), 5*time.Second)
		if err != nil {
			t.Fatal(err, out)
		}
		return out
	}
	const denied, allowed = "ok,operation not permitted", "ok,ok"
	if err := m.SetDevices(nil); err != nil {
		t.Fatal(err)
	}
	allow := []specs.LinuxDeviceCgroup{rule(true, "c", 1, 11, "rw")}
	for _, c := range []struct {
		rules []specs.LinuxDeviceCgroup
		fails bool
		want  string
	}{{allow, true, denied}, {allow, false, allowed}, {nil, false, allowed}, {[]specs.LinuxDeviceCgroup{}, false, denied}} {
		r := &specs.LinuxResources{Devices: c.rules}
		if c.fails {
			r.Unified = map[string]string{"pids.nonsense": "1"}
		}
		if err := m.Update(r); (err != nil) != c.fails {
			t.Errorf("%v: %v", c.rules, err)
		}
		if got := open(); got != c.want {
			t.Errorf("%v: %s, want %s", c.rules, got, c.want)
		}
	}
}

// snapshot reads the files that hold limits.
func snapshot(t *testing.T, m *cgroupfs) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, tree := range m.trees {
		for _, name := range slices.Concat(filesV1, filesV2[1:]) {
			name, _, _ = strings.Cut(name, "=")
			if name == "memory.current" {
				continue
			}
			if text, err := read(tree.file(name)); err == nil {
				files[tree.file(name)] = text
			}
		}
	}
	if len(files) < 5 {
		t.Fatalf("only %d files", len(files))
	}
	return files
}

func TestFormerValues(t *testing.T) {
	for _, c := range []struct{ name, content, value, want string }{
		{"memory.max", "max", "4096", "max"},
		{"cpu.max", "max 100000", "5 1000", "max 100000"},
		{"memory.oom_control", "oom_kill_disable 1\nunder_oom 0\noom_kill 3", "0", "1"},
		{"io.max", "8:0 rbps=1 wbps=max riops=max wiops=max\n8:16 rbps=2 wbps=max riops=max wiops=max", "8:16 rbps=9", "8:16 rbps=2 wbps=max riops=max wiops=max"},
		{"io.max", "", "8:16 rbps=9", "8:16 rbps=max wbps=max riops=max wiops=max"},
		{"io.weight", "default 100\n8:0 200", "50", "100"},
		{"io.weight", "default 100\n8:0 200", "8:0 50", "8:0 200"},
		{"io.weight", "default 100", "8:0 50", "8:0 default"},
		{"blkio.throttle.read_bps_device", "8:0 1024", "8:0 5", "8:0 1024"},
		{"blkio.throttle.read_bps_device", "", "8:0 5", "8:0 0"},
		{"rdma.max", "mlx hca_handle=2 hca_object=max", "mlx hca_handle=1", "mlx hca_handle=2 hca_object=max"},
		{"net_prio.ifpriomap", "lo 0\neth0 5", "eth0 7", "eth0 5"},
	} {
		if got := former(c.name, c.content, c.value); got != c.want {
			t.Errorf("former(%s, %q, %q) = %q, want %q", c.name, c.content, c.value, got, c.want)
		}
	}
}

func TestStartLimits(t *testing.T) {
	for limit, split := range map[int64]bool{-1: false, 0: true, 1: true, 2: false, 100: false} {
		r := pidsLimit(limit)
		r.CPU = &specs.LinuxCPU{Cpus: "0"}
		before, after := StartLimits(r)
		if (after != nil) != split || before.CPU == nil || split && (before.Pids != nil || *after.Pids.Limit != limit || after.CPU != nil) {
			t.Errorf("limit %d: %+v, %+v", limit, before, after)
		}
		if r.Pids == nil {
			t.Error("the argument was changed")
		}
	}
	for limit, split := range map[int64]bool{-1: false, 0: false, 1: true, startMemory - 1: true, startMemory: false} {
		r := &specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: &limit}, CPU: &specs.LinuxCPU{}}
		before, after := StartLimits(r)
		if (after != nil) != split || split && (before.Memory != nil || before.CPU == nil || after.Memory != r.Memory || after.CPU != nil) {
			t.Errorf("memory limit %d: %+v, %+v", limit, before, after)
		}
	}
	if before, after := StartLimits(nil); before != nil || after != nil {
		t.Error("nil is nil")
	}
}

func TestNotifyOOM(t *testing.T) {
	needController(t, "memory", "memory")
	m := limited(t, &specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: ptr[int64](16 << 20), Swap: ptr[int64](16 << 20)}})
	events, err := m.NotifyOOM(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := finish(t, start(t, m, "memory", "64"), 10*time.Second); err == nil {
			t.Fatal("payload outlived its limit")
		}
		select {
		case _, ok := <-events:
			if !ok {
				t.Fatal("closed too early")
			}
		case <-time.After(5 * time.Second):
			t.Fatal("no event")
		}
	}
	if err := m.Remove(); err != nil {
		t.Fatal(err)
	}
	if !closes(events) {
		t.Error("the channel stays open without the cgroup")
	}
}

func TestNotifyOOMEndsWithItsContext(t *testing.T) {
	needController(t, "memory", "memory")
	m := create(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	events, err := m.NotifyOOM(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if !closes(events) {
		t.Error("the channel stays open")
	}
}

// closes waits until a channel is closed; events before that are fine.
func closes(events <-chan struct{}) bool {
	timeout := time.After(5 * time.Second)
	for {
		select {
		case _, ok := <-events:
			if !ok {
				return true
			}
		case <-timeout:
			return false
		}
	}
}

func TestChown(t *testing.T) {
	needRoot(t)
	m := create(t, nil)
	if err := m.Chown(1234, 1235); err != nil {
		t.Fatal(err)
	}
	owner := func(path string) uint32 {
		fi, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return fi.Sys().(*syscall.Stat_t).Uid
	}
	for i := range m.trees {
		tree := &m.trees[i]
		want := uint32(0)
		if m.pure() {
			want = 1234
		}
		if got := owner(tree.dir()); got != want {
			t.Errorf("%s belongs to %d", tree.dir(), got)
		}
		if got := owner(tree.file("cgroup.procs")); got != want {
			t.Errorf("cgroup.procs belongs to %d", got)
		}
		if !tree.v2() {
			continue
		}
		for _, name := range []string{"cgroup.freeze", "cgroup.max.descendants", "cgroup.kill"} { // limits stay the host's
			if got := owner(tree.file(name)); got != 0 {
				t.Errorf("%s belongs to %d", name, got)
			}
		}
	}
}

// TestRemoveDeeperThanAPathCanBeLong makes what a container can make, step by step.
func TestRemoveDeeperThanAPathCanBeLong(t *testing.T) {
	m := create(t, nil)
	name := strings.Repeat("d", 250)
	const depth = 30
	for _, tree := range m.trees {
		fd, err := open(tree.dir(), unix.O_RDONLY|unix.O_DIRECTORY)
		if err != nil {
			t.Fatal(err)
		}
		for range depth {
			if err := unix.Mkdirat(fd, name, 0o755); err != nil {
				t.Fatal(err)
			}
			child, err := openAt(fd, name, unix.O_RDONLY|unix.O_DIRECTORY)
			unix.Close(fd)
			if err != nil {
				t.Fatal(err)
			}
			fd = child
		}
		unix.Close(fd)
	}
	if pids, err := m.Pids(); err != nil || len(pids) > 0 {
		t.Errorf("Pids() = %v, %v", pids, err)
	}
	if err := m.Remove(); err != nil || m.Exists() {
		t.Error(err)
	}
}
