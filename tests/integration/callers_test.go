package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// The scenarios of this file give the very commands that engines give, in their order
// and spelling, and read the answers as they do.

// caller gives commands with the global options of one engine.
type caller struct {
	s       *scenario
	globals []string
	env     []string
}

func (c *caller) call(args ...string) *command {
	cmd := c.s.cmd(append(slices.Clone(c.globals), args...)...)
	cmd.noRoot, cmd.env = true, c.env
	return cmd
}

func (c *caller) do(args ...string) result {
	c.s.t.Helper()
	return c.call(args...).run()
}

// process writes the file of exec --process.
func (s *scenario) process(terminal bool, argv ...string) string {
	s.t.Helper()
	text, err := json.Marshal(specs.Process{Terminal: terminal, Args: argv, Env: []string{"PATH=/bin", "FROM=file"}, Cwd: "/"})
	s.must(err)
	return s.write("process.json", string(text))
}

// pid reads a file as strictly as an engine does: digits and nothing else.
func (s *scenario) pid(path string) int {
	s.t.Helper()
	pid, err := strconv.Atoi(s.read(path))
	s.must(err)
	return pid
}

// TestCallerContainerd: the shim of containerd and dockerd, by go-runc.
func TestCallerContainerd(t *testing.T) {
	s := begin(t)
	b := s.bundle(sh("echo up; exec sleep 1000"))
	log := filepath.Join(b.dir, "log.json")
	c := &caller{s: s, globals: []string{"--root", s.root, "--log", log, "--log-format", "json"}}
	id, pidFile := s.id(), filepath.Join(b.dir, "init.pid")
	c.do("create", "--bundle", b.dir, "--pid-file", pidFile, "--no-new-keyring", id).ok()
	pid := s.pid(pidFile)
	c.do("start", id).ok()

	execPid := filepath.Join(b.dir, "exec.pid")
	c.do("exec", "--process", s.process(false, "sleep", "1000"), "--detach", "--pid-file", execPid, id).ok()
	var pids []int
	s.must(json.Unmarshal([]byte(c.do("ps", "--format", "json", id).ok().out), &pids))
	for _, want := range []int{pid, s.pid(execPid)} {
		if !slices.Contains(pids, want) {
			s.errorf("ps lacks %d: %v", want, pids)
		}
	}

	update := c.call("update", "--resources=-", id)
	resources, err := os.Open(s.write("resources.json", `{"devices":null,"unified":null}`))
	s.must(err)
	defer resources.Close()
	update.stdin = resources
	update.run().ok()

	c.do("pause", id).ok()
	c.do("resume", id).ok()
	c.do("kill", id, "9").ok()
	s.eventually("the container stops", func() bool {
		return decode[state](s, c.do("state", id).ok().out).Status == "stopped"
	})
	c.do("kill", id, "9").exits(1)
	equal(s, "last error of the log", lastError(s, log), "container not running")
	c.do("kill", "--all", id, "9").ok()
	c.do("delete", id).ok()
	c.do("delete", id).exits(1)
	s.contains("last error of the log", lastError(s, log), "does not exist")
	c.do("delete", "--force", id).ok()
}

// lastError reads a log as the shim does: as a stream of objects.
func lastError(s *scenario, path string) (message string) {
	s.t.Helper()
	dec := json.NewDecoder(strings.NewReader(s.read(path)))
	for dec.More() {
		var record struct{ Level, Msg string }
		s.must(dec.Decode(&record))
		if record.Level == "error" {
			message = strings.TrimSpace(record.Msg)
		}
	}
	return message
}

// TestCallerDockerd: what the daemon asks of a runtime when it starts.
func TestCallerDockerd(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 has only the features of runtime-spec 1.0")
	c := &caller{s: s}
	var features struct {
		MountOptions []string `json:"mountOptions"`
		Linux        struct {
			MountExtensions struct {
				IDMap struct{ Enabled bool } `json:"idmap"`
			} `json:"mountExtensions"`
		} `json:"linux"`
	}
	s.must(json.Unmarshal([]byte(c.do("features").ok().out), &features))
	if !slices.Contains(features.MountOptions, "rro") || !features.Linux.MountExtensions.IDMap.Enabled {
		s.errorf("no recursive read-only or id-mapped mounts: %+v", features)
	}
	version, commit := "", ""
	for line := range strings.Lines(c.do("--version").ok().out) {
		if name, rest, ok := strings.Cut(strings.TrimSpace(line), " version "); ok && version == "" {
			equal(s, "name", name, suite.kind)
			version = rest
		}
		if rest, ok := strings.CutPrefix(line, "commit: "); ok {
			commit = strings.TrimSpace(rest)
		}
	}
	if version == "" || commit == "" {
		s.errorf("version %q, commit %q", version, commit)
	}
}

// TestCallerConmon: Podman and its monitor, with an environment that is nearly empty.
func TestCallerConmon(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.15 warns of a cgroup that is gone, in a record before that of the error")
	b := s.bundle(sh("echo up; exec sleep 1000"))
	log := filepath.Join(b.dir, "oci-log")
	c := &caller{s: s, globals: []string{"--root", s.root, "--log-format=json", "--log", log}}
	id, pidFile := s.id(), filepath.Join(b.dir, "pidfile")
	c.do("create", "--bundle", b.dir, "--pid-file", pidFile, id).ok()
	pid := s.pid(pidFile)
	plain := &caller{s: s, globals: []string{"--root", s.root}}
	plain.do("start", id).ok()
	execPid := filepath.Join(b.dir, "exec.pid")
	c.do("exec", "--pid-file", execPid, "--process", s.process(false, "sleep", "1000"), "--detach", id).ok()
	if s.pid(execPid) == pid {
		s.errorf("the process that was added has the id of the first")
	}
	bare := []string{"-i", "XDG_RUNTIME_DIR=" + s.dir}
	for _, args := range [][]string{{"pause", id}, {"resume", id}, {"kill", id, "15"}, {"kill", "--all", id, "9"}, {"delete", "--force", id}} {
		plain.call(args...).through(append([]string{"env"}, bare...)...).ok()
	}
	// A failure is one object and nothing else, whose text says what to exit with.
	bad := s.bundle(args("/no/such/program"))
	c.do("create", "--bundle", bad.dir, "--pid-file", pidFile, s.id()).exits(1)
	record := decode[struct{ Level, Msg string }](s, s.read(log))
	s.contains("message", record.Msg, "no such file or directory")
}

// TestCallerBuildKit: build steps, which wait for the state in the mean time.
func TestCallerBuildKit(t *testing.T) {
	s := begin(t)
	b := s.bundle(sh("sleep 1; exit 7"))
	c := &caller{s: s, globals: []string{"--root", s.root, "--log", filepath.Join(s.dir, "runc-log.json"), "--log-format", "json"}}
	id := s.id()
	step := c.call("run", "--bundle", b.dir, "--keep", id)
	step.start()
	s.eventually("the step runs", func() bool {
		r := c.do("state", id)
		return r.code == 0 && decode[state](s, r.out).Status == "running"
	})
	running := decode[state](s, c.do("state", id).ok().out)
	equal(s, "bundle", running.Bundle, b.dir)
	equal(s, "rootfs", running.Rootfs, filepath.Join(b.dir, "rootfs"))
	pidFile := filepath.Join(s.dir, "exec.pid")
	c.do("exec", "--process", s.process(false, "sh", "-c", "exit 4"), "--pid-file", pidFile, id).exits(4)
	step.wait().exits(7)
	c.do("delete", id).ok()
}

// TestCallerCRIO: CRI-O's own calls beside those of its monitor.
func TestCallerCRIO(t *testing.T) {
	s := begin(t)
	b := s.bundle(sh("trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done"))
	c := &caller{s: s, globals: []string{"--root", s.root}}
	id := s.id()
	c.do("create", "--bundle", b.dir, "--pid-file", filepath.Join(s.dir, "pidfile"), id).ok()
	c.do("start", id).ok()
	// Not before its trap is set.
	exec := c.do("exec", "--process", s.process(false, "sh", "-c", "sleep 0.3; echo $FROM; exit 3"), id).exits(3)
	equal(s, "output of exec", exec.out, "file\n")
	c.do("kill", id, "TERM").ok()
	s.eventually("the container stops", func() bool { return decode[state](s, c.do("state", id).ok().out).Status == "stopped" })
	s.contains("words for what has stopped", c.do("kill", id, "KILL").exits(1).err, "container not running")
	c.do("kill", "-a", id, "KILL").ok()
	c.do("delete", "--force", id).ok()
}

// TestCallerBuildah: no monitor; it polls the state until the program has ended.
func TestCallerBuildah(t *testing.T) {
	s := begin(t)
	b := s.bundle(sh("exit 5"))
	c := &caller{s: s, globals: []string{"--root", s.root}}
	id := s.id()
	c.do("create", "--bundle", b.dir, "--pid-file", filepath.Join(b.dir, "pid"), "--no-new-keyring", id).ok()
	c.do("start", id).ok()
	s.eventually("the program ends", func() bool {
		st := decode[state](s, c.do("state", id).ok().out).Status
		if st != "running" && st != "stopped" {
			s.errorf("status %s", st)
		}
		return st == "stopped"
	})
	c.do("delete", id).ok()
}

// TestCallerSystemd: a unit of Type=forking needs a pid file and nothing that stays.
func TestCallerSystemd(t *testing.T) {
	s := begin(t)
	b := s.bundle(sh("exec sleep 1000"))
	pidFile, id := filepath.Join(s.dir, "unit.pid"), s.id()
	s.run("run", "-d", "--pid-file", pidFile, "-b", b.dir, id).ok()
	equal(s, "pid", s.pid(pidFile), s.state(id).Pid)
	s.run("kill", id, "KILL").ok()
	s.becomes(id, "stopped")
	s.run("delete", id).ok()
}
