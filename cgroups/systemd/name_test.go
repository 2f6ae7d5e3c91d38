package systemd

import (
	"strings"
	"testing"
)

func TestParsePath(t *testing.T) {
	for _, c := range []struct{ path, unit, slice, cgroup string }{
		{"", "ocirun-web.scope", "system.slice", "/system.slice/ocirun-web.scope"},
		{"user.slice:libpod:abc", "libpod-abc.scope", "user.slice", "/user.slice/libpod-abc.scope"},
		{":docker:abc", "docker-abc.scope", "system.slice", "/system.slice/docker-abc.scope"},
		{"-:p:n", "p-n.scope", "-.slice", "/p-n.scope"},
		{"-.slice:p:n", "p-n.scope", "-.slice", "/p-n.scope"},
		{
			"kubepods-besteffort-pod1_2.slice:cri-containerd:abc", "cri-containerd-abc.scope", "kubepods-besteffort-pod1_2.slice",
			"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1_2.slice/cri-containerd-abc.scope",
		},
		{"kubepods.slice::kubepods-burstable.slice", "kubepods-burstable.slice", "kubepods.slice", "/kubepods.slice/kubepods-burstable.slice"},
		{"a.slice:p:n+1", `p-n\x2b1.scope`, "a.slice", `/a.slice/p-n\x2b1.scope`},
		{"a.slice::n", "-n.scope", "a.slice", "/a.slice/-n.scope"},
		{"memory.slice:_p:n", "_p-n.scope", "memory.slice", "/_memory.slice/__p-n.scope"},
	} {
		n, err := parsePath(c.path, "web", "ocirun", "system.slice")
		if err != nil || n.unit != c.unit || n.slice != c.slice || n.path() != c.cgroup {
			t.Errorf("%q: %+v %q %v, want %+v", c.path, n, n.path(), err, c)
		}
	}
}

func TestParsePathRefuses(t *testing.T) {
	for path, want := range map[string]string{
		"/a/b":                                `expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "/a/b" instead`,
		"a:b":                                 "slice:prefix:name",
		"a:b:c:d":                             "slice:prefix:name",
		"a.slice:b:":                          "no name",
		"a:b:c":                               "invalid slice name: a",
		"a/b.slice:p:n":                       "invalid slice name: a/b.slice",
		"a--b.slice:p:n":                      "invalid slice name: a--b.slice",
		"-a.slice:p:n":                        "invalid slice name",
		"a-.slice:p:n":                        "invalid slice name",
		".slice:p:n":                          "invalid slice name",
		"a b.slice:p:n":                       "invalid slice name",
		"::../../x.slice":                     "invalid slice name",
		"::-.slice":                           "root slice",
		"::" + strings.Repeat("n", maxName+1): "at most 255",
	} {
		if n, err := parsePath(path, "web", "ocirun", "system.slice"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, %v, want %q", path, n, err, want)
		}
	}
	// What looks like a way out of the hierarchy becomes a name.
	n, err := parsePath("::../../x", "web", "ocirun", "system.slice")
	if err != nil || n.path() != `/system.slice/-..\x2f..\x2fx.scope` {
		t.Errorf("%q %v", n.path(), err)
	}
}

func TestParentSlice(t *testing.T) {
	for name, want := range map[string]string{"a.slice": "-.slice", "a-b.slice": "a.slice", "a-b-c.slice": "a-b.slice"} {
		if got := parentSlice(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// TestObjectName: as systemd itself writes the paths of units.
func TestObjectName(t *testing.T) {
	for name, want := range map[string]string{"a-1.scope": "a_2d1_2escope", "1a.slice": "_31a_2eslice", `x\x2b.scope`: "x_5cx2b_2escope"} {
		if got := objectName(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestMajorVersion(t *testing.T) {
	for text, want := range map[string]int{"252.39-1~deb12u2": 252, "v257~rc1": 257, "249": 249, "": 0, "x": 0} {
		if got := majorVersion(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}
