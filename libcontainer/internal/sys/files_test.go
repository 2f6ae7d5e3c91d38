package sys

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// openDir opens a directory for the length of a test.
func openDir(t *testing.T, path string) int {
	t.Helper()
	fd, err := OpenDir(unix.AT_FDCWD, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

func TestReadFileAt(t *testing.T) {
	path := t.TempDir()
	dir := openDir(t, path)
	for _, size := range []int{0, 1, 511, 512, 513, 100_000} {
		want := bytes.Repeat([]byte{'x'}, size)
		os.WriteFile(filepath.Join(path, "f"), want, 0o600)
		if got, err := ReadFileAt(dir, "f", int64(size)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: got %d, %v", size, len(got), err)
		}
		if size > 0 {
			if _, err := ReadFileAt(dir, "f", int64(size)-1); !errors.Is(err, ErrTooLarge) {
				t.Errorf("%d bytes over the limit: %v", size, err)
			}
		}
	}
	unix.Mkfifo(filepath.Join(path, "fifo"), 0o600)
	os.Symlink("f", filepath.Join(path, "link"))
	os.Mkdir(filepath.Join(path, "dir"), 0o700)
	for _, name := range []string{"fifo", "link", "dir", "nowhere"} {
		if _, err := ReadFileAt(dir, name, 100); err == nil {
			t.Errorf("%s is read", name)
		}
	}
	// procfs says that its files are empty.
	if text, err := ReadFileAt(unix.AT_FDCWD, "/proc/self/status", 1<<20); err != nil || !bytes.Contains(text, []byte("Name:")) {
		t.Errorf("status: %q %v", text, err)
	}
}

func TestCreateFileAt(t *testing.T) {
	path := t.TempDir()
	dir := openDir(t, path)
	data := bytes.Repeat([]byte("data"), 50_000)
	if err := CreateFileAt(dir, "f", data, 0o640); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(filepath.Join(path, "f")); !bytes.Equal(got, data) {
		t.Errorf("%d bytes are there", len(got))
	}
	if err := CreateFileAt(dir, "f", data, 0o640); !errors.Is(err, fs.ErrExist) {
		t.Errorf("again: %v", err)
	}
	full, err := OpenAt(unix.AT_FDCWD, "/dev/full", unix.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(full)
	if err := WriteAll(full, data); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("full device: %v", err)
	}
}

func TestReserve(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := Reserve(int(f.Fd()), 8192); err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil || info.Size() != 0 {
		t.Errorf("size %d %v", info.Size(), err)
	}
}

func TestEverythingIsCloseOnExec(t *testing.T) {
	dir := openDir(t, t.TempDir())
	open := func(fd int, err error) int {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		return fd
	}
	listening := open(ListenUnix(dir, "s", 1))
	pair, err := SocketPair(unix.SOCK_STREAM)
	if err != nil {
		t.Fatal(err)
	}
	fds := []int{
		dir, listening, open(ConnectUnixAt(dir, "s")), open(pair[0], nil), open(pair[1], nil),
		open(PidfdOpen(os.Getpid())),
	}
	for i, fd := range fds {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("descriptor %d of the list: flags %x, %v", i, flags, err)
		}
	}
}

func TestEntries(t *testing.T) {
	path := t.TempDir()
	var want []string
	for i := range 300 {
		name := strings.Repeat(string(rune('a'+i%26)), 1+i%200) + "-" + string(rune('A'+i/26))
		os.WriteFile(filepath.Join(path, name), nil, 0o600)
		want = append(want, name)
	}
	os.Mkdir(filepath.Join(path, "~dir"), 0o700)
	list, err := Entries(openDir(t, path))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range list {
		if (e.Name == "~dir") != (e.Type == unix.DT_DIR) {
			t.Errorf("%s has type %d", e.Name, e.Type)
		}
		if e.Name != "~dir" {
			got = append(got, e.Name)
		}
	}
	names, err := Names(openDir(t, path))
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) || err != nil || len(names) != len(want)+1 {
		t.Errorf("got %d entries and %d names of %d, %v", len(got), len(names), len(want), err)
	}
}

func FuzzEntries(f *testing.F) {
	f.Add([]byte("12345678abcdefgh\x18\x00\x04name\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, e := range appendEntries(nil, data) {
			if len(e.Name) > len(data) {
				t.Fatal("a name out of nowhere")
			}
		}
	})
}

func TestRemoveTree(t *testing.T) {
	path := t.TempDir()
	outside := filepath.Join(t.TempDir(), "keep")
	os.MkdirAll(outside, 0o700)
	os.WriteFile(filepath.Join(outside, "f"), nil, 0o600)
	tree := filepath.Join(path, "tree")
	os.MkdirAll(filepath.Join(tree, "a", "b"), 0o700)
	os.WriteFile(filepath.Join(tree, "a", "b", "f"), nil, 0o600)
	os.Symlink(outside, filepath.Join(tree, "a", "link"))
	unix.Mkfifo(filepath.Join(tree, "fifo"), 0o600)
	dir := openDir(t, path)
	if err := RemoveTree(dir, "tree"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(tree); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the tree is there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(outside, "f")); err != nil {
		t.Errorf("a link was followed: %v", err)
	}
	if err := RemoveTree(dir, "tree"); err != nil {
		t.Errorf("nothing to remove: %v", err)
	}
	deep := path
	for range removeDepth + 5 {
		deep = filepath.Join(deep, "d")
	}
	os.MkdirAll(deep, 0o700)
	if err := RemoveTree(dir, "d"); !errors.Is(err, unix.ELOOP) {
		t.Errorf("too deep: %v", err)
	}
}

// fileWith opens a new file with that content.
func fileWith(t *testing.T, content string) int {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	fd, err := OpenAt(unix.AT_FDCWD, path, unix.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}
