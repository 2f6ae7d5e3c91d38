package libcontainer

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
	"github.com/ocirun/ocirun/specconv/plan"
)

func TestProcessChanges(t *testing.T) {
	first := func() specs.Process {
		caps := []string{"CAP_KILL"}
		return specs.Process{
			Terminal: true, Args: []string{"sh"}, Cwd: "/", Env: []string{"A=1"}, NoNewPrivileges: true,
			User:         specs.User{UID: 1, GID: 2, AdditionalGids: []uint32{3}},
			Capabilities: &specs.LinuxCapabilities{Bounding: caps, Effective: caps, Permitted: caps},
		}
	}
	id := func(n uint32) *uint32 { return &n }
	no := false
	for _, c := range []struct {
		name   string
		change ProcessChanges
		want   func(*specs.Process)
		given  []plan.Cause
	}{
		{"nothing", ProcessChanges{}, func(*specs.Process) {}, nil},
		{"cwd", ProcessChanges{Cwd: "/x"}, func(p *specs.Process) { p.Cwd = "/x" }, []plan.Cause{"/process/cwd"}},
		{"env", ProcessChanges{Env: []string{"B=2"}}, func(p *specs.Process) { p.Env = []string{"A=1", "B=2"} }, []plan.Cause{"/process/env"}},
		{"terminal", ProcessChanges{Terminal: true}, func(p *specs.Process) { p.Terminal = true }, nil},
		{"user", ProcessChanges{UID: id(0)}, func(p *specs.Process) { p.User.UID = 0 }, []plan.Cause{"/process/user"}},
		{"group", ProcessChanges{UID: id(5), GID: id(0)}, func(p *specs.Process) { p.User.UID, p.User.GID = 5, 0 }, []plan.Cause{"/process/user"}},
		{"groups", ProcessChanges{AdditionalGIDs: []uint32{4, 5}}, func(p *specs.Process) { p.User.AdditionalGids = []uint32{3, 4, 5} }, []plan.Cause{"/process/user"}},
		{"privileges", ProcessChanges{NoNewPrivileges: &no}, func(p *specs.Process) { p.NoNewPrivileges = false }, []plan.Cause{"/process/noNewPrivileges"}},
		{"labels", ProcessChanges{AppArmorProfile: "a", SELinuxLabel: "b"}, func(p *specs.Process) {
			p.ApparmorProfile, p.SelinuxLabel = "a", "b"
		}, []plan.Cause{"/process/apparmorProfile", "/process/selinuxLabel"}},
		{"capabilities", ProcessChanges{Capabilities: []string{"CAP_CHOWN"}}, func(p *specs.Process) {
			both := []string{"CAP_KILL", "CAP_CHOWN"}
			p.Capabilities = &specs.LinuxCapabilities{Bounding: both, Effective: both, Permitted: both}
		}, []plan.Cause{"/process/capabilities"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.change.Args = []string{"ls"}
			original, want := first(), first()
			want.Args, want.Terminal = []string{"ls"}, false
			c.want(&want)
			got, given, err := c.change.apply(original)
			if err != nil || !reflect.DeepEqual(*got, want) {
				t.Errorf("got %+v, %v", got, err)
			}
			if !reflect.DeepEqual(original, first()) {
				t.Errorf("the original is now %+v", original)
			}
			if all := append([]plan.Cause{"/process/args", "/process/terminal"}, c.given...); !slices.Equal(given, all) {
				t.Errorf("given %q", given)
			}
		})
	}
	if _, _, err := (&ProcessChanges{}).apply(first()); !errors.Is(err, errNoArgs) {
		t.Error(err)
	}
}

// Added capabilities are ambient only where some are inheritable, and never
// inheritable themselves (CVE-2022-29162).
func TestAddedCapabilities(t *testing.T) {
	ch := ProcessChanges{Args: []string{"x"}, Capabilities: []string{"CAP_NET_RAW"}}
	p, _, err := ch.apply(specs.Process{})
	if err != nil || p.Capabilities.Inheritable != nil || p.Capabilities.Ambient != nil || len(p.Capabilities.Permitted) != 1 {
		t.Errorf("without a section: %+v, %v", p.Capabilities, err)
	}
	old := &specs.LinuxCapabilities{Inheritable: []string{"CAP_KILL"}}
	p, _, err = ch.apply(specs.Process{Capabilities: old})
	if err != nil || !slices.Equal(p.Capabilities.Inheritable, []string{"CAP_KILL"}) || !slices.Equal(p.Capabilities.Ambient, []string{"CAP_NET_RAW"}) {
		t.Errorf("with an inheritable one: %+v, %v", p.Capabilities, err)
	}
	if old.Ambient != nil {
		t.Errorf("the original is now %+v", old)
	}
}

func TestCgroupBelow(t *testing.T) {
	v2 := cgroupPlace{Dirs: []cgroupDir{{"", cgroupRoot + "/web"}}}
	v1 := cgroupPlace{Dirs: []cgroupDir{
		{"cpu", cgroupRoot + "/cpu,cpuacct/web"}, {"cpuacct", cgroupRoot + "/cpu,cpuacct/web"}, {"memory", cgroupRoot + "/memory/web"},
	}}
	for _, c := range []struct {
		name  string
		place cgroupPlace
		names map[string]string
		want  []string
		err   string
	}{
		{"none", v2, nil, []string{"/web"}, ""},
		{"unified", v2, map[string]string{"": "a/b"}, []string{"/web/a/b"}, ""},
		{"itself", v2, map[string]string{"": "/"}, []string{"/web"}, ""},
		{"up and down", v2, map[string]string{"": "a/../b"}, []string{"/web/b"}, ""},
		{"outside", v2, map[string]string{"": "../other"}, nil, "bad sub cgroup path: ../other"},
		{"a name that begins alike", v2, map[string]string{"": "../web2"}, nil, "bad sub cgroup path: ../web2"},
		{"one for all", v1, map[string]string{"": "x"}, []string{"/cpu,cpuacct/web/x", "/cpu,cpuacct/web/x", "/memory/web/x"}, ""},
		{"one controller", v1, map[string]string{"memory": "/x"}, []string{"/cpu,cpuacct/web", "/cpu,cpuacct/web", "/memory/web/x"}, ""},
		{"with its companion", v1, map[string]string{"cpuacct": "x"}, []string{"/cpu,cpuacct/web/x", "/cpu,cpuacct/web/x", "/memory/web"}, ""},
		{
			"against its companion", v1,
			map[string]string{"cpu": "x", "cpuacct": "y"},
			nil,
			"controller cpuacct is in one hierarchy with another, which goes to " + cgroupRoot + "/cpu,cpuacct/web/x",
		},
		{"unknown", v1, map[string]string{"pids": "x"}, nil, `the container has no cgroup of controller "pids"`},
		{"version 1 on version 2", v2, map[string]string{"cpu": "x"}, nil, `the container has no cgroup of controller "cpu"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			dirs, err := c.place.below(c.names)
			if c.err != "" {
				if err == nil || err.Error() != c.err {
					t.Errorf("got %v, want %s", err, c.err)
				}
				return
			}
			if err != nil || len(dirs) != len(c.want) {
				t.Fatal(dirs, err)
			}
			for i, d := range dirs {
				if d.Dir != cgroupRoot+c.want[i] || d.Controller != c.place.Dirs[i].Controller {
					t.Errorf("%s in %s, want %s", d.Controller, d.Dir, c.want[i])
				}
			}
		})
	}
}

func TestUnifiedPath(t *testing.T) {
	for text, want := range map[string]string{
		"0::/a/b\n":                    "/a/b",
		"2:cpu:/x\n1:name=y:/\n0::/\n": "/",
		"2:cpu:/x\n":                   "",
		"":                             "",
		"10::/x\n0::/y (deleted)\n":    "/y (deleted)",
	} {
		if got := unifiedPath(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// The end of the container's first process shows as different errors of the init.
func TestLostContainer(t *testing.T) {
	// It is readable, as the pidfd of a process that has ended.
	var ended [2]int
	if err := unix.Pipe2(ended[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	unix.Close(ended[1])
	defer unix.Close(ended[0])
	x := execution{target: ended[0]}
	x.plan = &plan.Plan{}
	x.plan.Add(plan.Namespaces, "", plan.JoinContainer{})
	x.plan.Add(plan.Namespaces, "", plan.Fork{})
	x.plan.Add(plan.Process, "", plan.Chdir{})
	for _, c := range []struct {
		step  int
		state initproc.State
		errno unix.Errno
		want  bool
	}{
		{0, initproc.StateFailed, unix.ESRCH, true},
		{0, initproc.StateFailed, unix.EPERM, false},
		{0, initproc.StateSetup, unix.ESRCH, false},
		{1, initproc.StateFailed, unix.ENOMEM, true},
		{1, initproc.StateFailed, unix.EAGAIN, false},
		{2, initproc.StateFailed, unix.ESRCH, false},
		{-1, initproc.StateFailed, unix.ESRCH, false},
		{9, initproc.StateFailed, unix.ESRCH, false},
	} {
		if got := x.lostContainer(initproc.Progress{State: c.state, Step: c.step, Errno: c.errno}); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
