package copyup

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// dirs gives two directories and their descriptors, which are of paths only, as those of
// a detached mount.
func dirs(t *testing.T) (from, to string, source, target int) {
	t.Helper()
	from, to = t.TempDir(), t.TempDir()
	var fds [2]int
	for i, dir := range []string{from, to} {
		fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		fds[i] = fd
	}
	return from, to, fds[0], fds[1]
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestTree(t *testing.T) {
	from, to, source, target := dirs(t)
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<18)
	deep := filepath.Join(from, strings.Repeat("deep/", 60))
	must(t, os.MkdirAll(deep, 0o755),
		os.WriteFile(deep+"/file", content, 0o604), os.Chmod(deep+"/file", 0o604),
		os.Symlink("../../outside", from+"/link"),
		os.Link(deep+"/file", from+"/second"),
		unix.Mkfifo(from+"/fifo", 0o622), os.Chmod(from+"/fifo", 0o622))
	for i := range 3000 {
		must(t, os.WriteFile(fmt.Sprintf("%s/many%s%d", from, strings.Repeat("x", i%100), i), nil, 0o600))
	}
	must(t, Tree(source, target))
	copied, err := os.ReadFile(to + strings.TrimPrefix(deep, from) + "/file")
	must(t, err)
	if !bytes.Equal(copied, content) {
		t.Error("the content differs")
	}
	if link, _ := os.Readlink(to + "/link"); link != "../../outside" {
		t.Errorf("link %q", link)
	}
	a, err1 := os.Stat(to + "/second")
	b, err2 := os.Stat(to + strings.TrimPrefix(deep, from) + "/file")
	must(t, err1, err2)
	if !os.SameFile(a, b) || a.Mode().Perm() != 0o604 {
		t.Errorf("hard link: %v, %v", a, b)
	}
	if fifo, err := os.Lstat(to + "/fifo"); err != nil || fifo.Mode() != os.ModeNamedPipe|0o622 {
		t.Errorf("fifo: %v, %v", fifo, err)
	}
	have, _ := os.ReadDir(from)
	copies, _ := os.ReadDir(to)
	if len(have) != len(copies) {
		t.Errorf("%d entries of %d", len(copies), len(have))
	}
}

// File capabilities outlive the copy, although a change of the owner takes them away.
func TestTreeExtendedAttributes(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("file capabilities are root's to give")
	}
	from, to, source, target := dirs(t)
	// struct vfs_cap_data, version 2: CAP_NET_RAW, permitted and effective
	caps := []byte{1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	must(t, os.WriteFile(from+"/ping", nil, 0o755), os.Chown(from+"/ping", 5, 6), os.Mkdir(from+"/dir", 0o755),
		unix.Setxattr(from+"/ping", "security.capability", caps, 0),
		unix.Setxattr(from+"/dir", "trusted.word", []byte("value"), 0))
	must(t, Tree(source, target))
	for path, want := range map[string][]byte{"/ping security.capability": caps, "/dir trusted.word": []byte("value")} {
		path, name, _ := strings.Cut(path, " ")
		value := make([]byte, 64)
		n, err := unix.Getxattr(to+path, name, value)
		if err != nil || !bytes.Equal(value[:n], want) {
			t.Errorf("%s of %s: %x, %v", name, path, value[:max(n, 0)], err)
		}
	}
}

// An error names the file; what was there before is not written over.
func TestTreeErrors(t *testing.T) {
	from, to, source, target := dirs(t)
	must(t, os.MkdirAll(from+"/a/b", 0o755), os.WriteFile(from+"/a/b/c", []byte("new"), 0o644),
		os.MkdirAll(to+"/a", 0o755))
	err := Tree(source, target)
	var path *fs.PathError
	if !errors.As(err, &path) || path.Path != "a" || !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
}

// The thread that made files as another one is its old self afterwards.
func TestTreeForAnotherOwner(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root makes files for others")
	}
	from, to, source, target := dirs(t)
	must(t, os.Chown(to, 1234, 2345), os.WriteFile(from+"/file", nil, 0o600), os.Chown(from+"/file", 7, 8))
	must(t, Tree(source, target))
	var st unix.Stat_t
	must(t, unix.Stat(to+"/file", &st))
	if st.Uid != 7 || st.Gid != 8 {
		t.Errorf("owner %d:%d", st.Uid, st.Gid)
	}
	own := filepath.Join(t.TempDir(), "own")
	must(t, os.WriteFile(own, nil, 0o600), unix.Stat(own, &st))
	if st.Uid != 0 || st.Gid != 0 {
		t.Errorf("files are now made for %d:%d", st.Uid, st.Gid)
	}
}
