package libcontainer

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
)

// A thread that cannot go back is kept as long as an init may have it as its parent.
func TestThreadThatCannotGoHome(t *testing.T) {
	elsewhere, err := os.Open(os.DevNull) // no namespace
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	tids := make(chan int)
	done := make(chan struct{})
	over := make(chan struct{})
	go func() {
		defer close(over)
		runtime.LockOSThread()
		tids <- unix.Gettid()
		if !goHome(int(elsewhere.Fd())) {
			<-done
		}
	}()
	tid := <-tids
	task := filepath.Join("/proc/self/task", strconv.Itoa(tid))
	select {
	case <-over:
		t.Fatal("the thread did not wait")
	case <-time.After(20 * time.Millisecond):
	}
	if _, err := os.Stat(task); err != nil {
		t.Errorf("before the end: %v", err)
	}
	close(done)
	<-over
	if tid == os.Getpid() {
		return // the Go runtime keeps the first thread
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(task); os.IsNotExist(err) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the thread is still there")
		}
	}
}

// While a container runs, its runtime holds no network namespace open.
func TestNetNamespaceIsNotHeld(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("makes a namespace: needs root")
	}
	control, err := initproc.NewControl()
	if err != nil {
		t.Fatal(err)
	}
	defer control.Close()
	done := make(chan struct{})
	defer close(done)
	n := makeNetNamespace(control, done)
	defer n.drop()
	if err := n.wait(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		held := 0
		files, err := filepath.Glob("/proc/self/fd/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if target, _ := os.Readlink(file); strings.HasPrefix(target, "net:") {
				held++
			}
		}
		if held == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d are open", held)
		}
	}
}
