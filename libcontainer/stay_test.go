package libcontainer

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// stay is a script with somebody who stays with it.
type stay struct {
	// pid is the process to send signals to, ready waits until it hands them on to the script.
	pid    int
	ready  func()
	status func() int
}

// stays are those who do: the runtime, and the relay that it becomes. They are to be alike.
var stays = map[string]func(t *testing.T, script string, files [3]*os.File, early ...unix.Signal) stay{
	"runtime": func(t *testing.T, script string, files [3]*os.File, early ...unix.Signal) stay {
		f := newTestForeground(t, files)
		f.early = early
		s := serve(t, f, script, &syscall.SysProcAttr{Setsid: true})
		return stay{os.Getpid(), func() {}, func() int { return s.status(t) }}
	},
	"relay": func(t *testing.T, script string, files [3]*os.File, early ...unix.Signal) stay {
		var env []string
		for _, sig := range early {
			env = append(env, relaysEarly+"="+strconv.Itoa(int(sig)))
		}
		c := startRelayed(t, script, files, env...)
		return stay{c.Process.Pid, func() { isRelay(t, c) }, func() int { return exitStatus(t, c) }}
	},
}

// forStays runs a test with each of them.
func forStays(t *testing.T, test func(t *testing.T, start func(script string, files [3]*os.File, early ...unix.Signal) stay)) {
	for name, start := range stays {
		t.Run(name, func(t *testing.T) {
			test(t, func(script string, files [3]*os.File, early ...unix.Signal) stay {
				return start(t, script, files, early...)
			})
		})
	}
}

type starter = func(script string, files [3]*os.File, early ...unix.Signal) stay

func TestForegroundCopies(t *testing.T) {
	const script = `echo to stderr >&2; i=0; while [ $i -lt 40 ]; do head -c 100000 /dev/zero | tr '\0' x; i=$((i+1)); done; exit 5`
	forStays(t, func(t *testing.T, start starter) {
		for name, out := range map[string]destination{
			"pipe": pipeDestination(t, 0), "slow pipe": pipeDestination(t, time.Millisecond), "socket": socketDestination(t),
			"file": fileDestination(t, 0), "appended file": fileDestination(t, os.O_APPEND),
		} {
			errs := fileDestination(t, 0)
			if status := start(script, [3]*os.File{nullFile(t), out.file, errs.file}).status(); status != 5 {
				t.Errorf("%s: status %d", name, status)
			}
			out.close()
			if text := out.text(); len(text) != 4_000_000 || strings.Trim(text, "x") != "" {
				t.Errorf("%s: %d bytes arrived", name, len(text))
			}
			if text := errs.text(); text != "to stderr\n" {
				t.Errorf("%s: stderr %q", name, text)
			}
		}
	})
}

func TestForegroundInput(t *testing.T) {
	big := bytes.Repeat([]byte("0123456789abcdef"), 100_000)
	file := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(file, big, 0o600); err != nil {
		t.Fatal(err)
	}
	forStays(t, func(t *testing.T, start starter) {
		fromFile, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer fromFile.Close()
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		go func() { w.Write(big); w.Close() }()
		for name, in := range map[string]*os.File{"file": fromFile, "pipe": r} {
			out := fileDestination(t, 0)
			// cat ends only if the end of the input is passed on.
			if status := start("cat", [3]*os.File{in, out.file, nullFile(t)}).status(); status != 0 {
				t.Errorf("%s: status %d", name, status)
			}
			if text := out.text(); text != string(big) {
				t.Errorf("%s: %d of %d bytes arrived", name, len(text), len(big))
			}
		}
	})
}

func TestForegroundDoesNotWaitForInput(t *testing.T) {
	forStays(t, func(t *testing.T, start starter) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		defer w.Close()
		null := nullFile(t)
		if status := start("exit 3", [3]*os.File{r, null, null}).status(); status != 3 {
			t.Errorf("status %d", status)
		}
	})
}

func TestForegroundBrokenOutput(t *testing.T) {
	forStays(t, func(t *testing.T, start starter) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		r.Close()
		null := nullFile(t)
		if status := start("exec yes", [3]*os.File{null, w, null}).status(); status != 128+int(unix.SIGPIPE) {
			t.Errorf("status %d", status)
		}
	})
}

func TestForegroundSignals(t *testing.T) {
	forStays(t, func(t *testing.T, start starter) {
		null := nullFile(t)
		for _, c := range []struct {
			name, script string
			sig          unix.Signal
			want         int
		}{
			{"trapped", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done", unix.SIGTERM, 7},
			{"deadly", "echo ready; exec sleep 60", unix.SIGUSR1, 128 + int(unix.SIGUSR1)},
			{"interrupt", "echo ready; exec sleep 60", unix.SIGINT, 130},
			{"realtime", "echo ready; exec sleep 60", unix.Signal(40), 168},
			{"last", "echo ready; exec sleep 60", unix.Signal(64), 192},
		} {
			out := fileDestination(t, 0)
			s := start(c.script, [3]*os.File{null, out.file, null})
			s.ready()
			waitFor(t, "the script", func() bool { data, _ := os.ReadFile(out.file.Name()); return len(data) > 0 })
			for _, sig := range []unix.Signal{unix.SIGWINCH, unix.SIGCHLD, unix.SIGURG, c.sig} { // the others are never passed on
				if err := unix.Kill(s.pid, sig); err != nil {
					t.Error(err)
				}
			}
			if status := s.status(); status != c.want {
				t.Errorf("%s: status %d, want %d", c.name, status, c.want)
			}
		}
	})
}

func TestForegroundForwardsEarlySignals(t *testing.T) {
	forStays(t, func(t *testing.T, start starter) {
		null := nullFile(t)
		if status := start("exec sleep 60", [3]*os.File{null, null, null}, unix.SIGUSR2).status(); status != 128+int(unix.SIGUSR2) {
			t.Errorf("status %d", status)
		}
	})
}

func TestForegroundWaitsForOutputOfOthers(t *testing.T) {
	forStays(t, func(t *testing.T, start starter) {
		null := nullFile(t)
		out := fileDestination(t, 0)
		if status := start("(sleep 0.5; echo late) & exit 4", [3]*os.File{null, out.file, null}).status(); status != 4 {
			t.Errorf("status %d", status)
		}
		if text := out.text(); text != "late\n" {
			t.Errorf("output %q", text)
		}
		// Unless somebody asks it not to.
		out = fileDestination(t, 0)
		s := start("sleep 60 & echo $$ $!; exit 4", [3]*os.File{null, out.file, null})
		s.ready()
		var pids []string
		waitFor(t, "the output", func() bool {
			data, _ := os.ReadFile(out.file.Name())
			pids = strings.Fields(string(data))
			return len(pids) == 2
		})
		first, err := strconv.Atoi(pids[0])
		if err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the end of the script", func() bool { _, state, err := sys.Identify(first); return err != nil || state == 'Z' })
		time.Sleep(20 * time.Millisecond)
		if _, state, err := sys.Identify(s.pid); err != nil || state == 'Z' {
			t.Errorf("it did not wait: %c, %v", state, err)
		}
		unix.Kill(s.pid, unix.SIGTERM)
		if status := s.status(); status != 4 {
			t.Errorf("status %d", status)
		}
		if sleep, err := strconv.Atoi(pids[1]); err == nil {
			unix.Kill(sleep, unix.SIGKILL)
		}
	})
}
