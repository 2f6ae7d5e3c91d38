package libcontainer

import (
	"bytes"
	"errors"
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

// served is a shell script that a foreground serves in a goroutine.
type served struct {
	f    *foreground
	pid  int
	done chan sys.Exit
}

// serve runs a script with the streams as a container's would be.
func serve(t *testing.T, f *foreground, script string, attr *syscall.SysProcAttr, files ...uintptr) *served {
	t.Helper()
	if len(files) == 0 {
		for _, fd := range f.stdio.child {
			files = append(files, uintptr(fd))
		}
	}
	pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", script}, &syscall.ProcAttr{
		Files: files, Env: os.Environ(), Sys: attr,
	})
	if err != nil {
		t.Fatal(err)
	}
	pidfd, err := sys.PidfdOpen(pid)
	if err != nil {
		t.Fatal(err)
	}
	f.warn = func(m string) { t.Log("warning:", m) }
	f.closeChild()
	f.catchSignals()
	s := &served{f: f, pid: pid, done: make(chan sys.Exit, 1)}
	go func() {
		defer unix.Close(pidfd)
		exit, err := f.wait(pid, pidfd)
		if closeErr := f.close(); err != nil || closeErr != nil {
			t.Error(err, closeErr)
		}
		s.done <- exit
	}()
	return s
}

func (s *served) status(t *testing.T) int {
	t.Helper()
	select {
	case exit := <-s.done:
		return exit.Status()
	case <-time.After(20 * time.Second):
		unix.Kill(s.pid, unix.SIGKILL)
		t.Fatal("the foreground does not end")
		return -1
	}
}

func newTestForeground(t *testing.T, files [3]*os.File) *foreground {
	t.Helper()
	f, err := newForeground(false, [3]int{int(files[0].Fd()), int(files[1].Fd()), int(files[2].Fd())}, os.Getuid(), os.Getgid())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func nullFile(t *testing.T) *os.File {
	t.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { null.Close() })
	return null
}

// destination is somewhere to write to, and how to learn what arrived. The close
// function is to be called when nobody will write any more.
type destination struct {
	file  *os.File
	text  func() string
	close func()
}

func pipeDestination(t *testing.T, slow time.Duration) destination {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return readerDestination(r, w, slow)
}

func socketDestination(t *testing.T) destination {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return readerDestination(os.NewFile(uintptr(pair[0]), "a"), os.NewFile(uintptr(pair[1]), "b"), time.Millisecond)
}

func readerDestination(r, w *os.File, slow time.Duration) destination {
	var got bytes.Buffer
	end := make(chan struct{})
	w.Fd() // blocking mode, as a caller's streams are
	go func() {
		defer close(end)
		buf := make([]byte, 64<<10)
		for {
			n, err := r.Read(buf)
			got.Write(buf[:n])
			if err != nil {
				return
			}
			time.Sleep(slow)
		}
	}()
	return destination{
		file: w, close: func() { w.Close() },
		text: func() string { <-end; r.Close(); return got.String() },
	}
}

func fileDestination(t *testing.T, flags int) destination {
	f, err := os.OpenFile(filepath.Join(t.TempDir(), "out"), os.O_CREATE|os.O_RDWR|flags, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	return destination{file: f, close: func() {}, text: func() string {
		data, _ := os.ReadFile(f.Name())
		f.Close()
		return string(data)
	}}
}

func TestSignalsDuringCreation(t *testing.T) {
	null := nullFile(t)
	f := newTestForeground(t, [3]*os.File{null, null, null})
	defer f.close()
	f.catchSignals()
	hook := shellHook("kill -USR1 $PPID; kill -WINCH $PPID; sleep 0.1; kill -TERM $PPID; exec sleep 300")
	hook.Serving = f
	began := time.Now()
	err := hook.run()
	if err == nil || err.Error() != "error running createRuntime hook #0: interrupted by SIGTERM" || time.Since(began) > 10*time.Second {
		t.Fatalf("%v after %v", err, time.Since(began))
	}
	if len(f.early) != 1 || f.early[0] != unix.SIGUSR1 {
		t.Errorf("kept: %v", f.early)
	}
	pair, err := sys.SocketPair(unix.SOCK_STREAM)
	if err != nil {
		t.Fatal(err)
	}
	defer sys.CloseAll(pair[:])
	unix.Kill(os.Getpid(), unix.SIGHUP)
	if err := f.await(pair[0]); err == nil || err.Error() != "interrupted by SIGHUP" {
		t.Errorf("await: %v", err)
	}
	sys.WriteAll(pair[1], []byte("x"))
	unix.Kill(os.Getpid(), unix.SIGHUP) // too late: there is something to read
	if ready, err := sys.WaitReadable(f.queue(), 5*time.Second); !ready {
		t.Fatal(err)
	}
	if err := f.await(pair[0]); err != nil {
		t.Errorf("await with something to read: %v", err)
	}
	var none *foreground
	if err := none.await(pair[0]); err != nil || none.queue() != -1 {
		t.Errorf("nobody stays: %v", err)
	}
}

// TestForegroundExits: who ends with the program puts back nothing but the terminal.
func TestForegroundExits(t *testing.T) {
	null := nullFile(t)
	f := newTestForeground(t, [3]*os.File{null, null, null})
	f.exits = true
	f.catchSignals()
	if err := f.close(); err != nil {
		t.Error(err)
	}
	if s, err := sys.CatchSignals(true); err == nil {
		s.Close()
		t.Error("the signals were given back")
	}
	f.exits = false
	if err := f.close(); err != nil {
		t.Error(err)
	}
	s, err := sys.CatchSignals(true)
	if err != nil {
		t.Fatalf("the signals were not given back: %v", err)
	}
	s.Close()
}

func TestForegroundReapsOrphans(t *testing.T) {
	null := nullFile(t)
	out := fileDestination(t, 0)
	f := newTestForeground(t, [3]*os.File{null, out.file, null})
	if err := f.reapOrphans(); err != nil {
		t.Fatal(err)
	}
	if status := serve(t, f, "(sh -c 'echo $$; exec sleep 0.2' &) ; sleep 0.5; exit 6", nil).status(t); status != 6 {
		t.Errorf("status %d", status)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(out.text()))
	if err != nil {
		t.Fatal(err)
	}
	if _, state, err := sys.Identify(pid); !errors.Is(err, unix.ESRCH) {
		t.Errorf("the orphan is left as %c, %v", state, err)
	}
}
