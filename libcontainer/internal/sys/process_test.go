package sys

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestParseStat(t *testing.T) {
	tail := " 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 "
	for line, want := range map[string]uint64{
		"7 (sh) S" + " 1" + tail + "4242 1 2 3\n":           4242,
		"7 (a) b) R 9) S 1" + tail + "18446744073709551615": 18446744073709551615,
		"7 () Z 1" + tail + "1":                             1,
	} {
		if start, _, err := parseStat([]byte(line)); err != nil || start != want {
			t.Errorf("%q: %d %v", line, start, err)
		}
	}
	for _, line := range []string{"", ")", "7 (sh S 1", "7 (sh) S 1 2 3", "7 (sh) SS 1" + tail + "1", "7 (sh) S 1" + tail + "-1", "7 (sh) S 1" + tail + "x"} {
		if _, _, err := parseStat([]byte(line)); err == nil {
			t.Errorf("%q is accepted", line)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("7 (sh) S 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 4242"))
	f.Fuzz(func(t *testing.T, line []byte) {
		if _, state, err := parseStat(line); err == nil && state == 0 {
			t.Fatal("no state")
		}
	})
}

func TestProcess(t *testing.T) {
	cmd := exec.Command("sleep", "600")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	p, state, err := Identify(cmd.Process.Pid)
	if err != nil || p.Start == 0 || !strings.ContainsRune("RSD", rune(state)) {
		t.Fatalf("%+v %c %v", p, state, err)
	}
	if alive, err := p.Alive(); !alive || err != nil {
		t.Errorf("alive: %v %v", alive, err)
	}
	recycled := Process{Pid: p.Pid, Start: p.Start + 1}
	if alive, _ := recycled.Alive(); alive {
		t.Error("another start time counts as the same process")
	}
	if _, err := recycled.Open(); !errors.Is(err, unix.ESRCH) {
		t.Errorf("open of a recycled id: %v", err)
	}
	fd, err := p.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if ready, err := WaitReadable(fd, 10*time.Millisecond); ready || err != nil {
		t.Errorf("a live process is readable: %v", err)
	}
	if err := PidfdSignal(fd, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if ready, err := WaitReadable(fd, 5*time.Second); !ready || err != nil {
		t.Fatalf("the end is not seen: %v", err)
	}
	if alive, err := p.Alive(); alive || err != nil {
		t.Errorf("a zombie is alive: %v", err)
	}
	if exit, err := Reap(p.Pid); err != nil || exit.Status() != 137 || exit.Signal != unix.SIGKILL {
		t.Errorf("exit %+v %v", exit, err)
	}
	if _, err := Reap(p.Pid); !errors.Is(err, unix.ECHILD) {
		t.Errorf("reaped twice: %v", err)
	}
	if _, _, err := Identify(p.Pid); !errors.Is(err, unix.ESRCH) {
		t.Errorf("gone: %v", err)
	}
	if alive, err := p.Alive(); alive || err != nil {
		t.Errorf("gone: alive %v %v", alive, err)
	}
}

func TestPidfdGetFD(t *testing.T) {
	self, err := PidfdOpen(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(self)
	file := fileWith(t, "shared")
	again, err := PidfdGetFD(self, file)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(again)
	if text, err := ReadAll(again, 100); string(text) != "shared" {
		t.Errorf("%q %v", text, err)
	}
}

func TestLocks(t *testing.T) {
	path := t.TempDir()
	a, b := openDir(t, path), openDir(t, path)
	if err := Lock(a, 0); err != nil {
		t.Fatal(err)
	}
	if err := Lock(b, 0); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("second lock: %v", err)
	}
	time.AfterFunc(20*time.Millisecond, func() { Unlock(a) })
	if err := Lock(b, 5*time.Second); err != nil {
		t.Errorf("lock after release: %v", err)
	}
}

func TestHoldFile(t *testing.T) {
	path := t.TempDir() + "/f"
	open := func() int {
		fd, err := OpenAt(unix.AT_FDCWD, path, unix.O_RDWR|unix.O_CREAT, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		return fd
	}
	holder, looker := open(), open()
	defer unix.Close(looker)
	if held, err := FileHeld(looker); held || err != nil {
		t.Errorf("held by nobody: %v %v", held, err)
	}
	if err := HoldFile(holder, 0); err != nil {
		t.Fatal(err)
	}
	if held, err := FileHeld(looker); !held || err != nil {
		t.Errorf("held: %v %v", held, err)
	}
	if err := HoldFile(looker, time.Millisecond); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("held twice: %v", err)
	}
	unix.Close(holder)
	if held, err := FileHeld(looker); held || err != nil {
		t.Errorf("held by a closed file: %v %v", held, err)
	}
}
