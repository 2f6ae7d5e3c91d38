package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// sleeping is a running container to go into.
func (s *scenario) sleeping(edits ...edit) (b *bundle, id string, pid int) {
	s.t.Helper()
	b = s.bundle(append(edits, sh("echo up; sleep 100"))...)
	id, pid = b.detached()
	return b, id, pid
}

// exec runs a command in a container, with flags before the id.
func (s *scenario) exec(id string, flags []string, argv ...string) result {
	s.t.Helper()
	return s.run(append(append(append([]string{"exec"}, flags...), id), argv...)...)
}

func flags(words ...string) []string { return words }

func TestExecExitCode(t *testing.T) {
	s := begin(t)
	_, id, _ := s.sleeping()
	for _, code := range []int{0, 3, 126, 255} {
		s.exec(id, nil, "sh", "-c", "exit "+itoa(code)).exits(code)
	}
	s.exec(id, nil, "sh", "-c", "kill -KILL $$").exits(137)
	s.exec(id, nil, "sh", "-c", "kill -TERM $$").exits(143)
}

func TestExecOutputAndInput(t *testing.T) {
	s := begin(t)
	_, id, _ := s.sleeping()
	in, err := os.Open(s.write("in", strings.Repeat("0123456789abcde\n", 1<<14)))
	s.must(err)
	defer in.Close()
	c := s.cmd("exec", id, "sh", "-c", "cat; echo error >&2")
	c.stdin = in
	r := c.run().ok()
	equal(s, "bytes", len(r.out), 1<<18)
	equal(s, "stderr", r.err, "error\n")
}

func TestExecErrors(t *testing.T) {
	s := begin(t)
	_, id, pid := s.sleeping()
	s.exec("nobody", nil, "true").fails(255, "exec failed: container does not exist")
	s.exec(id, nil, "nope").failsWith(255, `exec: "nope": executable file not found in $PATH`)
	s.exec(id, nil, "/nope").failsWith(255, "no such file or directory")
	s.exec(id, nil, "/etc/passwd").failsWith(255, "permission denied")
	s.run("exec").exits(1)
	s.exec(id, flags("--cwd", "tmp"), "true").failsWith(255, "Cwd must be an absolute path")
	s.freeze(pid, true)
	s.becomes(id, "paused")
	s.exec(id, nil, "true").fails(255, "exec failed: cannot exec in a paused container (use --ignore-paused to override)")
	s.freeze(pid, false)
	s.run("kill", id, "KILL").ok()
	s.becomes(id, "stopped")
	s.exec(id, nil, "true").failsWith(255, "cannot exec in a stopped container")
}

func TestExecBadUser(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 has other words")
	_, id, _ := s.sleeping()
	for _, user := range []string{"x", "-1", "4294967296", "1x", ""} {
		s.exec(id, flags("--user", user), "true").failsWith(255, "bad uid")
	}
	for _, user := range []string{"0:x", "0:-1", "0:", "0:1:2"} {
		s.exec(id, flags("--user", user), "true").failsWith(255, "bad gid")
	}
}

func TestExecWithoutCommand(t *testing.T) {
	s := begin(t)
	_, id, _ := s.sleeping()
	s.exec(id, nil).failsWith(255, "args")
}

// Everything after the id is the command's, also what looks like an option.
func TestExecOptionsEndAtTheID(t *testing.T) {
	s := begin(t)
	_, id, _ := s.sleeping()
	equal(s, "output", s.exec(id, nil, "echo", "--tty", "-e", "x").ok().out, "--tty -e x\n")
}

func TestExecDoubleDash(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 takes it as the command")
	_, id, _ := s.sleeping()
	equal(s, "after --", s.exec(id, nil, "--", "echo", "x").ok().out, "x\n")
}

func TestExecInCreated(t *testing.T) {
	s := begin(t)
	id := s.create(s.bundle())
	equal(s, "output", s.exec(id, nil, "echo", "in").ok().out, "in\n")
	s.status(id, "created")
}

func TestExecIsInsideTheContainer(t *testing.T) {
	s := begin(t)
	_, id, pid := s.sleeping()
	for kind, file := range nsFiles {
		if kind == "time" {
			continue // no namespace of its own in the default configuration
		}
		want, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, file))
		s.must(err)
		equal(s, string(kind)+" namespace", strings.TrimSpace(s.exec(id, nil, "readlink", "/proc/self/ns/"+file).ok().out), want)
	}
	equal(s, "hostname", s.exec(id, nil, "hostname").out, "testhost\n")
	s.contains("read-only root", s.exec(id, nil, "touch", "/x").err, "Read-only file system")

	pidFile := filepath.Join(s.dir, "exec.pid")
	s.exec(id, flags("--detach", "--pid-file", pidFile), "sleep", "100").ok()
	execPid, err := strconv.Atoi(s.read(pidFile))
	s.must(err)
	equal(s, "cgroup", s.cgroupOf(execPid, "freezer"), s.cgroupOf(pid, "freezer"))
	s.run("delete", "--force", id).ok()
	equal(s, "ends with the container", gone(execPid), true)
}

func TestExecProcess(t *testing.T) {
	s := begin(t)
	_, id, _ := s.sleeping(env("A=config"), rlimit("RLIMIT_FSIZE", 12345, 12345), func(c *specs.Spec) { c.Process.Cwd = "/usr" })
	cases := []struct {
		name  string
		flags []string
		argv  []string
		want  string
	}{
		{"cwd of the configuration", nil, []string{"pwd"}, "/usr"},
		{"cwd", flags("--cwd", "/etc"), []string{"pwd"}, "/etc"},
		{"environment of the configuration", nil, []string{"sh", "-c", "echo $A $HOME"}, "config /root"},
		{"environment added", flags("-e", "B=1", "-e", "C=2 3"), []string{"sh", "-c", "echo $A $B $C"}, "config 1 2 3"},
		{"environment replaced", flags("--env", "A=flag"), []string{"sh", "-c", "echo $A"}, "flag"},
		{"user", flags("--user", "1000:1001"), []string{"sh", "-c", "id -u; id -g; echo $HOME"}, "1000 1001 /home/alice"},
		{"user without group", flags("-u", "1000"), []string{"sh", "-c", "id -u; id -g"}, "1000 0"},
		{"groups", flags("--user", "1000:1001", "-g", "5", "-g", "7"), []string{"grep", "Groups", "/proc/self/status"}, "Groups: 5 7"},
		{"umask", nil, []string{"sh", "-c", "umask"}, "0022"},
		{"no terminal", nil, []string{"sh", "-c", "test -t 0 || echo none"}, "none"},
	}
	for _, c := range cases {
		r := s.exec(id, c.flags, c.argv...).ok()
		equal(s, c.name, strings.Join(strings.Fields(r.out), " "), c.want)
	}
	s.contains("rlimits", s.exec(id, nil, "grep", "file size", "/proc/self/limits").ok().out, "12345")
}

// Capabilities from --cap must not become inheritable or ambient (CVE-2022-29162, CVE-2025-27612).
func TestExecCapabilities(t *testing.T) {
	s := begin(t)
	_, id, _ := s.sleeping(func(c *specs.Spec) { c.Process.NoNewPrivileges = false })
	sets := func(flags ...string) string {
		return strings.Join(strings.Fields(s.exec(id, flags, "grep", "^Cap", "/proc/self/status").ok().out), " ")
	}
	const zero = "0000000000000000"
	equal(s, "of the configuration", sets(),
		"CapInh: "+zero+" CapPrm: 0000000020000420 CapEff: 0000000020000420 CapBnd: 0000000020000420 CapAmb: "+zero)
	equal(s, "with --cap", sets("--cap", "CAP_NET_RAW"),
		"CapInh: "+zero+" CapPrm: 0000000020002420 CapEff: 0000000020002420 CapBnd: 0000000020002420 CapAmb: "+zero)
}

func TestExecNoNewPrivileges(t *testing.T) {
	s := begin(t)
	_, id, _ := s.sleeping(func(c *specs.Spec) { c.Process.NoNewPrivileges = false })
	nnp := func(flags ...string) string {
		return s.exec(id, flags, "grep", "NoNewPrivs", "/proc/self/status").ok().out
	}
	equal(s, "of the configuration", nnp(), "NoNewPrivs:\t0\n")
	equal(s, "with --no-new-privs", nnp("--no-new-privs"), "NoNewPrivs:\t1\n")
}

func TestExecSeccomp(t *testing.T) {
	s := begin(t)
	_, id, _ := s.sleeping(writable, filter(specs.ActAllow, rule(specs.ActErrno, "mkdir", "mkdirat")))
	r := s.exec(id, nil, "mkdir", "/tmp/x").exits(1)
	s.contains("stderr", r.err, "Operation not permitted")
}

func TestExecProcessFile(t *testing.T) {
	s := begin(t)
	_, id, _ := s.sleeping()
	file := s.write("process.json", `{"terminal": false, "cwd": "/etc", "args": ["sh", "-c", "pwd; id -u; echo $X"], "env": ["PATH=/bin", "X=y"], "user": {"uid": 1000, "gid": 1000}}`)
	for _, form := range [][]string{{"--process", file}, {"-p", file}} {
		r := s.run(append(append([]string{"exec"}, form...), id)...).ok()
		equal(s, "output", r.out, "/etc\n1000\ny\n")
	}
	s.run("exec", "--process", file+".missing", id).failsWith(255, "no such file or directory")
	s.run("exec", "--process", s.write("bad.json", "{"), id).failsWith(255, "EOF")
}

// Later edits of the bundle must not change what is run (runtime-spec, "Lifecycle").
func TestExecDoesNotReadTheBundleAgain(t *testing.T) {
	s := begin(t)
	s.differs("runc", "reads config.json again")
	b, id, _ := s.sleeping(env("A=first"))
	b.edit(env("A=second"))
	equal(s, "environment", s.exec(id, nil, "sh", "-c", "echo $A").ok().out, "first\n")
	rm(s, filepath.Join(b.dir, "config.json"))
	equal(s, "without the file", s.exec(id, nil, "sh", "-c", "echo $A").ok().out, "first\n")
}

func TestExecFDs(t *testing.T) {
	s := begin(t)
	_, id, _ := s.sleeping()
	c := s.cmd("exec", id, "ls", "/proc/self/fd")
	for range 20 {
		f, err := os.Open("/")
		s.must(err)
		defer f.Close()
		c.files = append(c.files, f)
	}
	equal(s, "descriptors", strings.Join(strings.Fields(c.run().ok().out), " "), "0 1 2 3")

	c = s.cmd("exec", "--preserve-fds", "1", id, "sh", "-c", "cat <&3")
	f, err := os.Open(s.write("kept", "kept\n"))
	s.must(err)
	defer f.Close()
	c.files = []*os.File{f}
	equal(s, "preserved", c.run().ok().out, "kept\n")
}

// A working directory by way of a descriptor leads out of the container (CVE-2024-21626).
func TestExecHostileCwd(t *testing.T) {
	s := begin(t)
	_, id, _ := s.sleeping()
	for n := range 12 {
		r := s.exec(id, flags("--cwd", fmt.Sprintf("/proc/self/fd/%d", n+3)), "pwd")
		r.exits(255)
		equal(s, "output", r.out, "")
	}
}

func TestExecTerminal(t *testing.T) {
	s := begin(t)
	_, id, _ := s.sleeping()
	term, slave := s.openPty(31, 91)
	c := s.cmd("exec", "--tty", id, "sh", "-c", "test -t 0 && tty; sleep 0.2; echo size $(stty size); read line; echo \"got <$line>\"; exit 3")
	c.onTerminal(slave)
	term.expect("/dev/pts/0\r\n")
	term.expect("size 31 91\r\n")
	term.send("hello\r")
	term.expect("got <hello>")
	c.wait().exits(3)
}

// TestExecTerminalFollows: the size of the caller's terminal is that of the container's, and
// its settings are as before in the end, also when the program is killed.
func TestExecTerminalFollows(t *testing.T) {
	s := begin(t)
	_, id, _ := s.sleeping()
	term, slave := s.openPty(10, 20)
	fd := int(term.master.Fd())
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	s.must(err)
	c := s.cmd("exec", "--tty", id, "sh", "-c", "trap 'echo size $(stty size)' WINCH; trap 'echo usr1' USR1; echo up; while :; do sleep 0.02; done")
	c.onTerminal(slave)
	term.expect("up")
	s.must(unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 33, Col: 77}))
	s.must(unix.SetNonblock(fd, true))
	s.must(c.exec.Process.Signal(syscall.SIGWINCH))
	term.expect("size 33 77")
	s.must(c.exec.Process.Signal(syscall.SIGUSR1))
	term.expect("usr1")
	during, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	s.must(err)
	equal(s, "processed input", during.Lflag&(unix.ICANON|unix.ISIG|unix.ECHO), 0)
	term.send("\x03") // to the container's terminal, not to the command
	c.wait().exits(130)
	after, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	s.must(err)
	equal(s, "terminal settings", *after, *before)
}

// TestExecStaysSmall: what stays for a session holds next to nothing, of memory and of files.
func TestExecStaysSmall(t *testing.T) {
	s := begin(t)
	s.differs("runc", "a Go runtime stays")
	s.differs("crun", "all of it stays")
	_, id, _ := s.sleeping()
	c := s.cmd("exec", id, "sh", "-c", "echo up; exec sleep 100")
	c.start()
	ready := result{s: s, files: [2]string{c.stdout.Name()}}
	ready.waitFor("up\n")
	proc := fmt.Sprintf("/proc/%d/", c.exec.Process.Pid)
	s.within(5*time.Second, "it is small", func() bool {
		rollup, err := os.ReadFile(proc + "smaps_rollup")
		s.must(err)
		fds, err := os.ReadDir(proc + "fd")
		s.must(err)
		_, rss, _ := strings.Cut(string(rollup), "\nRss:")
		kb, err := strconv.Atoi(strings.Fields(rss + " ?")[0])
		// Its own streams, its ends of those for output and errors, the signals, the program.
		return err == nil && kb <= 64 && len(fds) == 7
	})
	s.must(c.exec.Process.Signal(syscall.SIGTERM))
	c.wait().exits(143)
}

func TestExecConsoleSocket(t *testing.T) {
	s := begin(t)
	_, id, _ := s.sleeping()
	socket := s.consoleSocket()
	s.exec(id, flags("--tty", "--detach", "--console-socket", socket.path), "sh", "-c", "tty; read line; echo \"got <$line>\"; sleep 100").ok()
	term := socket.receive()
	term.expect("/dev/pts/0")
	term.send("over the socket\n")
	term.expect("got <over the socket>")
}

// The process that is killed with its runtime in the middle must not stay in the caller's cgroup.
func TestCrashOfExec(t *testing.T) {
	var id string
	sweep(t, killSteps(t)/2+1, createTime(t)*6/5, func(s *scenario) *command {
		if id == "" {
			_, id, _ = s.sleeping()
		}
		return s.cmd("exec", "--detach", id, "sleep", "100")
	}, func(s *scenario) {
		s.run("delete", "--force", id).ok()
		id = ""
	})
}
