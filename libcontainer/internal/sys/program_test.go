package sys

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// ways are the two that a program can be started in.
var ways = map[string]func(*Program) (int, int, error){
	"vfork":    (*Program).vfork,
	"forkExec": (*Program).forkExec,
}

func eachWay(t *testing.T, test func(t *testing.T, start func(*Program) (int, int, error))) {
	for name, start := range ways {
		t.Run(name, func(t *testing.T) {
			if name == "vfork" && runtime.GOARCH != "amd64" {
				t.Skip("there is none for this architecture")
			}
			test(t, start)
		})
	}
}

func open(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// output starts a shell with more files behind its standard streams.
func output(t *testing.T, start func(*Program) (int, int, error), script string, more ...int) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := &Program{
		Exe: int(open(t, "/bin/sh").Fd()), Argv: []string{"sh", "-c", script},
		Files: append([]int{0, int(w.Fd()), 2}, more...), Cgroup: -1,
	}
	pid, pidfd, err := start(p)
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pidfd)
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if found, err := unix.PidfdOpen(pid, 0); err != nil {
		t.Errorf("process %d: %v", pid, err)
	} else {
		unix.Close(found)
	}
	if status, err := Reap(pid); err != nil || status != (Exit{}) {
		t.Errorf("status %v, %v", status, err)
	}
	return strings.TrimSpace(string(text))
}

func TestProgramFiles(t *testing.T) {
	eachWay(t, func(t *testing.T, start func(*Program) (int, int, error)) {
		null, zero := int(open(t, "/dev/null").Fd()), int(open(t, "/dev/zero").Fd())
		high, err := unix.FcntlInt(uintptr(null), unix.F_DUPFD_CLOEXEC, 500)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(high)
		for _, c := range []struct {
			more []int
			want string
		}{
			{nil, "closed closed closed closed"},
			{[]int{null, zero}, "/dev/null /dev/zero closed closed"},
			{[]int{high, -1, zero}, "/dev/null closed /dev/zero closed"},
			{[]int{zero, zero, zero, null}, "/dev/zero /dev/zero /dev/zero /dev/null"},
		} {
			const script = `for i in 3 4 5 6; do readlink /proc/$$/fd/$i || echo closed; done`
			if got := strings.Join(strings.Fields(output(t, start, script, c.more...)), " "); got != c.want {
				t.Errorf("%v: %s, not %s", c.more, got, c.want)
			}
		}
	})
}

func TestProgramSignals(t *testing.T) {
	eachWay(t, func(t *testing.T, start func(*Program) (int, int, error)) {
		signal.Ignore(syscall.SIGHUP)
		defer signal.Reset(syscall.SIGHUP)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		var set, old unix.Sigset_t
		set.Val[0] = 1 << (unix.SIGUSR2 - 1)
		if err := unix.PthreadSigmask(unix.SIG_SETMASK, &set, &old); err != nil {
			t.Fatal(err)
		}
		defer unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
		text := output(t, start, `exec cat /proc/self/status`)
		for _, want := range []string{"SigBlk:\t0000000000000800", "SigCgt:\t0000000000000000"} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
		_, ignored, _ := strings.Cut(text, "SigIgn:\t")
		ignored, _, _ = strings.Cut(ignored, "\n")
		if mask, err := strconv.ParseUint(ignored, 16, 64); err != nil || mask&1 == 0 {
			t.Errorf("SIGHUP is not ignored: %s", ignored)
		}
		var now unix.Sigset_t
		if err := unix.PthreadSigmask(unix.SIG_SETMASK, nil, &now); err != nil || now != set {
			t.Errorf("the thread blocks %x, %v", now.Val[0], err)
		}
	})
}

// startsShell makes the test binary a program that starts another, and asks it for something.
const startsShell = "OCIRUN_TEST_STARTS_SHELL"

func init() {
	way, what, ok := strings.Cut(os.Getenv(startsShell), " ")
	if !ok {
		return
	}
	if err := startShell(ways[way], what); err != nil {
		os.Stdout.WriteString(err.Error() + "\n")
	}
	os.Exit(0)
}

func startShell(start func(*Program) (int, int, error), what string) error {
	p := &Program{Exe: 6, Files: []int{0, 1, 2}, Cgroup: -1}
	script := "ulimit -Sn; ulimit -Hn; env"
	if what == "files" {
		p.Files = append(p.Files, 5, 4, 3, 5)
		script = "for i in 3 4 5 6; do readlink /proc/$$/fd/$i; done"
	}
	p.Argv = []string{"sh", "-c", script}
	for i, path := range []string{"/dev/null", "/dev/zero", "/dev/full", "/bin/sh"} {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil && fd != 3+i {
			err = unix.Dup3(fd, 3+i, unix.O_CLOEXEC)
		}
		if err != nil {
			return err
		}
	}
	pid, _, err := start(p)
	if err == nil {
		_, err = Reap(pid)
	}
	return err
}

func startedShell(t *testing.T, what string, want ...string) {
	t.Helper()
	for way := range ways {
		if way == "vfork" && runtime.GOARCH != "amd64" {
			continue
		}
		c := exec.Command("/bin/sh", "-c", `ulimit -Sn 777; ulimit -Hn 4000; exec "$0"`, os.Args[0])
		c.Env = append(os.Environ(), startsShell+"="+way+" "+what)
		out, err := c.Output()
		fields := strings.Fields(string(out))
		if err != nil || len(fields) < len(want) || !slices.Equal(fields[:len(want)], want) {
			t.Errorf("%s: %q, %v", way, out, err)
		}
		if strings.Contains(string(out), startsShell) {
			t.Errorf("%s: an environment: %s", way, out)
		}
	}
}

// The Go runtime raises the limit for itself only.
func TestProgramLimit(t *testing.T) { startedShell(t, "limit", "777", "4000") }

// A file may have the number of another one's target, and the program any of them.
func TestProgramFilesInTheWay(t *testing.T) {
	startedShell(t, "files", "/dev/full", "/dev/zero", "/dev/null", "/dev/full")
}

func TestProgramErrors(t *testing.T) {
	eachWay(t, func(t *testing.T, start func(*Program) (int, int, error)) {
		before := countFiles(t)
		for path, want := range map[string]error{"/etc/passwd": unix.EACCES, "/": unix.EACCES} {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = start(&Program{Exe: int(f.Fd()), Argv: []string{"x"}, Files: []int{0, 1, 2}, Cgroup: -1})
			if !errors.Is(err, want) {
				t.Errorf("%s: %v, not %v", path, err, want)
			}
			f.Close()
		}
		if _, _, err := start(&Program{Exe: 0, Argv: []string{"x\x00y"}, Cgroup: -1}); !errors.Is(err, unix.EINVAL) {
			t.Errorf("a NUL byte: %v", err)
		}
		if _, _, err := start(&Program{Exe: int(open(t, "/bin/sh").Fd()), Argv: []string{"x"}, Cgroup: 1 << 20}); err == nil {
			t.Error("no error for a cgroup that is none")
		}
		if _, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err != unix.ECHILD {
			t.Errorf("a child is left: %v", err)
		}
		if after := countFiles(t); after > before+1 {
			t.Errorf("%d files open, before %d", after, before)
		}
	})
}

func countFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
