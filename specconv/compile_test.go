package specconv

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

// compileCase changes the default configuration and says what has to come of it.
type compileCase struct {
	name   string
	change func(s *specs.Spec, o *Options)
	// want are rows in their order, absent are rows that must not be there: a
	// cause, an action and a detail with single blanks between them, or a part of
	// that.
	want, absent []string
	warning      string
	err          string
}

func (test compileCase) run(t *testing.T) {
	t.Helper()
	b := loadConfig(t, "spec-default")
	o := testOptions(b)
	test.change(b.Spec, &o)
	p, warnings, err := Compile(b, o)
	if test.err != "" {
		if err == nil || !strings.Contains(err.Error(), test.err) {
			t.Fatalf("error %v, want %q", err, test.err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]string, len(p.Entries))
	for i, e := range p.Entries {
		rows[i] = strings.TrimSpace(string(e.Cause) + " " + e.Step.Action() + " " + e.Step.Detail())
	}
	rest := rows
	for _, want := range test.want {
		at := slices.IndexFunc(rest, func(row string) bool { return strings.Contains(row, want) })
		if at < 0 {
			t.Fatalf("no row %q in its place among\n%s", want, strings.Join(rows, "\n"))
		}
		rest = rest[at+1:]
	}
	for _, absent := range test.absent {
		if slices.ContainsFunc(rows, func(row string) bool { return strings.Contains(row, absent) }) {
			t.Errorf("there is a row %q among\n%s", absent, strings.Join(rows, "\n"))
		}
	}
	if got := strings.Join(warnings, "; "); !strings.Contains(got, test.warning) || test.warning == "" && got != "" {
		t.Errorf("warnings %q, want %q", got, test.warning)
	}
}

func runCases(t *testing.T, tests []compileCase) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, test.run)
	}
}

func namespaceList(list ...string) []specs.LinuxNamespace {
	var out []specs.LinuxNamespace
	for _, entry := range list {
		name, path, _ := strings.Cut(entry, "=")
		out = append(out, specs.LinuxNamespace{Type: specs.LinuxNamespaceType(name), Path: path})
	}
	return out
}

// TestCompilePlaced: the init waits for its cgroup as late as it can, but before the first
// program that is not ours, and before it asks for something else.
func TestCompilePlaced(t *testing.T) {
	const placed, pivot = "wait for the cgroup", "pivot root"
	quiet := func(s *specs.Spec) { s.Process.Terminal = false }
	hook := []specs.Hook{{Path: "/bin/hook"}}
	for _, test := range []compileCase{
		{name: "nobody else", change: func(s *specs.Spec, _ *Options) { quiet(s) }, want: []string{pivot, placed, "bounding"}},
		{
			name: "later hooks", want: []string{pivot, placed, "bounding"},
			change: func(s *specs.Spec, _ *Options) {
				quiet(s)
				s.Hooks = &specs.Hooks{StartContainer: hook, Poststart: hook, Poststop: hook}
			},
		},
		{name: "terminal", change: func(*specs.Spec, *Options) {}, want: []string{placed, "terminal", pivot}},
		{
			name: "createRuntime", want: []string{placed, "/hooks/createRuntime/0", pivot},
			change: func(s *specs.Spec, _ *Options) { quiet(s); s.Hooks = &specs.Hooks{CreateRuntime: hook} },
		},
		{
			name: "createContainer", want: []string{placed, "/hooks/createContainer/0", pivot},
			change: func(s *specs.Spec, _ *Options) { quiet(s); s.Hooks = &specs.Hooks{CreateContainer: hook} },
		},
		{
			name: "prestart", want: []string{placed, "/hooks/prestart/0", pivot},
			//nolint:staticcheck // prestart is deprecated, and still what engines use.
			change: func(s *specs.Spec, _ *Options) { quiet(s); s.Hooks = &specs.Hooks{Prestart: hook} },
		},
		{
			name: "no cgroup", want: []string{pivot}, absent: []string{placed},
			change: func(s *specs.Spec, o *Options) { quiet(s); s.Mounts = s.Mounts[:6]; o.Host.CgroupMode = "none" },
		},
	} {
		t.Run(test.name, test.run)
	}
}

func TestCompileRefuses(t *testing.T) {
	runCases(t, []compileCase{
		{
			name: "no process", change: func(s *specs.Spec, _ *Options) { s.Process = nil },
			err: "/process: process property must not be empty",
		},
		{name: "no root", change: func(s *specs.Spec, _ *Options) { s.Root = nil }, err: "/root: root must be specified"},
		{
			name: "no args", change: func(s *specs.Spec, _ *Options) { s.Process.Args = nil },
			err: "/process/args: args must not be empty",
		},
		{name: "no linux", change: func(s *specs.Spec, _ *Options) { s.Linux = nil }, err: "mount namespace"},
		{
			name:   "no mount namespace",
			change: func(s *specs.Spec, _ *Options) { s.Linux.Namespaces = namespaceList("pid") },
			err:    "/linux/namespaces: without a mount namespace",
		},
		{
			name:   "unknown namespace",
			change: func(s *specs.Spec, _ *Options) { s.Linux.Namespaces = namespaceList("mount", "bogus") },
			err:    `/linux/namespaces/1: namespace "bogus" does not exist`,
		},
		{
			name:   "namespace twice",
			change: func(s *specs.Spec, _ *Options) { s.Linux.Namespaces = namespaceList("mount", "pid", "pid=/x") },
			err:    `/linux/namespaces/2: malformed spec file: duplicated ns "pid"`,
		},
		{
			name:   "no uid mappings",
			change: func(s *specs.Spec, _ *Options) { s.Linux.Namespaces = namespaceList("mount", "user") },
			err:    "/linux/namespaces/1: user namespaces enabled, but no uid mappings found",
		},
		{name: "no gid mappings", change: func(s *specs.Spec, _ *Options) {
			s.Linux.Namespaces = namespaceList("mount", "user")
			s.Linux.UIDMappings = []specs.LinuxIDMapping{{Size: 1}}
		}, err: "no gid mappings found"},
		{
			name: "propagation", change: func(s *specs.Spec, _ *Options) { s.Linux.RootfsPropagation = "bogus" },
			err: "/linux/rootfsPropagation: rootfsPropagation=bogus is not supported",
		},
		{
			name: "no propagation", change: func(s *specs.Spec, _ *Options) { s.Linux.RootfsPropagation = "ro" },
			err: "rootfsPropagation=ro is not supported",
		},
		{
			name: "rlimit", change: func(s *specs.Spec, _ *Options) { s.Process.Rlimits[0].Type = "RLIMIT_BOGUS" },
			err: "/process/rlimits/0: wrong rlimit value: RLIMIT_BOGUS",
		},
		{name: "device type", change: func(s *specs.Spec, _ *Options) {
			s.Linux.Devices = []specs.LinuxDevice{{Path: "/dev/z", Type: "z"}}
		}, err: `/linux/devices/0: invalid device type "z"`},
		{name: "device number", change: func(s *specs.Spec, _ *Options) {
			s.Linux.Devices = []specs.LinuxDevice{{Path: "/dev/z", Type: "c", Major: 1 << 32}}
		}, err: "/linux/devices/0: invalid device number 4294967296:0"},
		{
			name: "device rule", change: func(s *specs.Spec, _ *Options) { s.Linux.Resources.Devices[0].Type = "z" },
			err: `/linux/resources/devices/0: invalid cgroup device type "z"`,
		},
		{name: "remount with data", change: func(s *specs.Spec, _ *Options) {
			s.Mounts[3].Options = []string{"remount", "size=1m"}
		}, err: "/mounts/3: remount of /dev/shm can change only attributes of the mount, not size=1m"},
		{
			name: "cgroup mount without cgroups", change: func(_ *specs.Spec, o *Options) { o.Host.CgroupMode = cgroupNone },
			err: "/mounts/6: no cgroup hierarchy is mounted on this host",
		},
		{name: "limits without cgroups", change: func(s *specs.Spec, o *Options) {
			o.Host.CgroupMode = cgroupNone
			limit := int64(10)
			s.Linux.Resources.Pids = &specs.LinuxPids{Limit: &limit}
		}, err: "/linux/resources/pids/limit: cannot set pids limit: container could not join or create cgroup"},
	})
}

func TestCompileErrorsHavePointers(t *testing.T) {
	_, _, err := Compile(&Bundle{Dir: "/b"}, Options{})
	if err == nil || err.Error() != "config cannot be null" {
		t.Errorf("no configuration gives %v", err)
	}
	_, _, err = Compile(&Bundle{Dir: "/b", Spec: &specs.Spec{}}, Options{})
	if problem := (Problem{}); !errors.As(err, &problem) || problem.Pointer != "/process" {
		t.Errorf("an empty configuration gives %v", err)
	}
}

func TestCompileNamespaces(t *testing.T) {
	runCases(t, []compileCase{
		{name: "joined network keeps its loopback", change: func(s *specs.Spec, _ *Options) {
			s.Linux.Namespaces = namespaceList("network=/n", "mount")
		}, want: []string{"/linux/namespaces/0 join network namespace /n"}, absent: []string{"loopback", "fork"}},
		{name: "mount last", change: func(s *specs.Spec, o *Options) {
			onV1(o)
			s.Linux.Namespaces = namespaceList("mount=/m", "cgroup=/c", "uts=/u", "ipc=/i", "time=/t")
		}, want: []string{
			"/linux/namespaces/3 join ipc", "join uts", "join time", "join cgroup",
			"/linux/namespaces/0 join mount namespace /m", "take /bundle/rootfs as root", "wait for the cgroup to be complete", "mask",
		}, absent: []string{"unshare"}},
		{name: "complete after the mounts", change: func(*specs.Spec, *Options) {}, want: []string{
			"make node /dev/tty", "wait for the cgroup to be complete", "make /proc/bus read-only",
		}, absent: []string{"fork"}},
		{name: "rootless joins user first", change: func(s *specs.Spec, o *Options) {
			o.Rootless = true
			s.Linux.Namespaces = namespaceList("network=/n", "user=/u", "pid", "mount")
		}, want: []string{
			"join user namespace /u", "join network", "read id maps", "change to user 0:0", "unshare mount namespace", "fork the container's first process pid",
		}, absent: []string{"write id maps", "compare id maps"}},
		{name: "root joins user last", change: func(s *specs.Spec, _ *Options) {
			s.Linux.Namespaces = namespaceList("network=/n", "user=/u", "mount")
		}, want: []string{"join network", "join user namespace /u", "unshare mount"}, absent: []string{"fork"}},
		{name: "time without offsets", change: func(s *specs.Spec, _ *Options) {
			s.Linux.Namespaces = namespaceList("time", "pid", "mount")
		}, want: []string{"unshare time namespace", "fork the container's first process pid"}, absent: []string{"offset"}},
		{name: "time with offsets", change: func(s *specs.Spec, _ *Options) {
			s.Linux.Namespaces = namespaceList("time", "pid", "mount")
			s.Linux.TimeOffsets = map[string]specs.LinuxTimeOffset{"boottime": {Secs: 5}}
		}, want: []string{"unshare time namespace", "offset the boottime clock 5s+0ns", "fork the container's first process pid"}},
		{name: "helpers", change: func(s *specs.Spec, o *Options) {
			o.Rootless = true
			s.Linux.Namespaces = namespaceList("user", "mount")
			s.Linux.UIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: 1000, Size: 1}, {ContainerID: 1, HostID: 100000, Size: 9}}
			s.Linux.GIDMappings = s.Linux.UIDMappings
		}, want: []string{"wait for the id maps", "uid=0:1000:1,1:100000:9 gid=0:1000:1,1:100000:9 newuidmap newgidmap"}, absent: []string{"setgroups=deny"}},
		{name: "joined user with mappings", change: func(s *specs.Spec, _ *Options) {
			s.Linux.Namespaces = namespaceList("user=/u", "mount")
			s.Linux.UIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: 100000, Size: 9}}
		}, want: []string{"join user namespace /u", "wait for the id maps", "compare id maps uid=0:100000:9 gid=", "change to user 0:0"}, absent: []string{"write id maps"}},
		{name: "no keyring", change: func(_ *specs.Spec, o *Options) { o.NoNewKeyring = true }, absent: []string{"keyring"}},
	})
}

// Without privileges more than one's own id is mapped by helpers, and nobody can
// tell whether setgroups(2) is denied.
func TestCompileRootlessIDs(t *testing.T) {
	for _, c := range []struct {
		rootless bool
		uid      uint32 // of the runtime
		size     uint32
		helped   bool
	}{{false, 0, 2, false}, {true, 1000, 2, true}, {true, 1000, 1, false}, {true, 1001, 1, true}} {
		b := loadConfig(t, "spec-rootless")
		b.Spec.Linux.UIDMappings[0].Size = c.size
		o := testOptions(b)
		o.Rootless, o.Host.UID, o.Host.GID = c.rootless, c.uid, 1000
		p, _, err := Compile(b, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range p.Entries {
			switch step := e.Step.(type) {
			case plan.SetIDs:
				if step.NoGroups != c.rootless {
					t.Errorf("%+v: NoGroups=%v", c, step.NoGroups)
				}
			case plan.IDMaps:
				if step.UIDHelper != c.helped || step.GIDHelper || step.DenySetgroups != c.rootless {
					t.Errorf("%+v: %+v", c, step)
				}
			}
		}
	}
}

// The runtime opens what an image and the host give to a user namespace, unless it
// has no right to clone mounts or does not see them.
func TestCompileHandedSources(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(s *specs.Spec, o *Options)
		want   bool
	}{
		{"user", func(*specs.Spec, *Options) {}, true},
		{"user joined", func(s *specs.Spec, _ *Options) { s.Linux.Namespaces = namespaceList("user=/u", "mount") }, true},
		{"no user", func(s *specs.Spec, _ *Options) { s.Linux.Namespaces = namespaceList("mount") }, false},
		{"mount joined", func(s *specs.Spec, _ *Options) { s.Linux.Namespaces = namespaceList("user=/u", "mount=/m") }, false},
		{"rootless", func(_ *specs.Spec, o *Options) { o.Rootless = true }, false},
	} {
		b := loadConfig(t, "userns")
		b.Spec.Mounts = append(b.Spec.Mounts, specs.Mount{Destination: "/m", Source: "/src", Options: []string{"bind"}})
		o := testOptions(b)
		c.change(b.Spec, &o)
		if b.Spec.Linux.TimeOffsets = nil; c.name != "user" {
			b.Spec.Hostname = ""
		}
		p, _, err := Compile(b, o)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for _, e := range p.Entries {
			root, isRoot := e.Step.(plan.Root)
			bind, isBind := e.Step.(plan.Bind)
			if isRoot && root.Handed != c.want || isBind && bind.Dest == "/m" && bind.Handed != c.want {
				t.Errorf("%s: %+v", c.name, e.Step)
			}
			if isBind && strings.HasPrefix(bind.Dest, "/dev/") && (bind.Handed || bind.Device == 0) {
				t.Errorf("%s: %+v", c.name, bind)
			}
		}
	}
}
