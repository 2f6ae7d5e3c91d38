package initproc

import (
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

// TestStartWithShuffledFiles: syscall.ForkExec duplicates a file that stands in the way of
// another to the number behind the highest of them, whatever is there. The init itself,
// which is opened last, was (golang/go#61751).
func TestStartWithShuffledFiles(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p := &plan.Plan{}
	for _, step := range shell("exit 3") {
		p.Add(plan.Process, "/test", step)
	}
	layout := &Layout{}
	program, err := Lower(p, layout)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	page, err := CreateProgress(int(dir.Fd()), "progress", program.PageSize())
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(page)
	null := fileDescriptor(t, os.DevNull)
	in, err := Start(&Spawn{
		Layout: layout, Program: program, StateDir: int(dir.Fd()), Page: page, Stdio: [3]int{null, null, 0}, Cgroup: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer unix.Close(in.Pidfd)
	attend(t, in, &outcome{plan: p})
	if status := waitFor(t, in.Pid); status.ExitStatus() != 3 {
		t.Errorf("status %v", status)
	}
}

func fileDescriptor(t *testing.T, path string) int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return int(f.Fd())
}
