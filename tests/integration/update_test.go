package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// limitFile names the file of a limit in this view.
func limitFile(v1, v2 string) string {
	if suite.view == "v2" {
		return v2
	}
	return v1
}

func TestUpdatePids(t *testing.T) {
	s := begin(t)
	s.needsController("pids")
	_, id, pid := s.sleeping(resources(func(r *specs.LinuxResources) { r.Pids = &specs.LinuxPids{Limit: ptr(int64(20))} }))
	s.run("update", "--pids-limit", "10", id).ok()
	equal(s, "by flag", s.cgroupFile(pid, "pids", "pids.max"), "10")
	s.run("update", "--resources", s.write("r.json", `{"pids": {"limit": 15}}`), id).ok()
	equal(s, "by file", s.cgroupFile(pid, "pids", "pids.max"), "15")
	in, err := os.Open(s.write("r2.json", `{"pids": {"limit": -1}}`))
	s.must(err)
	defer in.Close()
	c := s.cmd("update", "--resources", "-", id)
	c.stdin = in
	c.run().ok()
	equal(s, "by standard input", s.cgroupFile(pid, "pids", "pids.max"), "max")
}

// What is not named stays, also what only the creation has set.
func TestUpdateKeepsTheRest(t *testing.T) {
	s := begin(t)
	s.needsController("memory")
	s.needsController("cpu")
	const limit = 64 << 20
	_, id, pid := s.sleeping(resources(func(r *specs.LinuxResources) {
		r.Memory = &specs.LinuxMemory{Limit: ptr(int64(limit))}
		r.CPU = &specs.LinuxCPU{Quota: ptr(int64(50000)), Period: ptr(uint64(100000)), Shares: ptr(uint64(512))}
	}))
	memory := limitFile("memory.limit_in_bytes", "memory.max")
	s.run("update", "--cpu-quota", "20000", id).ok()
	equal(s, "memory", s.cgroupFile(pid, "memory", memory), itoa(limit))
	if suite.view == "v2" {
		equal(s, "quota and period", s.cgroupFile(pid, "cpu", "cpu.max"), "20000 100000")
	} else {
		equal(s, "quota", s.cgroupFile(pid, "cpu", "cpu.cfs_quota_us"), "20000")
		equal(s, "period", s.cgroupFile(pid, "cpu", "cpu.cfs_period_us"), "100000")
		equal(s, "shares", s.cgroupFile(pid, "cpu", "cpu.shares"), "512")
	}
	s.run("update", "--memory", "100m", id).ok()
	equal(s, "memory", s.cgroupFile(pid, "memory", memory), itoa(100<<20))
}

// Without a limit of memory one of memory and swap makes no sense: both go.
func TestUpdateUnlimited(t *testing.T) {
	s := begin(t)
	s.needsController("memory")
	const limit = 64 << 20
	_, id, pid := s.sleeping(resources(func(r *specs.LinuxResources) {
		r.Memory = &specs.LinuxMemory{Limit: ptr(int64(limit)), Swap: ptr(int64(2 * limit))}
	}))
	memory, swap := limitFile("memory.limit_in_bytes", "memory.max"), limitFile("memory.memsw.limit_in_bytes", "memory.swap.max")
	unlimited := "max"
	if suite.view == "v1" {
		unlimited = s.read("/sys/fs/cgroup/memory/" + memory)
	}
	if s.cgroupFile(pid, "memory", memory) == unlimited {
		s.fatalf("no limit at first")
	}
	s.run("update", "--memory", "-1", id).ok()
	equal(s, "memory", s.cgroupFile(pid, "memory", memory), unlimited)
	equal(s, "swap", s.cgroupFile(pid, "memory", swap), unlimited)
}

// One limit that is refused takes the others back.
func TestUpdateIsWholeOrNothing(t *testing.T) {
	s := begin(t)
	s.needsController("pids")
	s.needsController("cpu")
	_, id, pid := s.sleeping(resources(func(r *specs.LinuxResources) { r.Pids = &specs.LinuxPids{Limit: ptr(int64(20))} }))
	s.run("update", "--pids-limit", "10", "--cpu-period", "10", "--cpu-quota", "5", id).refused()
	equal(s, "limit", s.cgroupFile(pid, "pids", "pids.max"), "20")
}

// Device rules change when asked for, and nothing else does then. The rules that engines
// send with every update change nothing: a hook may have added others.
func TestUpdateDevices(t *testing.T) {
	if !exists("/dev/fuse") {
		t.Skip("this machine has no fuse device to open")
	}
	s := begin(t)
	s.differs("runc", "cannot change device rules of a container")
	controller := limitFile("pids", "hugetlb")
	s.needsController(controller)
	const limit = 4 << 20
	_, id, pid := s.sleeping(writable, capabilities("CAP_MKNOD"), fuse(true, "rw"),
		resources(func(r *specs.LinuxResources) {
			if controller == "pids" {
				r.Pids = &specs.LinuxPids{Limit: ptr(int64(limit))}
			} else {
				r.HugepageLimits = []specs.LinuxHugepageLimit{{Pagesize: "2MB", Limit: limit}}
			}
		}))
	opens := func(when, want string) {
		s.t.Helper()
		r := s.exec(id, nil, "sh", "-c", "[ -e /fuse ] || mknod /fuse c 10 229; (: </fuse) && echo read; (: >/fuse) && echo written; echo x >/dev/null").ok()
		equal(s, when, r.out, want)
		equal(s, "limit "+when, s.cgroupFile(pid, controller, limitFile("pids.max", "hugetlb.2MB.max")), itoa(limit))
	}
	const fuseRule = `{"allow": %ALLOW, "type": "c", "major": 10, "minor": 229, "access": "%ACCESS"}`
	rules := func(allow, access string) string {
		return s.write("r.json", `{"devices": [{"allow": false, "access": "rwm"}, `+
			strings.NewReplacer("%ALLOW", allow, "%ACCESS", access).Replace(fuseRule)+`]}`)
	}
	opens("at first", "read\nwritten\n")
	s.run("update", "-r", rules("false", "rw"), id).ok()
	opens("without --devices", "read\nwritten\n")
	s.run("update", "--devices", "-r", rules("true", "r"), id).ok()
	opens("after one is taken away", "read\n")
	s.run("update", "--devices", "-r", s.write("r.json", `{"devices": []}`), id).ok()
	opens("with the default rules", "")
	s.run("update", "--devices", "-r", rules("true", "rw"), id).ok()
	opens("after it is given back", "read\nwritten\n")
	s.run("update", "--devices", "-r", s.write("r.json", "{}"), id).ok()
	opens("without rules", "read\nwritten\n")
	s.run("update", "--devices", "-r", s.write("r.json", `{"devices": [{"allow": true, "type": "x"}]}`), id).refused()
	opens("after a refusal", "read\nwritten\n")
}

// The schemata are those of the class of service that a container was made with.
func TestUpdateSchemata(t *testing.T) {
	if exists("/sys/fs/resctrl/schemata") {
		t.Skip("this machine has resource control")
	}
	s := begin(t)
	s.needsController("pids")
	_, id, pid := s.sleeping(resources(func(r *specs.LinuxResources) { r.Pids = &specs.LinuxPids{Limit: ptr(int64(20))} }))
	s.run("update", "--l3-cache-schema", "L3:0=f", "--pids-limit", "10", id).failsWith(1, "Intel RDT/CAT: l3 cache schema is not enabled")
	s.run("update", "--mem-bw-schema", "MB:0=50", "--pids-limit", "10", id).failsWith(1, "Intel RDT/MBA: memory bandwidth schema is not enabled")
	equal(s, "limit", s.cgroupFile(pid, "pids", "pids.max"), "20")
}

func TestUpdateWrong(t *testing.T) {
	s := begin(t)
	_, id, pid := s.sleeping()
	s.run("update", "--memory", "bad", id).fails(1, "invalid value for memory: invalid size: 'bad'")
	s.run("update", "--cpu-quota", "bad", id).fails(1, `invalid value for cpu-quota: strconv.ParseInt: parsing "bad": invalid syntax`)
	s.run("update", "--pids-limit", "5", "nobody").fails(1, "container does not exist")
	s.run("kill", id, "KILL").ok()
	equal(s, "ends", gone(pid), true)
	s.becomes(id, "stopped")
	s.run("update", "--pids-limit", "5", id).fails(1, "container not running")
}

func TestUpdateCreatedAndPaused(t *testing.T) {
	s := begin(t)
	s.needsController("pids")
	id := s.create(s.bundle())
	s.run("update", "--pids-limit", "33", id).ok()
	s.run("pause", id).ok()
	s.run("update", "--pids-limit", "34", id).ok()
	equal(s, "limit", s.cgroupFile(s.state(id).Pid, "pids", "pids.max"), "34")
	s.status(id, "paused")
	s.run("resume", id).ok()
}

// statsLine is what engines read of the statistics.
type statsLine struct {
	Type, ID string
	Data     struct {
		CPU     struct{ Usage struct{ Total uint64 } }
		Pids    struct{ Current, Limit uint64 }
		Memory  struct{ Usage struct{ Usage, Limit uint64 } }
		Hugetlb json.RawMessage
	}
}

func TestEventsStats(t *testing.T) {
	s := begin(t)
	_, id, _ := s.sleeping()
	r := s.run("events", "--stats", id).ok()
	line := decode[statsLine](s, r.out)
	equal(s, "type and id", line.Type+" "+line.ID, "stats "+id)
	if suite.view == "v1" {
		equal(s, "processes", line.Data.Pids.Current >= 1, true)
		equal(s, "memory is used", line.Data.Memory.Usage.Usage > 0, true)
		equal(s, "processor time", line.Data.CPU.Usage.Total > 0, true)
	}
	s.run("events", "--interval", "0", id).fails(1, "duration interval must be greater than 0")
	s.run("kill", id, "KILL").ok()
	s.becomes(id, "stopped")
	s.run("events", "--stats", id).fails(1, "container with id "+id+" is not running")
}

// The stream ends with the container's cgroup.
func TestEventsStream(t *testing.T) {
	s := begin(t)
	if suite.view == "v2" {
		s.differs("runc", "needs the memory controller")
	}
	_, id, _ := s.sleeping()
	c := s.cmd("events", "--interval", "50ms", id)
	c.start()
	s.eventually("two lines", func() bool {
		out, _ := os.ReadFile(c.stdout.Name())
		return strings.Count(string(out), "\n") >= 2
	})
	s.run("delete", "--force", id).ok()
	r := c.wait().ok()
	for line := range strings.Lines(r.out) {
		equal(s, "id", decode[statsLine](s, line).ID, id)
	}
}

func TestEventsOOM(t *testing.T) {
	s := begin(t)
	s.needsController("memory")
	const limit = 16 << 20
	_, id, _ := s.sleeping(resources(func(r *specs.LinuxResources) {
		r.Memory = &specs.LinuxMemory{Limit: ptr(int64(limit)), Swap: ptr(int64(limit))}
	}))
	c := s.cmd("events", "--interval", "1h", id)
	c.start()
	time.Sleep(200 * time.Millisecond) // until it watches
	s.exec(id, nil, "dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1").exits(137)
	s.eventually("an event", func() bool {
		out, _ := os.ReadFile(c.stdout.Name())
		return strings.Contains(string(out), `"type":"oom"`)
	})
	s.status(id, "running")
	s.run("delete", "--force", id).ok()
	c.wait().ok()
	equal(s, "nothing left", exists(filepath.Join(s.root, id)), false)
}
