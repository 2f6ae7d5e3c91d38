package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func TestExecLeavesNoFiles(t *testing.T) {
	s := begin(t)
	_, id, _ := s.sleeping()
	before := strings.Join(s.stateFiles(id), " ")
	s.exec(id, nil, "true").ok()
	s.exec(id, flags("--cwd", "/nope"), "true").failsWith(255, `chdir to cwd ("/nope") set in config.json`)
	s.into(id)
	equal(s, "files of the state directory", strings.Join(s.stateFiles(id), " "), before)
}

// What fails after the program has begun ends it.
func TestExecPidFileFails(t *testing.T) {
	s := begin(t)
	_, id, _ := s.sleeping()
	s.exec(id, flags("--detach", "--pid-file", "/nonexistent/pid"), "sleep", "100").failsWith(255, "/nonexistent/.pid")
	s.processCount(id, 1)
}

// processCount checks how many processes a container has.
func (s *scenario) processCount(id string, n int) {
	s.t.Helper()
	if pids := decode[[]int](s, s.run("ps", "--format", "json", id).ok().out); len(pids) != n {
		s.errorf("processes of the container: %v, want %d", pids, n)
	}
}

func TestExecPidfdSocket(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 does not have the option")
	_, id, _ := s.sleeping()
	socket := s.consoleSocket()
	done := make(chan string, 1)
	go func() { done <- socket.message() }()
	s.exec(id, flags("--detach", "--pidfd-socket", socket.path), "sleep", "100").ok()
	equal(s, "message", <-done, "setns anon_inode:[pidfd]")
	s.exec(id, flags("--detach", "--pidfd-socket", "/nonexistent/socket"), "sleep", "100").failsWith(255, "no such file or directory")
	s.processCount(id, 2)
}

func TestExecTerminalMisuse(t *testing.T) {
	s := begin(t)
	_, id, _ := s.sleeping()
	socket := filepath.Join(s.dir, "none.sock")
	s.exec(id, flags("--tty", "--detach"), "true").failsWith(255, "will detach without setting console socket")
	s.exec(id, flags("--detach", "--console-socket", socket), "true").failsWith(255, "cannot use console socket")
	s.exec(id, flags("--tty", "--console-socket", socket), "true").failsWith(255, "cannot use console socket")
	s.exec(id, flags("--tty", "--detach", "--console-socket", socket), "sleep", "100").failsWith(255, "no such file or directory")
	s.processCount(id, 1)
}

// Old versions of conmon give --tty besides a file that says what it wants.
func TestExecProcessFileDecides(t *testing.T) {
	s := begin(t)
	_, id, _ := s.sleeping()
	out := filepath.Join(s.dir, "out")
	s.must(os.WriteFile(out, nil, 0o666))
	file := s.write("process.json", `{"terminal": false, "cwd": "/", "args": ["sh", "-c", "test -t 0 || echo none"], "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0}}`)
	r := s.run("exec", "--process", file, "-d", "--tty", id).ok()
	r.waitFor("none\n")

	wrong := s.write("wrong.json", `{"cwd": "x", "args": ["true"], "user": {"uid": 0, "gid": 0}}`)
	s.run("exec", "--process", wrong, id).failsWith(255, "Cwd must be an absolute path")
	empty := s.write("empty.json", `{"cwd": "/", "user": {"uid": 0, "gid": 0}}`)
	s.run("exec", "--process", empty, id).failsWith(255, "args")
}

func TestExecSignals(t *testing.T) {
	s := begin(t)
	_, id, _ := s.sleeping()
	c := s.cmd("exec", id, "sh", "-c", "trap 'echo usr1' USR1; echo up; while :; do sleep 0.02; done")
	c.start()
	ready := result{s: s, files: [2]string{c.stdout.Name()}}
	ready.waitFor("up\n")
	s.must(c.exec.Process.Signal(syscall.SIGUSR1))
	ready.waitFor("usr1\n")
	s.must(c.exec.Process.Signal(syscall.SIGTERM))
	c.wait().exits(143)
}

func TestN28ExecAffinity(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("there is one CPU only")
	}
	s := begin(t)
	s.differs("runc", "1.1.5 knows no affinity")
	_, id, _ := s.sleeping()
	all := s.exec(id, nil, "nproc").ok().out
	equal(s, "from a runtime on one CPU", s.cmd("exec", id, "nproc").through("taskset", "-c", "0").ok().out, all)
	cpus := func(affinity string) string {
		file := s.write("process.json", `{"cwd": "/", "args": ["grep", "Cpus_allowed_list", "/proc/self/status"], "env": ["PATH=/bin"],
			"user": {"uid": 0, "gid": 0}, "execCPUAffinity": `+affinity+`}`)
		r := s.run("exec", "-p", file, id)
		if r.code != 0 {
			return r.message()
		}
		return strings.Fields(r.out)[1]
	}
	equal(s, "final", cpus(`{"final": "1"}`), "1")
	equal(s, "initial alone", cpus(`{"initial": "0"}`), "0")
	equal(s, "both", cpus(`{"initial": "0", "final": "0-1"}`), "0-1")
	s.contains("no such CPU", cpus(`{"final": "4000"}`), "invalid argument")
	s.contains("no list", cpus(`{"initial": "3-1"}`), "/execCPUAffinity/initial: bad CPUAffinity.Initial: invalid range: 3-1")
}

// HOME is looked up in what the container has by now, and whatever that is.
func TestExecHome(t *testing.T) {
	s := begin(t)
	b, id, _ := s.sleeping()
	b.file("etc/passwd", "root:x:0:0::/changed:/bin/sh\n")
	equal(s, "changed", s.exec(id, nil, "sh", "-c", "echo $HOME").ok().out, "/changed\n")
	equal(s, "nobody", s.exec(id, flags("--user", "77"), "sh", "-c", "echo $HOME").ok().out, "/\n")
	s.differs("runc", "1.1.5 hangs or fails on a passwd file that is none")
	rm(s, b.path("etc/passwd"))
	s.must(syscall.Mkfifo(b.path("etc/passwd"), 0o644))
	equal(s, "a FIFO", s.exec(id, nil, "sh", "-c", "echo $HOME").ok().out, "/\n")
	rm(s, b.path("etc/passwd"))
	s.must(os.Symlink("/proc/1/root/etc/passwd", b.path("etc/passwd")))
	s.exec(id, nil, "sh", "-c", "echo $HOME").ok()
	rm(s, b.path("etc/passwd"))
	s.must(os.Symlink("/../../../../../../../etc/hostname", b.path("etc/passwd")))
	equal(s, "a link to the host", s.exec(id, nil, "sh", "-c", "echo $HOME").ok().out, "/\n")
}

// The null device that a process gets is the container's: through the host's it
// could change the mode of that.
func TestExecNullDevice(t *testing.T) {
	s := begin(t)
	s.differs("runc", "hands the host's null device on")
	_, id, _ := s.sleeping(capabilities("CAP_FOWNER"))
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	s.must(err)
	defer null.Close()
	c := s.cmd("exec", id, "sh", "-c", "test /proc/self/fd/0 -ef /dev/null && echo own")
	c.stdin = null
	equal(s, "output", c.run().ok().out, "own\n")
}

func TestExecSharedPidNamespace(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 does not always wait for the last process, whose cgroup stays")
	_, id, _ := s.sleeping(withoutNamespace(specs.PIDNamespace))
	equal(s, "exit code and output", s.exec(id, nil, "sh", "-c", "readlink /proc/self/ns/pid; exit 3").exits(3).out, ours(s, specs.PIDNamespace)+"\n")
	pid := s.into(id)
	s.run("delete", "--force", id).ok()
	equal(s, "ends with the container", gone(pid), true)
}

func TestExecUserNamespace(t *testing.T) {
	s := begin(t)
	s.traversable()
	b := s.bundle(sh("echo up; sleep 100"))
	b.userNamespace()
	id, pid := b.detached()
	script := "id -u; cat /proc/self/uid_map; readlink /proc/self/ns/user; echo >/proc/self/fd/1"
	out := strings.Fields(s.exec(id, nil, "sh", "-c", script).ok().out)
	link, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/user", pid))
	s.must(err)
	equal(s, "root", strings.Join(out, " "), fmt.Sprintf("0 0 %d 65536 %s", firstID, link))
	inside := s.into(id, "--user", "1000:1000")
	s.contains("a user on the host", s.read(fmt.Sprintf("/proc/%d/status", inside)), fmt.Sprintf("Uid:\t%d", firstID+1000))
	s.differs("runc", "1.1.5 has other words")
	s.exec(id, flags("--user", "70000"), "true").failsWith(255, "invalid argument; the id maps of the container")
	s.processCount(id, 2)
}

// The container's first process may end at any moment of an exec: nobody else is
// joined then, nothing hangs, and nothing stays.
func TestExecIntoTheEnd(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 has other words at some moments")
	for n := range 12 {
		_, id, pid := s.sleeping()
		c := s.cmd("exec", id, "sleep", "0.05")
		c.start()
		time.Sleep(time.Duration(n) * 400 * time.Microsecond)
		s.must(syscall.Kill(pid, syscall.SIGKILL))
		switch r := c.wait(); {
		case r.code == 0, r.code == 137:
		case r.code == 255 && strings.Contains(r.message(), "exec failed: "):
		default:
			s.errorf("exit %d: %s", r.code, r.err)
		}
		s.run("delete", "--force", id).ok()
	}
}

// lookAround is what a hostile first process does: it looks through the /proc of
// every process that turns up for a way out (CVE-2016-9962, CVE-2024-21626).
const lookAround = `echo up; while :; do for p in /proc/[0-9]*; do
	[ $p != /proc/1 ] && [ -e $p/root/bin/busybox ] && echo SEEN $p
	for way in cwd root; do [ -e $p/$way/CANARY ] && echo LEAK $p $way; done
	for fd in 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do [ -e $p/fd/$fd/CANARY ] && echo LEAK $p $fd; done
done; done`

func TestExecIsNotLookedInto(t *testing.T) {
	s := begin(t)
	canary := filepath.Join(s.dir, "canary")
	s.must(os.MkdirAll(canary, 0o755))
	s.must(os.WriteFile(canary+"/CANARY", nil, 0o644))
	b := s.bundle(capabilities("CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH"), sh(lookAround))
	id := s.id()
	first := s.run("run", "--detach", "--bundle", b.dir, id).ok()
	first.waitFor("up\n")
	for range 40 {
		c := s.cmd("exec", id, "usleep", "2000")
		c.dir = canary
		for range 6 {
			f, err := os.Open(canary)
			s.must(err)
			defer f.Close()
			c.files = append(c.files, f)
		}
		c.run().ok()
	}
	out, err := os.ReadFile(first.files[0])
	s.must(err)
	s.lacks("the first process found", string(out), "LEAK")
	s.contains("the first process looked at", string(out), "SEEN")
}
