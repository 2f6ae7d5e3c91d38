package initproc

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestProbeSources(t *testing.T) {
	useInstalled(t, "/nonexistent/init")
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	list := ProbeSources(int(dir.Fd()))
	if len(list) != 3 || !errors.Is(list[0].Err, unix.ENOENT) {
		t.Fatalf("%+v", list)
	}
	for _, s := range list[1:] {
		if s.Err != nil {
			t.Errorf("%s: %v", s.Name, s.Err)
		}
	}
	if left, _ := os.ReadDir(dir.Name()); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if os.Getuid() == 0 {
		if err := ProbeClone(int(dir.Fd()), unix.CLONE_NEWPID|unix.CLONE_NEWUTS); err != nil {
			t.Error(err)
		}
	}
	if err := ProbeClone(int(dir.Fd()), unix.CLONE_NEWPID|unix.CLONE_THREAD); !errors.Is(err, unix.EINVAL) {
		t.Errorf("flags that do not go together: %v", err)
	}
}
