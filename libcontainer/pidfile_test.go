package libcontainer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestPidFile(t *testing.T) {
	old := unix.Umask(0o027)
	defer unix.Umask(old)
	path := filepath.Join(t.TempDir(), "pid")
	for _, pid := range []int{42, 4194303, 7} { // again over an older one
		if err := writePidFile(path, pid); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != "7" {
		t.Errorf("pid file holds %q, %v", text, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o640 {
		t.Errorf("mode %v %v", info.Mode(), err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("directory holds %v", left)
	}
}

func TestPidFileErrors(t *testing.T) {
	err := writePidFile("/nonexistent/pid", 7)
	if !errors.Is(err, fs.ErrNotExist) || err.Error() != "open /nonexistent/.pid: no such file or directory" {
		t.Errorf("missing directory: %v", err)
	}
	dir := t.TempDir()
	os.MkdirAll(filepath.Join(dir, "pid", "x"), 0o755)
	if err := writePidFile(filepath.Join(dir, "pid"), 7); !errors.Is(err, unix.EISDIR) && !errors.Is(err, unix.EEXIST) {
		t.Errorf("over a directory: %v", err)
	}
	if _, err := os.Lstat(filepath.Join(dir, ".pid")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("temporary file is left: %v", err)
	}
}

func TestPidFileDoesNotFollowWhatLiesInItsWay(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	os.WriteFile(victim, []byte("precious"), 0o600)
	os.Symlink(victim, filepath.Join(dir, ".pid"))
	if err := writePidFile(filepath.Join(dir, "pid"), 7); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(victim); !strings.HasPrefix(string(text), "precious") {
		t.Errorf("the link was followed: %q", text)
	}
}
