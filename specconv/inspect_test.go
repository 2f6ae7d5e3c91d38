package specconv

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

// makeTree makes files in a new directory: a name that ends in "/" is a
// directory, "a -> b" a symbolic link, "a|" a FIFO, and "a=text" a file.
func makeTree(t *testing.T, names ...string) string {
	t.Helper()
	top := t.TempDir()
	for _, name := range names {
		var err error
		link, target, isLink := strings.Cut(name, " -> ")
		file, text, _ := strings.Cut(name, "=")
		path := filepath.Join(top, file)
		if isLink {
			path = filepath.Join(top, link)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		switch {
		case isLink:
			err = os.Symlink(strings.ReplaceAll(target, "TOP", top), path)
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(path, 0o755)
		case strings.HasSuffix(name, "|"):
			err = unix.Mkfifo(strings.TrimSuffix(path, "|"), 0o644)
		default:
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return top
}

func bundleOf(dir, root string, mounts ...specs.Mount) *Bundle {
	return &Bundle{Dir: dir, Spec: &specs.Spec{
		Root: &specs.Root{Path: root}, Mounts: mounts, Process: &specs.Process{Env: []string{"A=b"}},
	}}
}

func bindOf(source, dest string) specs.Mount {
	return specs.Mount{Source: source, Destination: dest, Options: []string{"rbind", "ro"}}
}

func TestN17Rootfs(t *testing.T) {
	top := makeTree(t, "b/rootfs/", "b/file", "b/link -> rootfs", "b/sub/rootfs/", "lb -> b", "b/ls -> sub")
	for _, test := range []struct{ dir, root, want string }{
		{"b", "rootfs", ""},
		{"b", "./rootfs/", ""},
		{"b", "../b/rootfs", ""},
		{"b", "TOP/b/rootfs", ""},
		{"lb", "rootfs", ""},
		{"lb", "sub/../rootfs", ""},
		{"b", "nope", "/root/path: invalid rootfs: stat TOP/b/nope: no such file or directory"},
		{"b", "/nonexist", "/root/path: invalid rootfs: stat /nonexist: no such file or directory"},
		{"b", "file", "/root/path: invalid rootfs: stat TOP/b/file: not a directory"},
		{"b", "link", "/root/path: invalid rootfs: not an absolute path, or a symlink"},
		{"b", "ls/rootfs", "/root/path: invalid rootfs: not an absolute path, or a symlink"},
		{"b", "TOP/lb/rootfs", "/root/path: invalid rootfs: not an absolute path, or a symlink"},
		{"lb", "link", "/root/path: invalid rootfs: not an absolute path, or a symlink"},
		{"nodir", "rootfs", "/root/path: invalid rootfs: stat TOP/nodir/rootfs: no such file or directory"},
	} {
		root := strings.ReplaceAll(test.root, "TOP", top)
		_, err := Inspect(bundleOf(filepath.Join(top, test.dir), root))
		have := ""
		if err != nil {
			have = strings.ReplaceAll(err.Error(), top, "TOP")
		}
		if have != test.want {
			t.Errorf("bundle %s, root %s: have %q, want %q", test.dir, test.root, have, test.want)
		}
	}
	if _, err := Inspect(&Bundle{Dir: top, Spec: &specs.Spec{}}); err == nil {
		t.Error("a configuration without root is accepted")
	}
}

func TestBindSources(t *testing.T) {
	top := makeTree(t, "rootfs/", "dir/", "file=x", "fifo|", "ld -> dir", "lf -> file", "dangling -> nope")
	for _, test := range []struct {
		source string
		kind   plan.Kind
		want   string
	}{
		{"dir", plan.Directory, ""},
		{"TOP/dir", plan.Directory, ""},
		{"file", plan.File, ""},
		{"fifo", plan.File, ""},
		{"/dev/null", plan.File, ""},
		{"ld", plan.Directory, ""},
		{"lf", plan.File, ""},
		{"nope", 0, "/mounts/1: failed to fulfil mount request: open TOP/nope: no such file or directory"},
		{"dangling", 0, "/mounts/1: failed to fulfil mount request: open TOP/dangling: no such file or directory"},
		{"file/x", 0, "/mounts/1: failed to fulfil mount request: open TOP/file/x: not a directory"},
	} {
		source := strings.ReplaceAll(test.source, "TOP", top)
		facts, err := Inspect(bundleOf(top, "rootfs", specs.Mount{Type: "tmpfs", Destination: "/t", Source: "/nope"}, bindOf(source, "/m")))
		have := ""
		if err != nil {
			have = strings.ReplaceAll(err.Error(), top, "TOP")
		}
		if have != test.want {
			t.Errorf("source %s: have %q, want %q", test.source, have, test.want)
		}
		if err == nil && (len(facts.Kinds) != 2 || facts.Kinds[1] != test.kind) {
			t.Errorf("source %s: kinds %v", test.source, facts.Kinds)
		}
	}
}

// A bind mount over /proc has to bring a procfs.
func TestBindOverProc(t *testing.T) {
	top := makeTree(t, "rootfs/", "dir/")
	for source, fine := range map[string]bool{"/proc": true, "dir": false, "/proc/sys": false} {
		_, err := Inspect(bundleOf(top, "rootfs", bindOf(source, "/proc/.")))
		if fine && err != nil {
			t.Errorf("%s: %v", source, err)
		}
		if !fine && (err == nil || !strings.Contains(err.Error(), "cannot be mounted because it is not of type proc")) {
			t.Errorf("%s: %v", source, err)
		}
	}
}

func TestInspectLeavesNoDescriptor(t *testing.T) {
	top := makeTree(t, "rootfs/etc/passwd=root:x:0:0::/root:/bin/sh\n", "etc/passwd=x", "file", "b -> .")
	descriptors := func() []string {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, entry := range list {
			names = append(names, entry.Name())
		}
		return names
	}
	before := descriptors()
	for _, b := range []*Bundle{
		bundleOf(top, "rootfs"),
		bundleOf(filepath.Join(top, "b"), "rootfs", bindOf("etc", "/etc")),
		bundleOf(top, "rootfs", bindOf("file", "/etc/passwd")),
		bundleOf(top, "rootfs", bindOf("file", "/etc")),
		bundleOf(top, "rootfs", bindOf("nope", "/x")),
		bundleOf(top, "file"),
	} {
		_, _ = Inspect(b) // only the descriptors matter here
	}
	if after := descriptors(); !slices.Equal(before, after) {
		t.Errorf("descriptors before %v, after %v", before, after)
	}
}
