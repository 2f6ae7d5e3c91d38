package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func TestExplainText(t *testing.T) {
	s := begin(t)
	s.differs("runc", "has no such command")
	b := s.bundle(sysctl("net.ipv4.ip_forward", "1"))
	out := s.run("explain", "-b", b.dir).ok().out
	for _, part := range []string{"/proc", "/dev/shm", "testhost", "KILL,NET_BIND_SERVICE", "ip_forward", "/mounts/3", "true"} {
		s.contains("plan", out, part)
	}
	again := s.run("explain", "--bundle", b.dir).ok().out
	equal(s, "the same plan twice", again, out)
	equal(s, "state root made", exists(s.root), false)
}

func TestExplainJSON(t *testing.T) {
	s := begin(t)
	s.differs("runc", "has no such command")
	out := s.run("explain", "--format", "json", "-b", s.bundle().dir).ok().out
	plan := decode[map[string]any](s, out)
	if len(plan) == 0 {
		s.errorf("empty plan: %s", out)
	}
	s.run("explain", "--format", "xml", "-b", s.bundle().dir).refused()
}

func TestExplainContainer(t *testing.T) {
	s := begin(t)
	s.differs("runc", "has no such command")
	b := s.bundle()
	id := s.create(b)
	// What was run counts, not what the bundle says now.
	b.config("{}")
	s.contains("plan", s.run("explain", id).ok().out, "testhost")
	s.run("explain", "nobody").fails(1, "container does not exist")
}

// The cgroup is where the container is, wherever the one who asks is.
func TestExplainFromAnotherCgroup(t *testing.T) {
	s := begin(t)
	s.differs("runc", "has no such command")
	b := s.bundle(addMounts(specs.Mount{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup"}), func(c *specs.Spec) { c.Linux.CgroupsPath = "" })
	id := s.create(b)
	here := s.run("explain", id).ok().out
	s.contains("plan", here, id)
	name, dir := s.ownCgroup()
	c := s.cmd("explain", id)
	there := c.through("/bin/sh", s.write("enter.sh", "echo $$ >"+dir+"/cgroup.procs\nexec \"$@\"\n")).ok().out
	equal(s, "the same plan", there, here)
	s.lacks("plan", there, name)
}

func TestExplainRefusesWhatCreateRefuses(t *testing.T) {
	s := begin(t)
	s.differs("runc", "has no such command")
	b := s.bundle(func(c *specs.Spec) { c.Process.Cwd = "tmp" })
	s.run("explain", "-b", b.dir).failsWith(1, "Cwd must be an absolute path")
}

// traceEvent is one entry of the trace event format that Chrome and Perfetto read.
type traceEvent struct {
	Name  string         `json:"name"`
	Phase string         `json:"ph"`
	Start *float64       `json:"ts"`
	Dur   float64        `json:"dur"`
	Pid   *int           `json:"pid"`
	Tid   *int           `json:"tid"`
	Args  map[string]any `json:"args"`
}

func TestTrace(t *testing.T) {
	s := begin(t)
	s.differs("runc", "has no such option")
	b := s.bundle()
	id := s.id()
	for _, call := range [][]string{
		{"run", "--trace", filepath.Join(s.dir, "run.json"), "-b", b.dir, s.id()},
		{"create", "--trace", filepath.Join(s.dir, "create.json"), "-b", b.dir, id},
		{"start", "--trace", filepath.Join(s.dir, "start.json"), id},
	} {
		s.run(call...).ok()
		events := s.trace(filepath.Join(s.dir, call[0]+".json"))
		if call[0] != "start" && len(events) < 20 {
			s.errorf("%s: only %d events", call[0], len(events))
		}
	}
}

func TestExplainTiming(t *testing.T) {
	s := begin(t)
	s.differs("runc", "has no such option")
	path := filepath.Join(s.dir, "trace.json")
	s.run("run", "--trace", path, "-b", s.bundle().dir, s.id()).ok()
	out := s.run("explain", "--timing", path).ok().out
	s.contains("table", out, "mount proc on /proc")
	s.contains("table", out, "load config.json")
	s.run("explain", "--timing", s.write("no.json", "[{")).refused()
	s.run("explain", "--timing", filepath.Join(s.dir, "nowhere")).failsWith(1, "no such file or directory")
}

// A trace that cannot be written is said before anything happens.
func TestTraceUnwritable(t *testing.T) {
	s := begin(t)
	s.differs("runc", "has no such option")
	r := s.run("run", "--trace", filepath.Join(s.dir, "nowhere/t.json"), "-b", s.bundle(sh("echo ran")).dir, s.id())
	r.failsWith(1, "no such file or directory")
	equal(s, "output", r.out, "")
	s.oracle()
}

// trace reads a trace in either of the two forms of the format.
func (s *scenario) trace(path string) []traceEvent {
	s.t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		s.fatalf("%v", err)
	}
	var object struct{ TraceEvents []traceEvent }
	events := &object.TraceEvents
	if json.Unmarshal(data, events) != nil {
		if err := json.Unmarshal(data, &object); err != nil {
			s.fatalf("%s: %v", path, err)
		}
	}
	for _, e := range *events {
		if e.Name == "" || e.Phase == "" || e.Pid == nil || e.Tid == nil && e.Phase != "M" {
			s.fatalf("%s: incomplete event %+v", path, e)
		}
		if e.Phase == "X" && (e.Start == nil || e.Dur < 0) {
			s.fatalf("%s: event without time %+v", path, e)
		}
	}
	return *events
}

// A bundle is run and its steps are shown; so are those that other commands have written.
func TestTraceCommand(t *testing.T) {
	s := begin(t)
	s.differs("runc", "has no such command")
	s.differs("crun", "has no such command")
	b := s.bundle(sh("echo hello; exit 5"))
	file := filepath.Join(s.dir, "out.json")
	r := s.run("trace", "-b", b.dir, "--format", "perfetto", "--output", file).exits(5)
	equal(s, "output of the program", r.out, "hello\n")
	equal(s, "enough events", len(s.trace(file)) >= 20, true)
	equal(s, "nothing is left", s.run("list", "-q").ok().out, "")

	b = s.bundle()
	id := s.id()
	first, second := filepath.Join(s.dir, "create.json"), filepath.Join(s.dir, "start.json")
	s.run("create", "-b", b.dir, "--trace", first, id).ok()
	s.run("start", "--trace", second, id).ok()
	out := s.run("trace", first, second).ok().out
	s.contains("table", out, "mount proc on /proc")
	s.contains("table", out, "TIME")
	type step struct {
		Name, Lane      string
		Start, Duration float64
	}
	steps := decode[[]step](s, s.run("trace", "--format", "json", first, second).ok().out)
	equal(s, "both", len(steps), len(s.trace(first))+len(s.trace(second)))
}

// What a container was made by can be seen at every time of its life, also when the bundle
// is gone.
func TestExplainThroughLife(t *testing.T) {
	s := begin(t)
	s.differs("runc", "has no such command")
	s.differs("crun", "has no such command")
	b := s.bundle(sh("sleep 100"))
	id := s.create(b)
	created := s.run("explain", id).ok().out
	s.must(os.Rename(b.dir, b.dir+".gone"))
	s.t.Cleanup(func() { s.must(os.Rename(b.dir+".gone", b.dir)) })
	look := func(when string) {
		out := s.run("explain", id).ok().out
		equal(s, when, strings.HasPrefix(out, created), true)
		s.contains(when, out, "warning: not there any more: /root/path: ")
	}
	look("created")
	s.run("start", id).ok()
	look("running")
	s.run("kill", id, "KILL").ok()
	s.becomes(id, "stopped")
	look("stopped")
	decode[map[string]any](s, s.run("explain", "--format", "json", id).ok().out)
}
