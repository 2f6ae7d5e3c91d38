package resctrl

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// fake is a tree like that of the file system. A directory that is made in it has the
// files of a group, as the kernel would give it.
func fake(t *testing.T, classes map[string]string) FS {
	t.Helper()
	f := FS{Root: t.TempDir(), Mkdir: func(path string) error {
		if err := os.Mkdir(path, 0o755); err != nil {
			return err
		}
		return group(path, "")
	}}
	must(t, group(f.Root, ""), os.MkdirAll(f.Root+"/info/L3", 0o755), os.MkdirAll(f.Root+"/info/L3_MON", 0o755),
		os.WriteFile(f.Root+"/info/last_cmd_status", []byte("ok\n"), 0o644))
	for name, schemata := range classes {
		must(t, os.Mkdir(filepath.Join(f.Root, name), 0o755), group(filepath.Join(f.Root, name), schemata))
	}
	return f
}

func group(dir, schemata string) error {
	return errors.Join(os.WriteFile(dir+"/schemata", []byte(schemata), 0o644), os.WriteFile(dir+"/tasks", nil, 0o644),
		os.Mkdir(dir+"/mon_groups", 0o755))
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func (f FS) make(g Group) (Placed, error) {
	p, err := f.Plan(g)
	if err == nil {
		err = f.Make(g, p)
	}
	return p, err
}

func (f FS) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(f.Root, name))
	must(t, err)
	return string(text)
}

// N47.
func TestN47OwnClass(t *testing.T) {
	f := fake(t, nil)
	p, err := f.make(Group{ID: "web", L3: "L3:0=f", Bandwidth: "MB:0=20", More: []string{"L2:0=1", "L2:1=3"}, Monitored: true})
	must(t, err)
	// Those of the first two fields come first.
	if got := f.read(t, "web/schemata"); got != "L3:0=f\nMB:0=20\nL2:0=1\nL2:1=3\n" {
		t.Errorf("schemata %q", got)
	}
	must(t, f.Add(p, 4711))
	for _, file := range []string{"web/tasks", "web/mon_groups/web/tasks"} {
		if got := f.read(t, file); got != "4711\n" {
			t.Errorf("%s: %q", file, got)
		}
	}
	if got := strings.Join(p.removable(), " "); got != f.Root+"/web/mon_groups/web "+f.Root+"/web" {
		t.Errorf("removed is %s", got)
	}
}

func TestN47NothingAskedFor(t *testing.T) {
	f := fake(t, nil)
	p, err := f.make(Group{ID: "web"})
	must(t, err)
	if got := f.read(t, "web/schemata"); got != "" || !p.Own || p.Monitor != "" {
		t.Errorf("schemata %q, %+v", got, p)
	}
}

func TestN47DefaultClass(t *testing.T) {
	f := fake(t, nil)
	p, err := f.make(Group{ID: "web", Class: "/", Monitored: true})
	must(t, err, f.Add(p, 1))
	if p.Dir != f.Root || p.Own || f.read(t, "tasks") != "1\n" || f.read(t, "mon_groups/web/tasks") != "1\n" {
		t.Errorf("%+v", p)
	}
}

func TestN47NamedClass(t *testing.T) {
	const there = "    MB:0=100;1= 70\n    L3:0=00ff;1=0f\n"
	for _, c := range []struct {
		name string
		g    Group
		want string // of the error
		make bool
	}{
		{"made with schemata", Group{Class: "new", L3: "L3:0=f"}, "", true},
		{"made with other schemata", Group{Class: "new", More: []string{"L2:0=f"}}, "", true},
		{"not made without", Group{Class: "new"}, "does not exist", false},
		{"there", Group{Class: "gold"}, "", false},
		{"same", Group{Class: "gold", L3: "L3:0=ff;1=F", Bandwidth: "MB:1=70"}, "", false},
		{"another mask", Group{Class: "gold", L3: "L3:0=ff;1=1f"}, "has L3:1=f instead of 1f", false},
		{"another bandwidth", Group{Class: "gold", Bandwidth: "MB:0=10"}, "has MB:0=100 instead of 10", false},
		{"no such domain", Group{Class: "gold", Bandwidth: "MB:7=10"}, "has MB:7= instead of 10", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := fake(t, map[string]string{"gold": there})
			c.g.ID = "web"
			p, err := f.make(c.g)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Fatalf("got %v", err)
			}
			if exists(f.Root+"/new") != c.make {
				t.Errorf("class made: %v", !c.make)
			}
			// It outlives the container, whoever has made it.
			if p.Own || len(p.removable()) != 0 {
				t.Errorf("removed with the container: %v", p.removable())
			}
		})
	}
}

// What was there before the container stays when it goes.
func TestN47ClassIsThere(t *testing.T) {
	f := fake(t, map[string]string{"web": ""})
	p, err := f.make(Group{ID: "web"})
	must(t, err)
	if p.Own || len(p.removable()) != 0 {
		t.Errorf("%+v", p)
	}
	// One that turns up in between is somebody else's.
	p.Own = true
	if err := f.Make(Group{ID: "web"}, p); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
}

func TestFailuresLeaveNothing(t *testing.T) {
	f := fake(t, nil)
	plain := f.Mkdir
	f.Mkdir = func(path string) error {
		if strings.Contains(path, "mon_groups") {
			return &os.PathError{Op: "mkdir", Path: path, Err: unix.ENOSPC}
		}
		must(t, os.Mkdir(path, 0o755)) // and no files, so that it can be removed here
		return os.WriteFile(f.Root+"/info/last_cmd_status", []byte("mask 0 is too small\n"), 0o644)
	}
	_, err := f.make(Group{ID: "web", Monitored: true})
	if err == nil || !strings.Contains(err.Error(), "the hardware has no more") || exists(f.Root+"/web") {
		t.Errorf("got %v; class left: %v", err, exists(f.Root+"/web"))
	}
	f.Mkdir = plain
	must(t, os.Mkdir(f.Root+"/mon_groups/web", 0o755))
	if _, err := f.make(Group{ID: "web", Class: "/", Monitored: true}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("monitoring group of another: %v", err)
	}
}

// A refusal of the kernel is explained by a file.
func TestRefusal(t *testing.T) {
	f := fake(t, nil)
	must(t, os.Remove(f.Root+"/schemata"), os.Symlink("/dev/full", f.Root+"/schemata"))
	if err := f.write(f.Root+"/schemata", "x"); !errors.Is(err, unix.ELOOP) {
		t.Errorf("a link is followed: %v", err)
	}
	must(t, os.WriteFile(f.Root+"/info/last_cmd_status", []byte("no such resource\n"), 0o644))
	if err := f.write("/dev/full", "x"); !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), "(no such resource)") {
		t.Errorf("got %v", err)
	}
}

func TestRemove(t *testing.T) {
	root := t.TempDir()
	p := Placed{Dir: root + "/web", Monitor: root + "/web/mon_groups/web", Own: true}
	must(t, os.MkdirAll(p.Monitor, 0o755))
	if err := p.Remove(); err == nil {
		t.Error("a directory that is not empty is removed")
	}
	must(t, os.Remove(root+"/web/mon_groups"), p.Remove(), p.Remove(), Placed{}.Remove())
	if exists(p.Dir) {
		t.Error("it is still there")
	}
}

func TestFindMount(t *testing.T) {
	for table, want := range map[string]string{
		"": "",
		"25 1 0:20 / /proc rw - proc proc rw\n30 1 0:30 / /sys/fs/resctrl rw - resctrl resctrl rw\n": "/sys/fs/resctrl",
		"30 1 0:30 / /a\\040b rw shared:3 - resctrl none rw":                                         "/a b",
		"30 1 0:30 / /resctrl rw - tmpfs resctrl rw":                                                 "",
	} {
		if got := findMount(strings.NewReader(table)); got != want {
			t.Errorf("%q: %q", table, got)
		}
	}
	if _, err := Find(); err != nil {
		t.Error(err)
	}
}

func TestCan(t *testing.T) {
	if got := fake(t, nil).Can(); got != (Can{L3: true, Monitoring: true}) {
		t.Errorf("got %+v", got)
	}
}

func FuzzParseSchemata(f *testing.F) {
	f.Add("    MB:0=100;1= 70\n    L3:0=00ff;1=0f\n")
	f.Add("L3CODE:0x=:;;=\n:\n")
	f.Fuzz(func(t *testing.T, text string) {
		for key, value := range parseSchemata(text) {
			if value == "" || !strings.Contains(key, ":") {
				t.Errorf("%q gives %q=%q", text, key, value)
			}
		}
	})
}
