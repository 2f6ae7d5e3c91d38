package integration

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

const noSuchCommand = "has no such command"

// A broken container has a row, and the others have theirs.
func TestStatsTable(t *testing.T) {
	s := begin(t)
	s.differs("runc", noSuchCommand)
	s.differs("crun", noSuchCommand)
	_, first, _ := s.sleeping()
	second := s.create(s.bundle())
	s.must(os.Mkdir(filepath.Join(s.root, "broken"), 0o700))
	s.must(os.WriteFile(filepath.Join(s.root, "broken", "record"), []byte("x"), 0o600))
	out := s.run("stats", "--once", "--interval", "10ms").ok().out
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) != 4 {
		s.fatalf("%d lines: %s", len(lines), out)
	}
	s.contains("broken", lines[1], "broken")
	s.contains("broken", lines[1], "error: ")
	equal(s, "running", strings.Join(strings.Fields(lines[2])[:2], " "), first+" running")
	equal(s, "created", strings.Join(strings.Fields(lines[3])[:2], " "), second+" created")
	s.must(os.RemoveAll(filepath.Join(s.root, "broken")))
	s.run("stats", "--once", "--interval", "10ms", first, "nobody").failsWith(1, "nobody: container does not exist")
}

// The counters are those of the container, as the kernel has them.
func TestStatsJSON(t *testing.T) {
	s := begin(t)
	s.differs("runc", noSuchCommand)
	s.differs("crun", noSuchCommand)
	_, id, pid := s.sleeping(resources(func(r *specs.LinuxResources) {
		if suite.view == "v1" { // the pure view of version 2 may have no controllers
			r.Pids = &specs.LinuxPids{Limit: ptr(int64(20))}
		}
	}))
	type line struct {
		ID, Status string
		Data       struct {
			CPU    struct{ Usage struct{ Total uint64 } }
			Pids   struct{ Current, Limit uint64 }
			Memory struct{ Usage struct{ Max uint64 } }
		}
		Extra struct{ PidsPeak uint64 }
	}
	l := decode[line](s, s.run("stats", "--once", "--format", "json", id).ok().out)
	equal(s, "id and status", l.ID+" "+l.Status, id+" running")
	equal(s, "processes", l.Data.Pids.Current, 1)
	equal(s, "processor time", l.Data.CPU.Usage.Total > 0, true)
	if suite.view == "v1" {
		equal(s, "limit", l.Data.Pids.Limit, 20)
		equal(s, "peak of memory", strconv.FormatUint(l.Data.Memory.Usage.Max, 10), s.cgroupFile(pid, "memory", "memory.max_usage_in_bytes"))
	}
	s.run("kill", id, "KILL").ok()
	s.becomes(id, "stopped")
	equal(s, "of a stopped one", decode[line](s, s.run("stats", "--once", "--format", "json", id).ok().out).Status, "stopped")
	equal(s, "of all that have not ended", s.run("stats", "--once", "--format", "json").ok().out, "")
}

// exposition checks the grammar of OpenMetrics as far as it depends on what is printed,
// and gives the values of the samples.
func (s *scenario) exposition(text string) map[string]float64 {
	s.t.Helper()
	body, found := strings.CutSuffix(text, "# EOF\n")
	equal(s, "has an end", found, true)
	values, kinds := map[string]float64{}, map[string]string{}
	family := ""
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(rest, " ")
			equal(s, "a family once: "+name, kinds[name], "")
			family, kinds[name] = name, kind
			continue
		}
		if rest, ok := strings.CutPrefix(line, "# UNIT "); ok {
			name, unit, _ := strings.Cut(rest, " ")
			equal(s, "unit of "+name, name == family && strings.HasSuffix(name, "_"+unit), true)
			continue
		}
		if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
			s.contains("help", rest, family+" ")
			continue
		}
		end := strings.LastIndexByte(line, ' ')
		name, _, _ := strings.Cut(line[:end], "{")
		want := family
		if kinds[family] == "counter" {
			want += "_total"
		}
		equal(s, "name of a sample", name, want)
		v, err := strconv.ParseFloat(line[end+1:], 64)
		s.must(err)
		if _, twice := values[line[:end]]; twice {
			s.errorf("twice: %s", line)
		}
		values[line[:end]] = v
	}
	return values
}

func TestStatsOpenMetrics(t *testing.T) {
	s := begin(t)
	s.differs("runc", noSuchCommand)
	s.differs("crun", noSuchCommand)
	_, first, _ := s.sleeping()
	second := s.create(s.bundle())
	v := s.exposition(s.run("stats", "--format", "openmetrics").ok().out)
	for _, id := range []string{first, second} {
		label := `{id="` + id + `"`
		equal(s, "readable", v["ocirun_container_readable"+label+"}"], 1)
		equal(s, "processes", v["ocirun_container_pids"+label+"}"], 1)
		// A kernel may count in ticks, and so none yet.
		if _, ok := v["ocirun_container_cpu_usage_seconds_total"+label+"}"]; !ok {
			s.errorf("no processor time of %s", id)
		}
	}
	equal(s, "status", v[`ocirun_container_status{id="`+second+`",ocirun_container_status="created"}`], 1)
	if suite.view == "v1" {
		equal(s, "memory", v[`ocirun_container_memory_usage_bytes{id="`+first+`"}`] > 0, true)
	}
	equal(s, "nothing to tell of", len(s.exposition(s.run("stats", "--format", "openmetrics", first).ok().out)) < len(v), true)
}

// On a terminal each table replaces the one before; it ends with the container.
func TestStatsTerminal(t *testing.T) {
	s := begin(t)
	s.differs("runc", noSuchCommand)
	s.differs("crun", noSuchCommand)
	_, id, _ := s.sleeping()
	p, slave := s.openPty(10, 60)
	c := s.cmd("stats", "--interval", "20ms", id)
	c.onTerminal(slave)
	p.expect("\x1b[2J\x1b[HID")
	p.expect("\x1b[J\x1b[HID")
	s.run("delete", "--force", id).ok()
	c.wait().failsWith(1, "")
	for line := range strings.SplitSeq(p.text.String(), "\r\n") {
		line = strings.NewReplacer("\x1b[2J", "", "\x1b[H", "", "\x1b[K", "", "\x1b[J", "").Replace(line)
		if len(line) > 60 {
			s.errorf("wider than the terminal: %q", line)
		}
	}
}

// What goes through the container's own network devices is in its statistics.
func TestEventsNetwork(t *testing.T) {
	s := begin(t)
	s.differs("runc", "never fills network_interfaces")
	s.differs("crun", noSuchCommand)
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs ip(8) to make network devices")
	}
	_, id, pid := s.sleeping()
	type stats struct {
		Data struct {
			Networks []struct {
				Name               string
				TxPackets, TxBytes uint64
			} `json:"network_interfaces"`
		}
	}
	equal(s, "devices at first", len(decode[stats](s, s.run("events", "--stats", id).ok().out).Data.Networks), 0)
	cmd := exec.Command("nsenter", "-t", itoa(pid), "-n", "/bin/sh", "-ec", makeDevices)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("harness: %v: %s", err, out)
	}
	got := decode[stats](s, s.run("events", "--stats", id).ok().out).Data.Networks
	names := make([]string, 0, len(got))
	for _, n := range got {
		names = append(names, n.Name)
	}
	slices.Sort(names)
	equal(s, "devices", strings.Join(names, " "), "v0 v1")
	s.eventually("something was sent", func() bool {
		n := decode[stats](s, s.run("events", "--stats", id).ok().out).Data.Networks
		return n[0].TxPackets > 0 && n[0].TxBytes > 0
	})
}

// The keys of the statistics are those that other runtimes print, with more.
func TestEventsKeys(t *testing.T) {
	s := begin(t)
	s.differs("crun", noSuchCommand)
	_, id, _ := s.sleeping()
	line := decode[map[string]json.RawMessage](s, s.run("events", "--stats", id).ok().out)
	data := decode[map[string]json.RawMessage](s, string(line["data"]))
	for _, key := range []string{"cpu", "cpuset", "memory", "pids", "blkio", "hugetlb", "intel_rdt", "network_interfaces"} {
		equal(s, key+" is there", data[key] != nil, true)
	}
	equal(s, "resource control", string(data["intel_rdt"]), "{}")
	equal(s, "network", string(data["network_interfaces"]), "null")
	s.lacks("hugetlb", string(data["hugetlb"]), "null")
	cpu := decode[map[string]json.RawMessage](s, string(data["cpu"]))
	usage := decode[map[string]json.RawMessage](s, string(cpu["usage"]))
	for _, key := range []string{"total", "kernel", "user"} {
		equal(s, key+" is there", usage[key] != nil, true)
	}
	memory := decode[map[string]json.RawMessage](s, string(data["memory"]))
	for _, key := range []string{"usage", "swap", "kernel", "kernelTCP"} {
		one := decode[map[string]uint64](s, string(memory[key]))
		_, limit := one["limit"]
		_, failed := one["failcnt"]
		equal(s, key+" has a limit and a count", limit && failed, true)
	}
	equal(s, "processes are counted", strings.Contains(string(data["pids"]), `"current":1`), true)
}
