package integration

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func TestRunExitCode(t *testing.T) {
	for _, code := range []int{0, 1, 3, 126, 255} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			s := begin(t)
			id := s.id()
			s.run("run", "--bundle", s.bundle(sh("exit "+strconv.Itoa(code))).dir, id).exits(code)
			s.run("state", id).fails(1, "container does not exist")
		})
	}
}

func TestRunExitCodeOfASignal(t *testing.T) {
	s := begin(t)
	id := s.id()
	c := s.cmd("run", "--bundle", s.bundle(sh("sleep 100")).dir, id)
	c.start()
	s.eventually("it runs", func() bool { return s.run("state", id).code == 0 && s.state(id).Status == "running" })
	s.run("kill", id, "KILL").ok()
	c.wait().exits(128 + 9)
	s.oracle()
}

// Without a pid namespace the program is not pid 1 and dies of ordinary signals.
func TestRunExitCodeOfItsOwnSignal(t *testing.T) {
	s := begin(t)
	b := s.bundle(withoutNamespace("pid"), sh("kill -TERM $$"))
	s.run("run", "--bundle", b.dir, s.id()).exits(128 + 15)
}

func TestRunOutputAndInput(t *testing.T) {
	s := begin(t)
	in, err := os.Open(s.write("in", strings.Repeat("0123456789abcde\n", 1<<16)))
	s.must(err)
	defer in.Close()
	c := s.cmd("run", "--bundle", s.bundle(sh("cat; echo to stderr >&2")).dir, s.id())
	c.stdin = in
	r := c.run().ok()
	equal(s, "bytes through the container", len(r.out), 1<<20)
	equal(s, "stderr", r.err, "to stderr\n")
}

func TestRunForwardsSignals(t *testing.T) {
	s := begin(t)
	b := s.bundle(sh("trap 'exit 42' USR1; echo up; while :; do sleep 0.02; done"))
	c := s.cmd("run", "--bundle", b.dir, s.id())
	c.start()
	s.eventually("the program is up", func() bool {
		data, _ := os.ReadFile(c.stdout.Name())
		return string(data) == "up\n"
	})
	s.must(c.exec.Process.Signal(syscall.SIGUSR1))
	c.wait().exits(42)
}

// SIGURG is how the Go runtime interrupts its own threads, and engines are written in
// Go.
func TestRunForwardsNoSignalsOfItsOwn(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 hands SIGURG on")
	b := s.bundle(sh("trap 'echo URG' URG; trap 'echo HUP; exit 7' HUP; echo up; while :; do sleep 0.02; done"))
	c := s.cmd("run", "--bundle", b.dir, s.id())
	c.start()
	s.eventually("the program is up", func() bool {
		data, _ := os.ReadFile(c.stdout.Name())
		return string(data) == "up\n"
	})
	for range 5 {
		s.must(c.exec.Process.Signal(syscall.SIGURG))
	}
	time.Sleep(100 * time.Millisecond) // which the program needs for a signal that came
	s.must(c.exec.Process.Signal(syscall.SIGHUP))
	equal(s, "signals", c.wait().exits(7).out, "up\nHUP\n")
}

func TestRunKeep(t *testing.T) {
	s := begin(t)
	id := s.id()
	s.run("run", "--keep", "--bundle", s.bundle(sh("exit 5")).dir, id).exits(5)
	s.status(id, "stopped")
	if len(s.cgroups()) == 0 {
		s.errorf("--keep did not keep the cgroup")
	}
	s.run("delete", id).ok()
	s.oracle()
}

func TestRunNoSubreaper(t *testing.T) {
	s := begin(t)
	s.run("run", "--no-subreaper", "--bundle", s.bundle(sh("exit 4")).dir, s.id()).exits(4)
}

func TestRunDetach(t *testing.T) {
	s := begin(t)
	pidFile := filepath.Join(s.dir, "pid")
	b := s.bundle(sh("echo up; sleep 100"))
	id := s.id()
	r := s.run("run", "--detach", "--pid-file", pidFile, "--bundle", b.dir, id).ok()
	r.waitFor("up\n")
	s.status(id, "running")
	equal(s, "pid file", s.read(pidFile), strconv.Itoa(s.state(id).Pid))
	s.run("delete", id).fails(1, "cannot delete container "+id+" that is not stopped: running")
	s.run("delete", "--force", id).ok()
	s.oracle()
}

func TestRunDetachEndsAtOnce(t *testing.T) {
	s := begin(t)
	id := s.id()
	s.run("run", "-d", "-b", s.bundle().dir, id).ok()
	s.becomes(id, "stopped")
	s.run("delete", id).ok()
}

// The program's own processes end with it, and nobody waits for them.
func TestRunEndsWithBackgroundProcesses(t *testing.T) {
	s := begin(t)
	b := s.bundle(sh("sleep 100 >/dev/null 2>&1 & exit 6"))
	s.run("run", "--bundle", b.dir, s.id()).exits(6)
	s.oracle()
}

func TestRunExecutable(t *testing.T) {
	cases := []struct{ name, path, message string }{
		{"not on PATH", "nope", `exec: "nope": executable file not found in $PATH`},
		{"absolute and missing", "/nope", `exec: "/nope": stat /nope: no such file or directory`},
		{"not executable", "/etc/passwd", `exec: "/etc/passwd": permission denied`},
		{"a directory", "/etc", `exec: "/etc": is a directory: permission denied`},
		{"empty", "", `exec: "": executable file not found in $PATH`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := begin(t)
			if c.path == "/etc" || c.path == "" {
				s.differs("runc", "1.1.5 has other words, or finds out at execve")
			}
			b := s.bundle(args(c.path))
			s.run("create", "--bundle", b.dir, s.id()).failsWith(1, c.message)
			s.run("run", "--bundle", b.dir, s.id()).failsWith(1, c.message)
			s.oracle()
		})
	}
}

func TestRunExecutableIsLookedUpInTheContainersPath(t *testing.T) {
	s := begin(t)
	b := s.bundle(args("tool"), func(c *specs.Spec) { c.Process.Env = []string{"PATH=/nowhere:/opt"} })
	b.file("opt/tool", "#!/bin/sh\necho $0\n")
	s.must(os.Chmod(b.path("opt/tool"), 0o755))
	equal(s, "what ran", b.payload(), "/opt/tool\n")
}

// A file without a #! line is not a program: execve says so, and shells are not asked.
// What is too long for the kernel is no reason for an error that nobody can read.
func TestRunLongArguments(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 says so on its own standard error only")
	r := s.run("run", "-b", s.bundle(args("true", strings.Repeat("x", 200000))).dir, s.id()).failsWith(1, "argument list too long")
	if len(r.err) > 3000 {
		s.errorf("an error of %d bytes", len(r.err))
	}
}

func TestRunExecFormatError(t *testing.T) {
	s := begin(t)
	s.differs("runc", "its init reports this on the container's stderr, not in the log")
	b := s.bundle(args("/odd"))
	b.file("odd", "neither ELF nor script")
	s.must(os.Chmod(b.path("odd"), 0o755))
	s.run("run", "--bundle", b.dir, s.id()).failsWith(1, "exec format error")
}

func TestStartReportsExecFormatError(t *testing.T) {
	s := begin(t)
	s.differs("runc", "start returns before execve, so it cannot tell")
	b := s.bundle(args("/odd"))
	b.file("odd", "neither ELF nor script")
	s.must(os.Chmod(b.path("odd"), 0o755))
	id := s.create(b)
	s.run("start", id).failsWith(1, "exec format error")
	s.becomes(id, "stopped")
}
