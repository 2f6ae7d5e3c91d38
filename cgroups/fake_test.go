package cgroups

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// fake is a directory tree that looks like a cgroup file system, with the values that were written to it.
type fake struct {
	*cgroupfs
	written []string
}

// newFake makes the container's cgroup /c with files; a file may be given as "name=content".
func newFake(t *testing.T, mode Mode, files ...string) *fake {
	t.Helper()
	root := t.TempDir()
	h := Host{Mode: mode, Root: root, Unified: root}
	if mode == ModeV1 {
		h.Unified, h.V1 = "", []Hierarchy{{Mount: root + "/all", Controllers: v1Controllers}}
	}
	m := manager(t, Config{ID: "c", Path: "/c", Host: h})
	f := &fake{cgroupfs: m}
	m.observe = func(path, value string) { f.written = append(f.written, filepath.Base(path)+"="+value) }
	for _, file := range files {
		name, content, _ := strings.Cut(file, "=")
		if err := os.MkdirAll(m.trees[0].dir(), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(m.trees[0].file(name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

var filesV2 = []string{
	"cgroup.controllers=cpu cpuset io memory pids hugetlb rdma", "pids.max", "memory.max=4096", "memory.swap.max", "memory.low", "memory.current=5000",
	"io.weight", "io.max", "cpu.weight", "cpu.idle", "cpu.max=70000 100000", "cpu.max.burst", "cpuset.cpus", "cpuset.mems",
	"hugetlb.2MB.max", "hugetlb.2MB.rsvd.max", "hugetlb.1GB.max", "rdma.max", "memory.high", "memory.oom.group",
}

var filesV1 = []string{
	"pids.max", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.soft_limit_in_bytes", "memory.swappiness", "memory.oom_control",
	"blkio.bfq.weight", "blkio.bfq.weight_device", "blkio.throttle.read_bps_device", "blkio.throttle.write_bps_device",
	"blkio.throttle.read_iops_device", "blkio.throttle.write_iops_device", "cpu.shares", "cpu.idle", "cpu.cfs_period_us", "cpu.cfs_quota_us",
	"cpu.cfs_burst_us", "cpu.rt_period_us", "cpu.rt_runtime_us", "cpuset.cpus", "cpuset.mems", "hugetlb.2MB.limit_in_bytes",
	"hugetlb.2MB.rsvd.limit_in_bytes", "hugetlb.1GB.limit_in_bytes", "rdma.max", "net_cls.classid", "net_prio.ifpriomap",
}

// everything is resources with each field that has a file.
func everything() *specs.LinuxResources {
	device := specs.LinuxThrottleDevice{Rate: 1024}
	device.Major, device.Minor = 8, 16
	weight := specs.LinuxWeightDevice{Weight: ptr[uint16](500)}
	weight.Major = 8
	return &specs.LinuxResources{
		Pids:   &specs.LinuxPids{Limit: ptr[int64](7)},
		Memory: &specs.LinuxMemory{Limit: ptr[int64](4000), Swap: ptr[int64](6000), Reservation: ptr[int64](1000)},
		CPU: &specs.LinuxCPU{
			Shares: ptr[uint64](1024), Quota: ptr[int64](50000), Period: ptr[uint64](100000), Burst: ptr[uint64](2000),
			Cpus: "0-1", Mems: "0",
		},
		BlockIO: &specs.LinuxBlockIO{
			Weight: ptr[uint16](1000), WeightDevice: []specs.LinuxWeightDevice{weight},
			ThrottleReadBpsDevice: []specs.LinuxThrottleDevice{device}, ThrottleWriteIOPSDevice: []specs.LinuxThrottleDevice{device},
		},
		HugepageLimits: []specs.LinuxHugepageLimit{{Pagesize: "2MB", Limit: 4 << 20}, {Pagesize: "1GB", Limit: 0}},
		Rdma:           map[string]specs.LinuxRdma{"mlx5_1": {HcaHandles: ptr[uint32](3), HcaObjects: ptr[uint32](4)}, "mlx5_0": {HcaObjects: ptr[uint32](1)}},
	}
}

func TestSetV2WritesEachFileOnceInOrder(t *testing.T) {
	f := newFake(t, ModeV2, filesV2...)
	r := everything()
	r.Unified = map[string]string{"memory.oom.group": "1", "memory.high": "3000"}
	if err := f.Set(r); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"pids.max=7", "memory.swap.max=2000", "memory.max=4000", "memory.low=1000",
		"io.weight=10000", "io.weight=8:0 4950", "io.max=8:16 rbps=1024", "io.max=8:16 wiops=1024",
		"cpu.weight=100", "cpu.max=50000 100000", "cpu.max.burst=2000", "cpuset.cpus=0-1", "cpuset.mems=0",
		"hugetlb.2MB.max=4194304", "hugetlb.2MB.rsvd.max=4194304", "hugetlb.1GB.max=0",
		"rdma.max=mlx5_0 hca_object=1", "rdma.max=mlx5_1 hca_handle=3 hca_object=4",
		"memory.high=3000", "memory.oom.group=1",
	}
	compare(t, f.written, want)
}

func TestSetV1WritesEachFileOnceInOrder(t *testing.T) {
	f := newFake(t, ModeV1, filesV1...)
	r := everything()
	r.Memory.Swappiness, r.Memory.DisableOOMKiller = ptr[uint64](60), ptr(true)
	r.CPU.RealtimePeriod, r.CPU.RealtimeRuntime = ptr[uint64](1000000), ptr[int64](900000)
	r.Network = &specs.LinuxNetwork{ClassID: ptr[uint32](1048577), Priorities: []specs.LinuxInterfacePriority{{Name: "eth0", Priority: 5}}}
	if err := f.Set(r); err != nil {
		t.Fatal(err)
	}
	compare(t, f.written, []string{
		"pids.max=7", "memory.limit_in_bytes=4000", "memory.memsw.limit_in_bytes=6000", "memory.soft_limit_in_bytes=1000",
		"memory.swappiness=60", "memory.oom_control=1",
		"blkio.bfq.weight=1000", "blkio.bfq.weight_device=8:0 500", "blkio.throttle.read_bps_device=8:16 1024", "blkio.throttle.write_iops_device=8:16 1024",
		"cpu.shares=1024", "cpu.cfs_period_us=100000", "cpu.cfs_quota_us=50000", "cpu.cfs_burst_us=2000",
		"cpu.rt_period_us=1000000", "cpu.rt_runtime_us=900000", "cpuset.cpus=0-1", "cpuset.mems=0",
		"hugetlb.2MB.limit_in_bytes=4194304", "hugetlb.2MB.rsvd.limit_in_bytes=4194304", "hugetlb.1GB.limit_in_bytes=0",
		"rdma.max=mlx5_0 hca_object=1", "rdma.max=mlx5_1 hca_handle=3 hca_object=4", "net_cls.classid=1048577", "net_prio.ifpriomap=eth0 5",
	})
}

func compare(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("written:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestSetV2Values(t *testing.T) {
	memory := func(limit, swap int64) *specs.LinuxResources {
		return &specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: &limit, Swap: &swap}}
	}
	for name, c := range map[string]struct {
		r    *specs.LinuxResources
		want string
		err  string
	}{
		"unlimited memory":              {memory(-1, 0), "memory.swap.max=max memory.max=max", ""},
		"unlimited swap":                {memory(4096, -1), "memory.swap.max=max memory.max=4096", ""},
		"no swap":                       {memory(4096, 4096), "memory.swap.max=0 memory.max=4096", ""},
		"swap left alone":               {memory(4096, 0), "memory.max=4096", ""},
		"swap below memory":             {memory(4096, 4095), "", "memory+swap limit should be >= memory limit"},
		"swap below the limit in force": {memory(0, 4095), "", "memory+swap limit should be >= memory limit"},
		"swap of unlimited memory":      {memory(-1, 4096), "", "unable to set swap limit without memory limit"},
		"swap of a limit in force":      {memory(0, 9096), "memory.swap.max=5000", ""},
		"nothing":                       {&specs.LinuxResources{Memory: &specs.LinuxMemory{}, CPU: &specs.LinuxCPU{}, Pids: &specs.LinuxPids{}}, "", ""},
		"pids zero":                     {pidsLimit(0), "pids.max=0", ""},
		"pids unlimited":                {pidsLimit(-1), "pids.max=max", ""},
		"quota alone":                   {&specs.LinuxResources{CPU: &specs.LinuxCPU{Quota: ptr[int64](5000)}}, "cpu.max=5000", ""},
		"quota unlimited":               {&specs.LinuxResources{CPU: &specs.LinuxCPU{Quota: ptr[int64](-1)}}, "cpu.max=max", ""},
		"period alone keeps the quota":  {&specs.LinuxResources{CPU: &specs.LinuxCPU{Period: ptr[uint64](50000)}}, "cpu.max=70000 50000", ""},
		"idle instead of a weight":      {&specs.LinuxResources{CPU: &specs.LinuxCPU{Idle: ptr[int64](1), Shares: ptr[uint64](1024)}}, "cpu.idle=1", ""},
		"limit below usage, if checked": {&specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: ptr[int64](4000), CheckBeforeUpdate: ptr(true)}}, "", "unable to set memory limit to 4000 (current usage: 5000)"},
		"throttle lifted":               {&specs.LinuxResources{BlockIO: &specs.LinuxBlockIO{ThrottleReadBpsDevice: []specs.LinuxThrottleDevice{{}}}}, "io.max=0:0 rbps=max", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, ModeV2, filesV2...)
			f.fresh = false
			err := f.Set(c.r)
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("Set() = %v, want %q", err, c.err)
			}
			if got := strings.Join(f.written, " "); got != c.want {
				t.Errorf("wrote %q, want %q", got, c.want)
			}
		})
	}
}

func TestSwapOfANewCgroupNeedsAMemoryLimit(t *testing.T) {
	f := newFake(t, ModeV2, filesV2...)
	err := f.Set(&specs.LinuxResources{Memory: &specs.LinuxMemory{Swap: ptr[int64](4096)}})
	if err == nil || !strings.Contains(err.Error(), "unable to set swap limit without memory limit") {
		t.Errorf("Set() = %v", err)
	}
	wantPointer(t, err, "/memory/swap")
}

func TestV2IgnoresWithAWarning(t *testing.T) {
	f := newFake(t, ModeV2, filesV2...)
	err := f.Set(&specs.LinuxResources{
		Memory:  &specs.LinuxMemory{Swappiness: ptr[uint64](10), DisableOOMKiller: ptr(true), KernelTCP: ptr[int64](5)},
		CPU:     &specs.LinuxCPU{RealtimePeriod: ptr[uint64](5)},
		Network: &specs.LinuxNetwork{ClassID: ptr[uint32](5)},
		BlockIO: &specs.LinuxBlockIO{LeafWeight: ptr[uint16](100)},
	})
	if err != nil || len(f.written) > 0 {
		t.Errorf("Set() = %v, wrote %v", err, f.written)
	}
	for _, word := range []string{"swappiness", "disableOOMKiller", "Kernel memory", "realtimePeriod", "network", "leafWeight"} {
		if !strings.Contains(strings.Join(f.Warnings(), "\n"), word) {
			t.Errorf("no warning about %s in %q", word, f.Warnings())
		}
	}
}

func TestMissingControllerIsNamed(t *testing.T) {
	f := newFake(t, ModeV2, "cgroup.controllers=cpu")
	for _, c := range []struct {
		r       *specs.LinuxResources
		pointer string
		text    string
	}{
		{pidsLimit(3), "/pids/limit", `controller "pids" not available in `},
		{&specs.LinuxResources{BlockIO: &specs.LinuxBlockIO{Weight: ptr[uint16](10)}}, "/blockIO/weight", `controller "io" not available in `},
		{&specs.LinuxResources{CPU: &specs.LinuxCPU{Burst: ptr[uint64](10)}}, "/cpu/burst", "no such file or directory"},
		{&specs.LinuxResources{Unified: map[string]string{"misc.max": "x"}}, "/unified/misc.max", `unified resource "misc.max" can't be set: controller "misc" not available`},
	} {
		err := f.Set(c.r)
		if err == nil || !strings.Contains(err.Error(), c.text) || !errors.Is(err, unix.ENOENT) {
			t.Errorf("%s: %v", c.pointer, err)
		}
		wantPointer(t, err, c.pointer)
	}
}

func TestConversions(t *testing.T) {
	for shares, want := range map[uint64]uint64{0: 0, 1: 1, 2: 1, 1024: 100, 262144: 10000, 1 << 40: 10000} {
		if got := CPUWeight(shares); got != want {
			t.Errorf("CPUWeight(%d) = %d, want %d", shares, got, want)
		}
	}
	for shares := uint64(2); shares < 262144; shares += 97 {
		if a, b := CPUWeight(shares), CPUWeight(shares+97); a > b || a < 1 || b > 10000 {
			t.Fatalf("CPUWeight(%d) = %d, CPUWeight(%d) = %d", shares, a, shares+97, b)
		}
	}
	for weight, want := range map[uint16]uint64{0: 0, 10: 1, 500: 4950, 1000: 10000} {
		if got := IOWeight(weight); got != want {
			t.Errorf("IOWeight(%d) = %d, want %d", weight, got, want)
		}
	}
}
