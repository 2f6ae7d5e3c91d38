package initproc

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

// stopped starts an init that cannot go on before it is let.
func stopped(t *testing.T, p *plan.Plan, out *os.File) *Init {
	t.Helper()
	program, err := Lower(p, &Layout{})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	page, err := NewProgress(program.PageSize())
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(page)
	in, err := Start(&Spawn{
		Layout: &Layout{}, Program: program, StateDir: int(dir.Fd()), Page: page,
		Stdio: [3]int{0, int(out.Fd()), int(out.Fd())}, Cgroup: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.PidfdSendSignal(in.Pidfd, unix.SIGSTOP, nil, 0); err != nil {
		t.Fatal(err)
	}
	for range 2000 {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(in.Pid) + "/stat")
		if err == nil && bytes.HasPrefix(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" T")) {
			return in
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("the init does not stop")
	return nil
}

// TestEndsAlone: a runtime that answers and then is killed, before the init could wish to
// die with it, leaves no program behind. That this process lives on keeps the init from
// being killed by its end.
func TestEndsAlone(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("makes an init: needs root")
	}
	for name, gone := range map[string]bool{"gone": true, "there": false} {
		t.Run(name, func(t *testing.T) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			p := &plan.Plan{}
			p.Add(plan.Process, "", plan.Rendezvous{Point: plan.PointPlaced})
			for _, s := range shell("echo program") {
				p.Add(plan.Start, "/process/args", s)
			}
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			in := stopped(t, p, w)
			w.Close()
			defer unix.Close(in.Pidfd)
			defer in.Close()
			if err := in.Answer(); err != nil {
				t.Fatal(err)
			}
			want := "program\n"
			if gone {
				want = ""
				in.Close()
			}
			if err := unix.PidfdSendSignal(in.Pidfd, unix.SIGCONT, nil, 0); err != nil {
				t.Fatal(err)
			}
			var text bytes.Buffer
			if _, err := text.ReadFrom(r); err != nil {
				t.Fatal(err)
			}
			if waitFor(t, in.Pid); text.String() != want {
				t.Errorf("the program printed %q, want %q", text.String(), want)
			}
		})
	}
}
