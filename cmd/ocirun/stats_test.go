package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ocirun/ocirun/cgroups"
	"github.com/ocirun/ocirun/libcontainer"
)

// busyStats has a value wherever a table or an exposition shows one.
func busyStats() libcontainer.Stats {
	psi := &cgroups.PSI{Some: cgroups.PSIData{Avg10: 12.5, Total: 3_000_000}}
	return libcontainer.Stats{
		Stats: cgroups.Stats{
			CPU: cgroups.CPUStats{Usage: cgroups.CPUUsage{Total: 2_500_000_000, User: 2e9, Kernel: 5e8}, PSI: psi},
			Memory: cgroups.MemoryStats{
				Cache: 4096, Raw: map[string]uint64{"anon": 1}, OOMKills: 2, PSI: psi,
				Usage: cgroups.MemoryUsage{Limit: 1 << 30, Usage: 300 << 20, Max: 512 << 20, Failcnt: 9}, Swap: cgroups.MemoryUsage{Limit: 9223372036854771712},
			},
			Pids: cgroups.PidsStats{Current: 3, Peak: 7, Limit: 100},
			BlockIO: cgroups.BlockIOStats{
				ServiceBytes: []cgroups.BlockIOEntry{{Major: 8, Op: "Read", Value: 1024}, {Major: 8, Minor: 1, Op: "Read", Value: 1024}, {Major: 8, Op: "Write", Value: 5}},
			},
			Hugetlb: map[string]cgroups.HugetlbStats{"2MB": {Usage: 1, Max: 2, Failcnt: 3}},
			Rdma:    []cgroups.RdmaStats{{Device: "mlx", Handles: 4}}, Misc: map[string]cgroups.MiscStats{"sev": {Usage: 5, Events: 6}},
		},
		Networks: []libcontainer.NetworkInterface{{Name: "eth0", RxBytes: 2048, TxBytes: 100}},
	}
}

func fakeList(c *call) {
	running, ended := exampleState, exampleState
	ended.ID, ended.Status = "old", libcontainer.Stopped
	c.fake.entries = []libcontainer.Entry{
		{ID: "bad", Err: errors.New("damaged\x1b[2J")}, {ID: "old", State: &ended}, {ID: "web", State: &running},
	}
	c.fake.state, c.fake.stats = running, busyStats()
}

func TestStatsTable(t *testing.T) {
	c := newCall(t)
	fakeList(c)
	if code := c.run("stats", "--once", "--interval", "1ms"); code != 0 {
		t.Fatal(code, c.err.String())
	}
	lines := strings.Split(strings.TrimSuffix(c.out.String(), "\n"), "\n")
	if len(lines) != 3 || lines[1] != "bad  error: damaged?[2J" {
		t.Fatalf("%q", lines)
	}
	want := "web running 0.0% 2.5s 300M 512M 1.0G 2 3 7 100 2.0K 5B 2.0K 100B 12.5% 12.5% -"
	if got := strings.Join(strings.Fields(lines[2]), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestStatsShare(t *testing.T) {
	table := statsTable{screen: &screen{}}
	s := sample{id: "web", at: time.Unix(100, 0), status: libcontainer.Running, stats: &libcontainer.Stats{}}
	s.stats.CPU.Usage.Total = 1e9
	if got := table.share(&s); got != "-" {
		t.Errorf("the first time: %s", got)
	}
	table.remember([]sample{s})
	later := sample{id: "web", at: s.at.Add(2 * time.Second), stats: &libcontainer.Stats{}}
	later.stats.CPU.Usage.Total = 4e9
	if got := table.share(&later); got != "150.0%" {
		t.Errorf("three seconds in two: %s", got)
	}
	later.stats.CPU.Usage.Total = 5 // another container of the same id
	if got := table.share(&later); got != "-" {
		t.Errorf("less than before: %s", got)
	}
}

func TestStatsNothingCounted(t *testing.T) {
	table := statsTable{screen: &screen{}}
	got := table.row(&sample{id: "web", status: libcontainer.Paused, stats: &libcontainer.Stats{}})
	if strings.ReplaceAll(got, "\t", " ") != "web paused - 0s - - - - - - - 0B 0B - - - - -" {
		t.Errorf("%q", got)
	}
	if got := table.row(&sample{id: "web", status: libcontainer.Stopped}); got != "web\tstopped" {
		t.Errorf("%q", got)
	}
}

func TestStatsScreen(t *testing.T) {
	s := &screen{size: func() (int, int) { return 5, 3 }}
	if got := s.show("1234567\nab\ncut\n", true); got != "\x1b[2J\x1b[H12345\x1b[K\nab\x1b[K\n\x1b[J" {
		t.Errorf("%q", got)
	}
	if got := s.show("x\n", false); got != "\x1b[Hx\x1b[K\n\x1b[J" {
		t.Errorf("%q", got)
	}
	if got := (&screen{}).show("x\n", false); got != "\nx\n" {
		t.Errorf("%q", got)
	}
}

func TestStatsJSON(t *testing.T) {
	c := newCall(t)
	fakeList(c)
	if code := c.run("stats", "--once", "--format", "json"); code != 0 {
		t.Fatal(code, c.err.String())
	}
	lines := strings.Split(strings.TrimSuffix(c.out.String(), "\n"), "\n")
	if len(lines) != 2 {
		t.Fatalf("%q", lines)
	}
	var bad, web struct {
		ID, Status, Error string
		Time              time.Time
		Data              struct{ Pids struct{ Current int } }
		Extra             struct{ OOMKills, PidsPeak int }
	}
	if err := errors.Join(json.Unmarshal([]byte(lines[0]), &bad), json.Unmarshal([]byte(lines[1]), &web)); err != nil {
		t.Fatal(err)
	}
	if bad.ID != "bad" || !strings.HasPrefix(bad.Error, "damaged") || bad.Status != "" {
		t.Errorf("%s", lines[0])
	}
	if web.ID != "web" || web.Status != "running" || web.Data.Pids.Current != 3 || web.Extra.OOMKills != 2 || web.Extra.PidsPeak != 7 || web.Time.IsZero() {
		t.Errorf("%s", lines[1])
	}
}

func TestStatsMetrics(t *testing.T) {
	c := newCall(t)
	fakeList(c)
	if code := c.run("stats", "-f", "openmetrics"); code != 0 {
		t.Fatal(code, c.err.String())
	}
	out := c.out.String()
	for _, line := range []string{
		`ocirun_container_readable{id="bad"} 0`, `ocirun_container_readable{id="web"} 1`,
		`ocirun_container_status{id="web",ocirun_container_status="running"} 1`, `ocirun_container_status{id="web",ocirun_container_status="paused"} 0`,
		`# TYPE ocirun_container_cpu_usage_seconds counter`, `# UNIT ocirun_container_cpu_usage_seconds seconds`,
		`ocirun_container_cpu_usage_seconds_total{id="web"} 2.5`, `ocirun_container_memory_peak_bytes{id="web"} 536870912`,
		`ocirun_container_memory_oom_kills_total{id="web"} 2`, `ocirun_container_pids_limit{id="web"} 100`,
		`ocirun_container_io_read_bytes_total{id="web",device="8:1"} 1024`, `ocirun_container_hugetlb_limit_hits_total{id="web",page_size="2MB"} 3`,
		`ocirun_container_pressure_seconds_total{id="web",resource="cpu",kind="some"} 3`,
		`ocirun_container_pressure_ratio{id="web",resource="memory",kind="some",window="10s"} 0.125`,
		`ocirun_container_network_receive_bytes_total{id="web",interface="eth0"} 2048`,
		`ocirun_container_rdma_handles{id="web",device="mlx"} 4`, `ocirun_container_misc_limit_hits_total{id="web",resource="sev"} 6`,
	} {
		if !strings.Contains("\n"+out, "\n"+line+"\n") {
			t.Errorf("no %s in\n%s", line, out)
		}
	}
	if strings.Contains(out, "swap_limit") {
		t.Error("no limit is shown as one")
	}
	if !strings.HasSuffix(out, "\n# EOF\n") {
		t.Error("no end")
	}
}

func TestStatsNamed(t *testing.T) {
	c := newCall(t)
	c.fake.err = libcontainer.ErrNotExist
	if code := c.run("stats", "web"); code != 1 { // ends by itself: there is nothing to wait for
		t.Fatal(code)
	}
	if got := c.message(t); got != "container does not exist" {
		t.Error(got)
	}
	for argv, want := range map[string]string{
		"stats --format xml":             "invalid format option",
		"stats --interval 0":             "duration interval must be greater than 0",
		"stats --interval x":             `invalid value "x" for flag -interval: parse error`,
		"stats --once web db --interval": "flag needs an argument: -interval",
	} {
		c := newCall(t)
		if code := c.run(strings.Fields(argv)...); code != 1 || c.message(t) != want {
			t.Errorf("%s: exit %d, %q", argv, code, c.message(t))
		}
	}
}

func TestFormatSize(t *testing.T) {
	for bytes, want := range map[uint64]string{
		0: "0B", 1023: "1023B", 1024: "1.0K", 10 << 10: "10K", 1536 << 20: "1.5G", 1 << 63: "8192P",
	} {
		if got := formatSize(bytes); got != want {
			t.Errorf("%d: %s, want %s", bytes, got, want)
		}
	}
}
