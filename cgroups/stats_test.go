package cgroups

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func TestStatsOfAPayload(t *testing.T) {
	for _, c := range []string{"memory", "cpu", "pids"} {
		needController(t, c, c)
	}
	m := limited(t, &specs.LinuxResources{
		Memory: &specs.LinuxMemory{Limit: ptr[int64](64 << 20)},
		CPU:    &specs.LinuxCPU{Quota: ptr[int64](20000), Period: ptr[uint64](100000)},
		Pids:   &specs.LinuxPids{Limit: ptr[int64](50)},
	})
	if out, err := finish(t, start(t, m, "spin"), 10*time.Second); err != nil {
		t.Fatal(err, out)
	}
	start(t, m, "memory-hold", "16")
	var s *Stats
	eventually(t, "payload holds memory", func() bool {
		var err error
		if s, err = m.Stats(); err != nil {
			t.Fatal(err)
		}
		return s.Memory.Usage.Usage > 16<<20
	})
	if s.CPU.Usage.Total < 1e6 || s.CPU.Usage.Total > 2e9 || s.CPU.Usage.User == 0 {
		t.Errorf("cpu usage %+v", s.CPU.Usage)
	}
	if s.CPU.Throttling.Periods == 0 { // how often it was throttled depends on what else the machine does
		t.Errorf("throttling %+v", s.CPU.Throttling)
	}
	if s.Memory.Usage.Limit != 64<<20 || s.Memory.Usage.Max < s.Memory.Usage.Usage || s.Memory.Raw["rss"]+s.Memory.Raw["anon"] < 8<<20 {
		t.Errorf("memory %+v", s.Memory.Usage)
	}
	if s.Pids.Current == 0 || s.Pids.Limit != 50 {
		t.Errorf("pids %+v", s.Pids)
	}
	if m.pure() {
		return
	}
	if len(s.CPU.Usage.PerCPU) == 0 || len(s.CPU.Usage.PerCPUUser) != len(s.CPU.Usage.PerCPU) {
		t.Errorf("cpu usage by processor %+v", s.CPU.Usage)
	}
}

func TestStatsOfACpuset(t *testing.T) {
	needController(t, "cpuset", "cpuset")
	m := limited(t, &specs.LinuxResources{CPU: &specs.LinuxCPU{Cpus: "0", Mems: "0"}})
	s, err := m.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if m.pure() {
		if !reflect.DeepEqual(s.CPUSet, CPUSetStats{CPUs: []uint16{0}, Mems: []uint16{0}}) {
			t.Errorf("cpuset %+v", s.CPUSet)
		}
		return
	}
	if !reflect.DeepEqual(s.CPUSet.CPUs, []uint16{0}) || s.CPUSet.SchedLoadBalance != 1 || s.CPUSet.SchedRelaxDomainLevel != -1 {
		t.Errorf("cpuset %+v", s.CPUSet)
	}
}

func TestStatsOfAnyCgroup(t *testing.T) {
	m := create(t, nil)
	s, err := m.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := json.Marshal(s); err != nil {
		t.Error(err)
	}
	if u := m.unified(); u != nil {
		if _, err := read(u.file("cpu.pressure")); err == nil && (s.CPU.PSI == nil || s.Memory.PSI == nil || s.BlockIO.PSI == nil) {
			t.Error("no pressure")
		}
	}
	if err := m.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Stats(); err != nil {
		t.Errorf("of a cgroup that is gone: %v", err)
	}
}

func TestStatsV2(t *testing.T) {
	f := newFake(t, ModeV2,
		"cpu.stat=usage_usec 3000\nuser_usec 2000\nsystem_usec 1000\nnr_periods 7\nnr_throttled 3\nthrottled_usec 9",
		"cpu.pressure=some avg10=1.50 avg60=0.25 avg300=0.00 total=77\nfull avg10=0.10 avg60=0.00 avg300=0.00 total=5",
		"cpuset.cpus.effective=0-2,5", "cpuset.mems.effective=0",
		"memory.stat=anon 10\nfile 20", "memory.current=100", "memory.max=1000", "memory.peak=300", "memory.events=low 0\nmax 4\noom_kill 2",
		"memory.swap.current=50", "memory.swap.max=500", "pids.current=3", "pids.max=max",
		"io.stat=8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6 cost.usage=9\n8:16 rbytes=7",
		"rdma.current=mlx hca_handle=1 hca_object=2", "rdma.max=mlx hca_handle=max hca_object=5",
		"misc.current=sev 3", "misc.events=sev.max 4",
	)
	s, err := f.Stats()
	if err != nil {
		t.Fatal(err)
	}
	want := &Stats{
		CPU: CPUStats{
			Usage: CPUUsage{Total: 3e6, User: 2e6, Kernel: 1e6}, Throttling: Throttling{7, 3, 9000},
			PSI: &PSI{Some: PSIData{1.5, 0.25, 0, 77}, Full: PSIData{0.1, 0, 0, 5}},
		},
		CPUSet: CPUSetStats{CPUs: []uint16{0, 1, 2, 5}, Mems: []uint16{0}},
		Memory: MemoryStats{
			Cache: 20, Usage: MemoryUsage{Limit: 1000, Usage: 100, Max: 300, Failcnt: 4}, Swap: MemoryUsage{Limit: 1500, Usage: 150},
			Raw: map[string]uint64{"anon": 10, "file": 20}, OOMKills: 2,
		},
		Pids: PidsStats{Current: 3},
		BlockIO: BlockIOStats{
			ServiceBytes: []BlockIOEntry{{8, 0, "Read", 1}, {8, 0, "Write", 2}, {8, 0, "Discard", 5}, {8, 16, "Read", 7}},
			Serviced:     []BlockIOEntry{{8, 0, "Read", 3}, {8, 0, "Write", 4}, {8, 0, "Discard", 6}},
		},
		Rdma: []RdmaStats{{"mlx", 1, 2, math.MaxUint64, 5}},
		Misc: map[string]MiscStats{"sev": {3, 4}},
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("got  %+v\nwant %+v", s, want)
	}
}

func TestStatsV1(t *testing.T) {
	f := newFake(t, ModeV1,
		"cpu.stat=nr_periods 7\nnr_throttled 3\nthrottled_time 9", "cpuacct.usage=100", "cpuacct.usage_percpu=60 40 ",
		"cpuacct.usage_all=cpu user system\n0 50 10\n1 30 10", "cpuacct.stat=user 8\nsystem 2",
		"memory.stat=cache 20\nrss 30", "memory.usage_in_bytes=100", "memory.limit_in_bytes=1000", "memory.max_usage_in_bytes=300", "memory.failcnt=4",
		"memory.memsw.usage_in_bytes=150", "memory.memsw.limit_in_bytes=2000", "memory.kmem.usage_in_bytes=5", "memory.oom_control=oom_kill_disable 0\noom_kill 2",
		"pids.current=3", "pids.max=9",
		"blkio.bfq.io_serviced_recursive=8:0 Read 3\n8:0 Total 3\nTotal 3", "blkio.bfq.io_service_bytes_recursive=8:0 Read 4096", "blkio.time_recursive=1:1 9",
		"blkio.bfq.time_recursive=8:0 12", "blkio.throttle.io_serviced_recursive=8:0 Read 99",
	)
	s, err := f.Stats()
	if err != nil {
		t.Fatal(err)
	}
	s.Hugetlb = nil
	want := &Stats{
		CPU: CPUStats{
			Usage:      CPUUsage{Total: 100, PerCPU: []uint64{60, 40}, PerCPUUser: []uint64{50, 30}, PerCPUKernel: []uint64{10, 10}, User: 8e7, Kernel: 2e7},
			Throttling: Throttling{7, 3, 9},
		},
		Memory: MemoryStats{
			Cache: 20, Usage: MemoryUsage{Limit: 1000, Usage: 100, Max: 300, Failcnt: 4}, Swap: MemoryUsage{Limit: 2000, Usage: 150},
			Kernel: MemoryUsage{Usage: 5}, Raw: map[string]uint64{"cache": 20, "rss": 30}, OOMKills: 2,
		},
		Pids: PidsStats{Current: 3, Limit: 9},
		BlockIO: BlockIOStats{
			Serviced: []BlockIOEntry{{8, 0, "Read", 3}, {8, 0, "Total", 3}}, ServiceBytes: []BlockIOEntry{{8, 0, "Read", 4096}},
			Time: []BlockIOEntry{{8, 0, "", 12}},
		},
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("got  %+v\nwant %+v", s, want)
	}
}

// TestStatsKeys holds the keys that readers of `events` know.
func TestStatsKeys(t *testing.T) {
	text, err := json.Marshal(&Stats{Hugetlb: map[string]HugetlbStats{"2MB": {}}})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"cpu":{"usage":{"kernel":0,"user":0},"throttling":{}},"cpuset":{"cpu_exclusive":0,"mem_hardwall":0,"mem_exclusive":0,` +
		`"memory_migrate":0,"memory_spread_page":0,"memory_spread_slab":0,"memory_pressure":0,"sched_load_balance":0,"sched_relax_domain_level":0},` +
		`"memory":{"usage":{"limit":0,"failcnt":0},"swap":{"limit":0,"failcnt":0},"kernel":{"limit":0,"failcnt":0},"kernelTCP":{"limit":0,"failcnt":0}},` +
		`"pids":{},"blkio":{},"hugetlb":{"2MB":{"failcnt":0}}}`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

func FuzzStats(f *testing.F) {
	f.Add("some avg10=1 total=5\nfull x")
	f.Add("8:0 Read 4\nTotal 4")
	f.Add("0-3,7,65535-65536")
	f.Fuzz(func(t *testing.T, text string) {
		parsePSI(text)
		for _, e := range parseEntries(text) {
			if strings.ContainsAny(e.Op, " \n") {
				t.Errorf("operation %q", e.Op)
			}
		}
		if len(text) < 20 {
			parseList(text)
		}
		parseRdma(text)
	})
}
