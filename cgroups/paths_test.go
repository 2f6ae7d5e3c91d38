package cgroups

import (
	"maps"
	"os"
	"strings"
	"testing"
)

func TestPlacement(t *testing.T) {
	for _, c := range []struct {
		path, rel string
		own       bool
		err       string
	}{
		{"", "/id", true, ""},
		{"/a/b", "/a/b", false, ""},
		{"a/b", "/a/b", true, ""},
		{"/a/../../b/", "/b", false, ""},
		{"../../x", "/x", true, ""},
		{"system.slice:runc:id", "/system.slice:runc:id", true, ""},
		{"/", "", false, "is the root of the hierarchy"},
		{"/a/..", "", false, "is the root of the hierarchy"},
		{"..", "", false, "is the root of the hierarchy"},
		{"/a\x00b", "", false, "NUL"},
		{"/a\nb", "", false, "newline"},
	} {
		rel, own, err := placement("id", c.path)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q: error %v", c.path, err)
			}
			continue
		}
		if err != nil || rel != c.rel || own != c.own {
			t.Errorf("%q: %q, %t, %v", c.path, rel, own, err)
		}
	}
}

func TestBelow(t *testing.T) {
	mount := t.TempDir()
	if err := os.MkdirAll(mount+"/own", 0o755); err != nil {
		t.Fatal(err)
	}
	for base, want := range map[string]string{"": "/c", "/": "/c", "/own": "/own/c", "/not/shown/here": "/c", "/../..": "/c"} {
		if got := below(mount, base, "/c"); got != want {
			t.Errorf("below(%q) = %q, want %q", base, got, want)
		}
	}
}

func TestMembership(t *testing.T) {
	m := parseMembership("9:name=systemd:/a:b\n4:cpu,cpuacct:/c\n0::/d\nbad\n3:memory:relative\n")
	for controller, want := range map[string]string{"name=systemd": "/a:b", "cpu": "/c", "cpuacct": "/c", "": "/d", "memory": "", "pids": ""} {
		if got, ok := m.path(controller); got != want || ok != (want != "") {
			t.Errorf("path(%q) = %q, %t", controller, got, ok)
		}
	}
}

func TestPathsRoundTrip(t *testing.T) {
	hosts := map[string]Host{
		"v2":     {Mode: ModeV2, Root: "/r", Unified: "/r"},
		"v1":     {Mode: ModeV1, Root: "/r", V1: []Hierarchy{{"/r/cpu,cpuacct", []string{"cpu", "cpuacct"}}, {"/r/memory", []string{"memory"}}}},
		"hybrid": {Mode: ModeHybrid, Root: "/r", V1: []Hierarchy{{"/r/memory", []string{"memory"}}}, Unified: "/r/unified"},
	}
	for name, h := range hosts {
		m := manager(t, Config{Path: "/a/b", Host: h})
		loaded, err := LoadAt("/r", m.Paths())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		l := loaded.(*cgroupfs)
		if !maps.Equal(pathsOf(m.trees), l.Paths()) || len(l.trees) != len(m.trees) {
			t.Errorf("%s: %v became %v", name, m.trees, l.trees)
		}
		for i := range l.trees {
			if l.trees[i].mount != m.trees[i].mount || l.trees[i].rel != m.trees[i].rel {
				t.Errorf("%s: %v became %v", name, m.trees[i], l.trees[i])
			}
		}
	}
}

// TestLoadIsNotFooled: what a damaged record names may be killed and removed.
func TestLoadIsNotFooled(t *testing.T) {
	for _, paths := range []map[string]string{
		{"": "/r"},
		{"": "/"},
		{"": ""},
		{"": "/r/"},
		{"": "/r/.."},
		{"": "/r/a/../.."},
		{"": "/etc"},
		{"": "/rx/a"},
		{"": "/r/a\x00"},
		{"memory": "/r/memory"},
		{"memory": "/r/memory/"},
		{"memory": "/r"},
		{"memory": "/r/memory/../cpu"},
		{"": "/r/unified", "memory": "/r/memory/a"},
		{"": "relative"},
		{"": "/r//a"},
		{"": "/r/./a"},
	} {
		if m, err := LoadAt("/r", paths); err == nil {
			t.Errorf("%q loads as %v", paths, m.(*cgroupfs).trees)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("", "/r/a/b")
	f.Add("memory", "/r/memory/a")
	f.Fuzz(func(t *testing.T, controller, dir string) {
		m, err := LoadAt("/r", map[string]string{controller: dir})
		if err != nil {
			return
		}
		for _, tree := range m.(*cgroupfs).trees {
			if !strings.HasPrefix(tree.dir(), "/r/") || strings.Contains(tree.dir()+"/", "/../") || len(tree.rel) < 2 || tree.dir() != dir {
				t.Errorf("%q loads as %v", dir, tree)
			}
		}
	})
}

func FuzzPlacement(f *testing.F) {
	f.Add("../../x")
	f.Fuzz(func(t *testing.T, path string) {
		rel, _, err := placement("id", path)
		if err == nil && (len(rel) < 2 || rel[0] != '/' || strings.Contains(rel+"/", "/../") || strings.HasSuffix(rel, "/")) {
			t.Errorf("%q is placed at %q", path, rel)
		}
	})
}

func TestHostProbe(t *testing.T) {
	h := host(t)
	if h.Mode == ModeNone {
		t.Skip("no cgroups")
	}
	if h.Mode == ModeV2 && (h.Unified != DefaultRoot || len(h.V1) > 0) || h.Mode == ModeHybrid && (h.Unified == "" || len(h.V1) == 0) {
		t.Errorf("%+v", h)
	}
	none, err := ProbeAt(t.TempDir() + "/missing")
	if err != nil || none.Mode != ModeNone {
		t.Errorf("%+v, %v", none, err)
	}
	plain, err := ProbeAt(t.TempDir())
	if err != nil || plain.Mode != ModeNone {
		t.Errorf("%+v, %v", plain, err)
	}
	if _, err := New(Config{ID: "x", Host: none}); err == nil || !strings.Contains(err.Error(), "no cgroup file system") {
		t.Errorf("New() = %v", err)
	}
}

func TestControllersOf(t *testing.T) {
	for name, want := range map[string]string{"cpu,cpuacct": "cpu cpuacct", "memory": "memory", "systemd": "name=systemd", "elogind": "name=elogind"} {
		if got := strings.Join(controllersOf(name), " "); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
