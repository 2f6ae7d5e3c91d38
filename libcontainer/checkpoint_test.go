package libcontainer

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/criu"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/specconv/plan"
)

func TestExternalMounts(t *testing.T) {
	const table = `1 0 254:0 /srv/web/rootfs / rw - ext4 /dev/vda rw
2 1 0:59 / /proc rw - proc proc rw
3 1 0:66 / /dev rw - tmpfs tmpfs rw
4 3 0:67 / /dev/pts rw - devpts devpts rw
5 2 0:59 /sys /proc/sys ro - proc proc rw
6 2 0:6 /null /proc/keys rw - devtmpfs devtmpfs rw
7 1 254:0 /srv/data /run/my\040data rw master:1 - ext4 /dev/vda rw
8 1 0:70 / /mnt rw - tmpfs tmpfs rw
9 8 0:71 / /mnt/below rw - tmpfs tmpfs rw
10 1 0:35 /web /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids
11 1 0:38 / /sys/fs/cgroup/unified ro - cgroup2 cgroup2 rw
12 3 0:67 /0 /dev/console rw - devpts devpts rw
13 1 254:0 /srv/web/rootfs/a /b rw - ext4 /dev/vda rw
short line
`
	mounts, err := parseMounts(strings.NewReader(table))
	if err != nil || len(mounts) != 13 {
		t.Fatalf("%d mounts, %v", len(mounts), err)
	}
	got := externalOf(mounts, map[string]bool{"/mnt": true, "/run/my data": true})
	want := []criu.Pair{
		{Key: "/proc/keys", Value: "/dev/null"},
		{Key: "/run/my data", Value: "/run/my data"},
		{Key: "/mnt", Value: "/mnt"},
		{Key: "/mnt/below", Value: "/mnt/below"},
		{Key: "/sys/fs/cgroup/pids", Value: "/sys/fs/cgroup/pids"},
		{Key: "/sys/fs/cgroup/unified", Value: "/sys/fs/cgroup/unified"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %v\nwant %v", got, want)
	}
}

func TestLogErrors(t *testing.T) {
	const log = "(00.1) fine\n(00.2) Error (criu/a.c:1): one\nWarn  (criu/b.c:2): two\n(00.3) Error (criu/c.c:3): three\n"
	if got := logErrors([]byte(log)); !slices.Equal(got, []string{"Error (criu/a.c:1): one", "Error (criu/c.c:3): three"}) {
		t.Errorf("%q", got)
	}
	if got := logErrors([]byte(strings.Repeat("Error (x:1): y\n", 20))); len(got) != logLines {
		t.Errorf("%d lines", len(got))
	}
}

func TestExplainCRIU(t *testing.T) {
	o := CRIUOptions{ImagePath: filepath.Join(t.TempDir(), "images")}
	dirs, err := o.openImages(true)
	if err != nil {
		t.Fatal(err)
	}
	defer dirs.close()
	said := &criu.Error{Errno: unix.EBADE}
	for _, c := range []struct {
		log  string
		err  error
		want string
	}{
		{"", said, "criu dump failed: invalid exchange"},
		{"(00.1) fine\n", said, "criu dump failed: invalid exchange (log file: " + o.ImagePath + "/dump.log)"},
		{"(00.1) Error (a.c:1): no\n", said, "criu dump failed: Error (a.c:1): no (log file: " + o.ImagePath + "/dump.log)"},
		{"", unix.EPERM, "criu dump: operation not permitted"},
	} {
		if c.log != "" {
			if err := os.WriteFile(filepath.Join(o.ImagePath, dumpLog), []byte(c.log), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got := dirs.explain("dump", dumpLog, c.err)
		if got.Error() != c.want || !errors.Is(got, c.err) {
			t.Errorf("\n got %q\nwant %q", got, c.want)
		}
	}
	if info, err := os.Stat(o.ImagePath); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("images of memory for others: %v, %v", info.Mode(), err)
	}
}

func TestCheckpointParent(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"first", "second"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ parent, want string }{
		{"", ""},
		{"../first", ""},
		{"/first", "--parent-path must be relative"},
		{"../none", "invalid --parent-path: stat " + dir + "/none: no such file or directory"},
	} {
		k := checkpoint{o: &CheckpointOptions{ParentPath: c.parent}}
		k.o.ImagePath = filepath.Join(dir, "second")
		got := ""
		if err := k.checkParent(); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%q: %q", c.parent, got)
		}
	}
}

func TestMakeMountPoint(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	root, err := sys.OpenAt(unix.AT_FDCWD, dir, unix.O_PATH, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(root)
	for _, c := range []struct {
		dest string
		kind plan.Kind
	}{{"/a/b/c", plan.Directory}, {"/a/file", plan.File}, {"/a/file", plan.File}} {
		if err := makeMountPoint(root, c.dest, c.kind); err != nil {
			t.Error(err)
		}
		info, err := os.Stat(dir + c.dest)
		if err != nil || info.IsDir() != (c.kind == plan.Directory) {
			t.Errorf("%s: %v", c.dest, err)
		}
	}
	// A link out of the root leads to a place in it, which is not there.
	if err := makeMountPoint(root, "/link/x", plan.Directory); err == nil {
		t.Error("made below a link that leads nowhere")
	}
	if names, err := os.ReadDir(outside); err != nil || len(names) != 0 {
		t.Errorf("made outside of the root: %v, %v", names, err)
	}
	if got := resolveBelow(root, "/a/../a/file"); got != "/a/file" {
		t.Errorf("resolved %q", got)
	}
}

func TestFindCRIU(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", "relative:"+dir)
	if _, err := findCRIU(); !errors.Is(err, errNoCRIU) {
		t.Error(err)
	}
	file := filepath.Join(dir, "criu")
	if err := os.WriteFile(file, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := findCRIU(); got != file || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestCRIUConfigFile(t *testing.T) {
	for _, c := range []struct {
		annotations map[string]string
		want        string
	}{
		{map[string]string{criuConfigAnnotation: "/x"}, "/x"},
		{map[string]string{criuConfigAnnotation: ""}, ""},
	} {
		if got := criuConfigFile(c.annotations); got != c.want {
			t.Errorf("%v: %q", c.annotations, got)
		}
	}
}
