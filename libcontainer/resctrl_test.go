package libcontainer

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/ocirun/ocirun/libcontainer/internal/resctrl"
)

// fakeResctrl gives the runtime a file system of resource control that is a directory.
func fakeResctrl(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	group := func(dir string) error {
		for _, file := range []string{"schemata", "tasks"} {
			if err := os.WriteFile(filepath.Join(dir, file), nil, 0o644); err != nil {
				return err
			}
		}
		return os.Mkdir(filepath.Join(dir, "mon_groups"), 0o755)
	}
	if err := os.MkdirAll(root+"/info/L3_MON", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := group(root); err != nil {
		t.Fatal(err)
	}
	findResctrl = func() (resctrl.FS, error) {
		return resctrl.FS{Root: root, Mkdir: func(path string) error {
			if err := os.Mkdir(path, 0o755); err != nil {
				return err
			}
			return group(path)
		}}, nil
	}
	t.Cleanup(func() { findResctrl = resctrl.Find })
	return root
}

// busyboxBundle makes a bundle whose program sleeps.
func busyboxBundle(t *testing.T, linux string) string {
	t.Helper()
	hostCgroups(t)
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Skip("needs a static busybox")
	}
	dir := t.TempDir()
	data, err := os.ReadFile(busybox)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"bin", "proc", "dev"} {
		if err := os.MkdirAll(filepath.Join(dir, "rootfs", d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	config := `{"ociVersion": "1.3.0", "root": {"path": "rootfs"},
		"process": {"user": {"uid": 0, "gid": 0}, "cwd": "/", "env": ["PATH=/bin"], "args": ["/bin/busybox", "sleep", "100"]},
		"mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
		"linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}]` + linux + `}}`
	for file, content := range map[string][]byte{"rootfs/bin/busybox": data, "config.json": []byte(config)} {
		if err := os.WriteFile(filepath.Join(dir, file), content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// nullStreams are standard streams that nobody reads.
func nullStreams(t *testing.T) [3]*os.File {
	t.Helper()
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { null.Close() })
	return [3]*os.File{null, null, null}
}

// resctrlContainer makes a container of busyboxBundle.
func resctrlContainer(t *testing.T, name, linux string) (*Store, *Container, string) {
	t.Helper()
	bundle := busyboxBundle(t, linux)
	store, err := NewStore(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprintf("%s-%d", name, os.Getpid())
	c, err := store.Create(id, CreateOptions{Bundle: bundle, Stdio: nullStreams(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Remove(id, true) })
	return store, c, id
}

// N47: a container's life with a class of service of its own.
func TestResctrlLife(t *testing.T) {
	root := fakeResctrl(t)
	store, c, id := resctrlContainer(t, "resctrl", `, "intelRdt": {"schemata": ["L2:0=f"], "enableMonitoring": true}`)
	state, err := c.State()
	if err != nil {
		t.Fatal(err)
	}
	class := filepath.Join(root, id)
	want := fmt.Sprintf("%d\n", state.Pid)
	for _, file := range []string{"/tasks", "/mon_groups/" + id + "/tasks"} {
		if got, _ := os.ReadFile(class + file); string(got) != want {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
	if got, _ := os.ReadFile(class + "/schemata"); string(got) != "L2:0=f\n" {
		t.Errorf("schemata %q", got)
	}
	if err := c.Start(StartOptions{}); err != nil {
		t.Fatal(err)
	}
	process := ExecOptions{Stdio: nullStreams(t)}
	process.Changes.Args = []string{"/bin/busybox", "true"}
	if status, err := c.Exec(process); err != nil || status != 0 {
		t.Fatalf("exec: %d, %v", status, err)
	}
	if got, _ := os.ReadFile(class + "/tasks"); strings.Count(string(got), "\n") != 2 {
		t.Errorf("tasks after another has joined: %q", got)
	}
	// The kernel's files go with their directories.
	for _, dir := range []string{class, class + "/mon_groups/" + id} {
		for _, name := range []string{"tasks", "schemata"} {
			os.Remove(filepath.Join(dir, name))
		}
	}
	os.Remove(class + "/mon_groups/" + id + "/mon_groups")
	removeEmptyAfter(t, store, id, class)
}

// removeEmptyAfter deletes a container and looks at its class. What a real one has below
// it goes by itself.
func removeEmptyAfter(t *testing.T, store *Store, id, class string) {
	t.Helper()
	if err := store.Remove(id, true); err == nil {
		t.Error("the class had a directory in it, and was removed")
	}
	if err := os.Remove(class + "/mon_groups"); err != nil {
		t.Fatal(err)
	}
	if err := store.Remove(id, true); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(class); err == nil {
		t.Error("the class is still there")
	}
}

// A creation that fails later leaves nothing of it.
func TestResctrlUndone(t *testing.T) {
	root := fakeResctrl(t)
	plain := findResctrl
	findResctrl = func() (resctrl.FS, error) {
		fs, err := plain()
		fs.Mkdir = func(path string) error { return os.Mkdir(path, 0o755) } // without tasks
		return fs, err
	}
	bundle := busyboxBundle(t, `, "intelRdt": {}`)
	store, err := NewStore(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprintf("resctrl-undone-%d", os.Getpid())
	_, err = store.Create(id, CreateOptions{Bundle: bundle})
	if err == nil || !strings.HasPrefix(err.Error(), "/linux/intelRdt: make a class of service for the container: add process") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(root, id)); err == nil {
		t.Error("the class is still there")
	}
}

func TestResctrlRecord(t *testing.T) {
	place := resctrlPlace{Root: "/sys/fs/resctrl", Placed: resctrl.Placed{
		Dir: "/sys/fs/resctrl/web", Monitor: "/sys/fs/resctrl/web/mon_groups/web", Own: true,
	}}
	encode := func(p resctrlPlace) []byte { return append(sampleRecord("web").encode(), p.entry().bytes()...) }
	r, err := decodeRecord("web", encode(place))
	if err != nil || !reflect.DeepEqual(r.Resctrl, place) {
		t.Errorf("%+v, %v", r, err)
	}
	for _, change := range []func(*resctrlPlace){
		func(p *resctrlPlace) { p.Dir = "/sys/fs/resctrl/other" },
		func(p *resctrlPlace) { p.Dir = "/sys/fs/resctrl/../web" },
		func(p *resctrlPlace) { p.Monitor = "/sys/fs/resctrl/web/mon_groups/other" },
		func(p *resctrlPlace) { p.Monitor = "x" },
		func(p *resctrlPlace) { p.Root = "" },
	} {
		bad := place
		change(&bad)
		if _, err := decodeRecord("web", encode(bad)); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
