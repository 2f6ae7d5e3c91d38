package cgroups

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

func pidsLimit(n int64) *specs.LinuxResources {
	return &specs.LinuxResources{Pids: &specs.LinuxPids{Limit: &n}}
}

// needController skips where the view of the machine lacks a controller.
func needController(t *testing.T, v1, v2 string) {
	t.Helper()
	needRoot(t)
	h := host(t)
	if h.Controller(v1) != "" {
		return
	}
	offered, _ := controllers(h.Unified + "/cgroup.controllers")
	if !containsAll(offered, []string{v2}) {
		without(t, v2, fmt.Sprintf("no %s controller here, only: %v", v2, offered))
	}
}

// without skips a test for want of something, unless the machine was made to have it.
func without(t *testing.T, feature, why string) {
	t.Helper()
	if slices.Contains(strings.Fields(os.Getenv(hasEnv)), feature) {
		t.Fatalf("this machine was to have %s: %s", feature, why)
	}
	t.Skip(why)
}

// limited makes a cgroup with limits and the default devices.
func limited(t *testing.T, r *specs.LinuxResources) *cgroupfs {
	t.Helper()
	m := create(t, r)
	if err := errors.Join(m.Set(r), m.SetDevices(r.Devices)); err != nil {
		t.Fatal(err)
	}
	return m
}

// fileOf gives the path of a file of a controller.
func fileOf(t *testing.T, m *cgroupfs, v1, name string) string {
	t.Helper()
	tree, err := m.where(v1)
	if err != nil {
		t.Fatal(err)
	}
	return tree.file(name)
}

func TestMemoryLimitKills(t *testing.T) {
	needController(t, "memory", "memory")
	const mib = 1 << 20
	m := limited(t, &specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: ptr[int64](32 * mib), Swap: ptr[int64](32 * mib)}})
	if out, err := finish(t, start(t, m, "memory", "4"), 10*time.Second); err != nil || out != "ate 4" {
		t.Errorf("below the limit: %v %s", err, out)
	}
	if killed, err := m.OOMKilled(); killed || err != nil {
		t.Errorf("OOMKilled() = %t, %v before", killed, err)
	}
	if _, err := finish(t, start(t, m, "memory", "64"), 10*time.Second); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("above the limit: %v", err)
	}
	if killed, err := m.OOMKilled(); !killed || err != nil {
		t.Errorf("OOMKilled() = %t, %v after", killed, err)
	}
}

func TestMemoryLimitBelowUsage(t *testing.T) {
	needController(t, "memory", "memory")
	r := &specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: ptr[int64](64 << 20), DisableOOMKiller: ptr(true), CheckBeforeUpdate: ptr(true)}}
	m := limited(t, r)
	start(t, m, "memory-hold", "16")
	eventually(t, "payload holds memory", func() bool {
		s, err := m.Stats()
		return err == nil && s.Memory.Usage.Usage > 16<<20
	})
	r.Memory.Limit = ptr[int64](1 << 20)
	err := m.Set(r)
	if !errors.Is(err, unix.EBUSY) || !strings.Contains(err.Error(), "unable to set memory limit to 1048576 (current usage: ") {
		t.Errorf("Set() = %v", err)
	}
	wantPointer(t, err, "/memory/limit")
}

func wantPointer(t *testing.T, err error, pointer string) {
	t.Helper()
	var f *FieldError
	if !errors.As(err, &f) || f.Pointer != pointer {
		t.Errorf("error %v should point to %s", err, pointer)
	}
}

func TestMemoryLimitsMoveUpAndDown(t *testing.T) {
	needController(t, "memory", "memory")
	m := limited(t, &specs.LinuxResources{})
	for _, step := range []struct{ limit, swap int64 }{
		{8 << 20, 16 << 20}, {64 << 20, 128 << 20}, {16 << 20, 16 << 20}, {32 << 20, -1}, {-1, 0}, {16 << 20, 32 << 20},
	} {
		r := &specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: &step.limit, Swap: &step.swap}}
		if err := m.Set(r); err != nil {
			t.Errorf("limit %d, swap %d: %v", step.limit, step.swap, err)
		}
	}
}

func TestCPUQuotaHolds(t *testing.T) {
	needController(t, "cpu", "cpu")
	m := limited(t, &specs.LinuxResources{CPU: &specs.LinuxCPU{Quota: ptr[int64](20000), Period: ptr[uint64](100000)}})
	out, err := finish(t, start(t, m, "spin"), 10*time.Second)
	if err != nil {
		t.Fatal(err, out)
	}
	if ms, _ := strconv.Atoi(out); ms < 1 || ms > 400 {
		t.Errorf("got %d ms of processor time in a second, want about 200", ms)
	}
}

func TestCPUQuotaAndBurstMoveUpAndDown(t *testing.T) {
	needController(t, "cpu", "cpu")
	m := limited(t, &specs.LinuxResources{})
	for _, step := range []struct {
		quota         int64
		period, burst uint64
	}{{20000, 100000, 10000}, {200000, 100000, 150000}, {5000, 10000, 5000}, {-1, 100000, 0}, {2000, 50000, 1000}} {
		r := &specs.LinuxResources{CPU: &specs.LinuxCPU{Quota: &step.quota, Period: &step.period, Burst: &step.burst}}
		if err := m.Set(r); err != nil {
			t.Errorf("%+v: %v", step, err)
		}
	}
}

func TestPidsLimitHolds(t *testing.T) {
	needController(t, "pids", "pids")
	m := limited(t, pidsLimit(20))
	out, err := finish(t, start(t, m, "fork", "40"), 10*time.Second)
	n, why, _ := strings.Cut(out, " ")
	if forks, _ := strconv.Atoi(n); err != nil || forks == 0 || forks >= 20 || why != "true" {
		t.Errorf("payload: %q, %v", out, err)
	}
}

func TestPidsLimitValues(t *testing.T) {
	needController(t, "pids", "pids")
	m := create(t, nil)
	for _, c := range []struct {
		limit int64
		want  string
	}{{0, "0"}, {7, "7"}, {-1, "max"}} {
		if err := m.Set(pidsLimit(c.limit)); err != nil {
			t.Fatal(err)
		}
		if got, _ := read(fileOf(t, m, "pids", "pids.max")); got != c.want {
			t.Errorf("limit %d: pids.max is %q", c.limit, got)
		}
	}
}

func TestCpusetHolds(t *testing.T) {
	needController(t, "cpuset", "cpuset")
	m := limited(t, &specs.LinuxResources{CPU: &specs.LinuxCPU{Cpus: "0", Mems: "0"}})
	if out, err := finish(t, start(t, m, "affinity"), 5*time.Second); err != nil || out != "1" {
		t.Errorf("processors: %q, %v", out, err)
	}
}

func TestCpusetIsInheritedThroughNewParents(t *testing.T) {
	needController(t, "cpuset", "cpuset")
	top := newName()
	m := createAt(t, Config{Path: top + "/a/b", Host: host(t)})
	t.Cleanup(func() { removeParents(m, top) })
	out, err := finish(t, start(t, m, "affinity"), 5*time.Second)
	var all unix.CPUSet
	_ = unix.SchedGetaffinity(os.Getpid(), &all)
	if err != nil || out != strconv.Itoa(all.Count()) {
		t.Errorf("processors: %q of %d, %v", out, all.Count(), err)
	}
}

func TestHugepagesHold(t *testing.T) {
	needController(t, "hugetlb", "hugetlb")
	const free = "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"
	if text, _ := os.ReadFile(free); len(text) < 2 || text[0] < '4' && len(text) == 2 {
		without(t, "hugetlb", "the machine has set no huge pages aside")
	}
	m := limited(t, &specs.LinuxResources{HugepageLimits: []specs.LinuxHugepageLimit{{Pagesize: "2MB", Limit: 4 << 20}}})
	for pages, want := range map[string]string{"2": "2", "3": "2 " + unix.ENOMEM.Error()} {
		if out, err := finish(t, start(t, m, "hugepages", pages), 10*time.Second); err != nil || out != want {
			t.Errorf("%s huge pages: %q, %v, want %q", pages, out, err, want)
		}
	}
}

func TestSetErrorsPointToTheField(t *testing.T) {
	needMode(t, false)
	m := create(t, nil)
	for _, c := range []struct {
		pointer, text string
		r             specs.LinuxResources
	}{
		{"/cpu/cpus", "invalid argument", specs.LinuxResources{CPU: &specs.LinuxCPU{Cpus: "x"}}},
		{"/hugepageLimits/0", "hugetlb", specs.LinuxResources{HugepageLimits: []specs.LinuxHugepageLimit{{Pagesize: "3MB", Limit: 1}}}},
		{"/unified", "cannot use unified on cgroup v1", specs.LinuxResources{Unified: map[string]string{"memory.max": "1"}}},
		{"/rdma/mlx5", "rdma", specs.LinuxResources{Rdma: map[string]specs.LinuxRdma{"mlx5": {HcaHandles: ptr[uint32](1)}}}},
		{"/memory/limit", "-2", specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: ptr[int64](-2)}}},
	} {
		err := m.Set(&c.r)
		if err == nil || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: error %v, want %q in it", c.pointer, err, c.text)
			continue
		}
		wantPointer(t, err, c.pointer)
	}
}

// TestWritesAreThrottled writes to the disk that has the test's directory, at two MiB a second.
func TestWritesAreThrottled(t *testing.T) {
	needController(t, "blkio", "io")
	file := t.TempDir() + "/data"
	var st unix.Stat_t
	if err := unix.Stat(filepath.Dir(file), &st); err != nil {
		t.Fatal(err)
	}
	major, minor, ok := disk(unix.Major(st.Dev), unix.Minor(st.Dev))
	if !ok {
		without(t, "disk", "no disk below the directory of the test")
	}
	r := &specs.LinuxResources{BlockIO: &specs.LinuxBlockIO{}}
	d := specs.LinuxThrottleDevice{Rate: 2 << 20}
	d.Major, d.Minor = major, minor
	r.BlockIO.ThrottleWriteBpsDevice = append(r.BlockIO.ThrottleWriteBpsDevice, d)
	m := limited(t, r)
	out, err := finish(t, start(t, m, "write", file), 20*time.Second)
	if err != nil {
		without(t, "disk", fmt.Sprintf("direct writes: %v %s", err, out))
	}
	if ms, _ := strconv.Atoi(out); ms < 600 || ms > 5000 {
		t.Errorf("2 MiB at 2 MiB a second took %d ms", ms)
	}
	s, err := m.Stats()
	if err != nil {
		t.Fatal(err)
	}
	written := uint64(0)
	for _, e := range s.BlockIO.ServiceBytes {
		if e.Op == "Write" && int64(e.Major) == major && int64(e.Minor) == minor {
			written += e.Value
		}
	}
	if written < 2<<20 {
		t.Errorf("counted %d bytes: %+v", written, s.BlockIO)
	}
}

// disk gives the whole disk of a partition: throttling is by disk.
func disk(major, minor uint32) (int64, int64, bool) {
	dir, err := filepath.EvalSymlinks(fmt.Sprintf("/sys/dev/block/%d:%d", major, minor))
	if err != nil {
		return 0, 0, false
	}
	if _, err := os.Stat(dir + "/partition"); err == nil {
		dir = filepath.Dir(dir)
	}
	text, err := os.ReadFile(dir + "/dev")
	if err != nil {
		return 0, 0, false
	}
	var a, b int64
	_, err = fmt.Sscanf(string(text), "%d:%d", &a, &b)
	return a, b, err == nil
}
