package specconv

import (
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

func withMount(m specs.Mount) func(*specs.Spec, *Options) {
	return func(s *specs.Spec, _ *Options) { s.Mounts = append(s.Mounts, m) }
}

func mountCase(name, dest, fsType, source string, options []string, want ...string) compileCase {
	return compileCase{
		name:   name,
		change: withMount(specs.Mount{Destination: dest, Type: fsType, Source: source, Options: options}),
		want:   want,
	}
}

func TestCompileMounts(t *testing.T) {
	runCases(t, []compileCase{
		mountCase("N18 relative destination", "a/../b", "tmpfs", "tmpfs", nil, "/mounts/7 mount tmpfs on /b (mode of"),
		mountCase("N19 type does not make a bind", "/b", "bind", "/s", nil, "mount bind on /b"),
		mountCase("N19 bind whatever the type", "/b", "ext4", "s/../t", []string{"bind"}, "bind /bundle/t on /b"),
		mountCase("rbind with attributes", "/b", "none", "/s", []string{"rbind", "ro", "rnosuid", "rshared"},
			"bind /s on /b recursive ro rnosuid rshared"),
		mountCase("clearing", "/b", "", "/s", []string{"bind", "ro", "rw", "dev", "relatime"}, "bind /s on /b rw,dev,relatime"),
		mountCase("tmpfs with a mode", "/b", "tmpfs", "tmpfs", []string{"mode=700", "ro"},
			"mount tmpfs on /b mode=700", "remount /b ro", "mask", "pivot root"),
		mountCase("proc is read-only at once", "/p", "proc", "proc", []string{"ro"}, "mount proc on /p ro"),
		mountCase("a device is read-only in the file system too", "/d", "xfs", "/dev/sda", []string{"ro", "sync", "async"},
			"mount xfs on /d ro ro"),
		mountCase("unknown options are data", "/d", "overlay", "overlay", []string{"lowerdir=/a:/b", "defaults", "", "userxattr"},
			"mount overlay on /d lowerdir=/a:/b,userxattr"),
		mountCase("recursive attributes of a new mount", "/d", "tmpfs", "tmpfs", []string{"rnoexec", "mode=1"},
			"mount tmpfs on /d noexec mode=1"),
		mountCase("remount", "/dev/shm", "", "", []string{"remount", "noexec", "exec", "ro"}, "remount /dev/shm ro,exec"),
		mountCase("the last propagation counts", "/b", "", "/s", []string{"bind", "private", "rslave"}, "bind /s on /b rslave"),
	})
}

func TestCompileReadOnlyDev(t *testing.T) {
	runCases(t, []compileCase{
		{name: "late", change: func(s *specs.Spec, _ *Options) {
			s.Mounts[1].Options = append(s.Mounts[1].Options, "ro")
		}, want: []string{
			"mount tmpfs on /dev nosuid,strictatime", "make node /dev/null", "link /dev/fd",
			"open the terminal", "remount /dev ro", "pivot root",
		}},
		{name: "bound", change: func(s *specs.Spec, _ *Options) {
			s.Mounts[1] = specs.Mount{Destination: "/dev/", Source: "/dev", Options: []string{"rbind", "ro"}}
			s.Linux.Devices = []specs.LinuxDevice{{Path: "/dev/fuse", Type: "c", Major: 10, Minor: 229}}
		}, want: []string{"bind /dev on /dev recursive ro"}, absent: []string{"make node", "link", "remount"}},
	})
}

func TestCompileKinds(t *testing.T) {
	b := loadConfig(t, "spec-default")
	b.Spec.Mounts = []specs.Mount{
		{Destination: "/f", Source: "/f", Options: []string{"bind"}},
		{Destination: "/d", Source: "/d", Options: []string{"bind"}},
	}
	o := testOptions(b)
	o.Facts.Kinds = []plan.Kind{plan.File}
	p, _, err := Compile(b, o)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []plan.Kind
	for _, e := range p.Entries {
		if bind, ok := e.Step.(plan.Bind); ok {
			kinds = append(kinds, bind.Kind)
		}
	}
	if len(kinds) != 2 || kinds[0] != plan.File || kinds[1] != plan.Directory {
		t.Errorf("kinds %v", kinds)
	}
}

func TestCompileCgroupMount(t *testing.T) {
	noNamespace := func(s *specs.Spec) { s.Linux.Namespaces = s.Linux.Namespaces[:5] }
	runCases(t, []compileCase{
		{
			name: "v2", change: func(*specs.Spec, *Options) {},
			want: []string{"/mounts/6 mount cgroup2 on /sys/fs/cgroup ro,nosuid,nodev,noexec"}, absent: []string{"remount"},
		},
		{
			name: "v2 without namespace", change: func(s *specs.Spec, _ *Options) { noNamespace(s) },
			want: []string{"/mounts/6 bind /sys/fs/cgroup on /sys/fs/cgroup recursive rro,rnosuid,rnodev,rnoexec"},
		},
		{name: "v1 without namespace", change: func(s *specs.Spec, o *Options) {
			onV1(o)
			o.Host.HostCgroups["freezer"] = cgroupRoot + "/freezer"
			noNamespace(s)
		}, want: []string{
			"mount tmpfs on /sys/fs/cgroup nosuid,nodev,noexec mode=755",
			"bind /sys/fs/cgroup/cpu,cpuacct/web on /sys/fs/cgroup/cpu,cpuacct ro,nosuid,nodev,noexec",
			"link /sys/fs/cgroup/cpu to cpu,cpuacct", "link /sys/fs/cgroup/cpuacct to cpu,cpuacct",
			"bind /sys/fs/cgroup/memory/web", "bind /sys/fs/cgroup/systemd/web", "remount /sys/fs/cgroup ro", "pivot root",
		}, absent: []string{"freezer", "unified"}},
		{
			name: "hybrid without namespace", change: func(s *specs.Spec, o *Options) { onHybrid(o); noNamespace(s) },
			want: []string{"bind /sys/fs/cgroup/unified/web on /sys/fs/cgroup/unified ro,"},
		},
		{name: "v1 writable", change: func(s *specs.Spec, o *Options) {
			onV1(o)
			o.Host.HostCgroups["openrc"] = "/elsewhere"
			s.Mounts[6].Options = nil
		}, want: []string{"mount cgroup on /sys/fs/cgroup/openrc nosuid,nodev,noexec name=openrc"}, absent: []string{"remount"}},
		{name: "none, rootless", change: func(s *specs.Spec, o *Options) {
			o.Host.CgroupMode, o.Rootless = cgroupNone, true
		}, absent: []string{"cgroup2", "create cgroup", "allow devices"}, warning: "/mounts/6: /sys/fs/cgroup is empty"},
	})
}

func TestCompileDevices(t *testing.T) {
	withDevices := func(list ...specs.LinuxDevice) func(*specs.Spec, *Options) {
		return func(s *specs.Spec, _ *Options) { s.Linux.Devices = list }
	}
	mode := specsMode(0o20640)
	runCases(t, []compileCase{
		{name: "N35 defaults", change: func(*specs.Spec, *Options) {}, want: []string{
			"default:devices make node /dev/null c 1:3 0666", "/dev/zero c 1:5", "/dev/full c 1:7", "/dev/random c 1:8",
			"/dev/urandom c 1:9", "/dev/tty c 5:0", "default:links link /dev/ptmx to pts/ptmx",
			"link /dev/fd to /proc/self/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/core",
		}},
		{name: "a listed default is not made twice", change: withDevices(
			specs.LinuxDevice{Path: "dev//null", Type: "c", Major: 1, Minor: 3, FileMode: &mode},
		), want: []string{"/linux/devices/0 make node /dev/null c 1:3 0640"}, absent: []string{"default:devices make node /dev/null"}},
		{name: "types", change: withDevices(
			specs.LinuxDevice{Path: "/dev/u", Type: "u", Major: 4, Minor: 1}, specs.LinuxDevice{Path: "/p", Type: "p", Major: -1},
			specs.LinuxDevice{Path: "/dev/ptmx", Type: "c", Major: 5, Minor: 2},
		), want: []string{"make node /dev/u c 4:1", "make node /p p 0666"}, absent: []string{"make node /dev/ptmx"}},
		{name: "runtime in a user namespace", change: func(s *specs.Spec, o *Options) {
			o.Host.UserNS = true
			s.Linux.Devices = []specs.LinuxDevice{{Path: "/p", Type: "p"}}
		}, want: []string{"bind /dev/null on /dev/null file", "make node /p p"}, absent: []string{"make node /dev", "deny devices"}},
	})
}

func TestCompileLinksWithoutProc(t *testing.T) {
	for _, withProc := range []bool{true, false} {
		b := loadConfig(t, "spec-default")
		if !withProc {
			b.Spec.Mounts = b.Spec.Mounts[1:]
		}
		p, _, err := Compile(b, testOptions(b))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range p.Entries {
			if link, ok := e.Step.(plan.Symlink); ok && link.Path == "/dev/fd" && (link.IfExists == "") != withProc {
				t.Errorf("N15: proc mounted: %v, but the link depends on %q", withProc, link.IfExists)
			}
		}
	}
}

func TestCompileRootPropagation(t *testing.T) {
	for name, want := range map[string]struct {
		tree    string
		parents string
		attr    string
	}{
		"": {"rslave", "", ""}, "rslave": {"rslave", "", "rslave"}, "slave": {"slave", "slave", "slave"},
		"rprivate": {"rprivate", "", ""}, "private": {"private", "private", ""},
		"shared": {"shared", "private", "shared"}, "rshared": {"rshared", "private", "rshared"},
		"unbindable": {"private", "private", "unbindable"}, "runbindable": {"rprivate", "", "runbindable"},
	} {
		b := loadConfig(t, "spec-default")
		b.Spec.Linux.RootfsPropagation = name
		b.Spec.Root.Readonly = false
		p, _, err := Compile(b, testOptions(b))
		if err != nil {
			t.Fatal(err)
		}
		attr := ""
		for _, e := range p.Entries {
			switch step := e.Step.(type) {
			case plan.TreePropagation:
				if step.Propagation.String() != want.tree {
					t.Errorf("%q: tree %s", name, step.Propagation)
				}
			case plan.Root:
				if step.Parents.String() != want.parents {
					t.Errorf("%q: parents: %s", name, step.Parents)
				}
			case plan.RootAttr:
				attr = step.Propagation.String()
			}
		}
		if attr != want.attr {
			t.Errorf("%q: the root becomes %q, want %q", name, attr, want.attr)
		}
	}
}

func TestCompilePaths(t *testing.T) {
	runCases(t, []compileCase{
		{name: "once", change: func(s *specs.Spec, _ *Options) {
			s.Linux.MaskedPaths = []string{"/a", "/b", "/a"}
			s.Linux.ReadonlyPaths = []string{"c", "/a"}
		}, want: []string{
			"/linux/readonlyPaths/0 make /c read-only", "make /a read-only",
			"/linux/maskedPaths/0 mask /a", "/linux/maskedPaths/1 mask /b", "pivot root",
		}, absent: []string{"/linux/maskedPaths/2"}},
		{name: "sysctl", change: func(s *specs.Spec, _ *Options) {
			s.Linux.Sysctl = map[string]string{"net.ipv4.conf.eth0/1.x": "2", "a/b.c": "1", "~x": "3"}
		}, want: []string{
			"/linux/sysctl/a~1b.c set sysctl a/b.c 1", "set sysctl net/ipv4/conf/eth0.1/x 2",
			"/linux/sysctl/~0x set sysctl ~x 3", "read-only", "mask",
		}},
		{
			name: "no pivot", change: func(_ *specs.Spec, o *Options) { o.NoPivot = true },
			want: []string{"change root"}, absent: []string{"pivot root"},
		},
		{
			name: "cwd", change: func(s *specs.Spec, _ *Options) { s.Process.Cwd = "/a/b/" },
			want: []string{"/process/cwd mkdir /a/b 0755", "read-only", "pivot root", `chdir to cwd ("/a/b/") set in config.json`},
		},
		{
			name: "names", change: func(s *specs.Spec, _ *Options) { s.Domainname = "d" },
			want: []string{"pivot root", "/hostname set hostname ocirun", "/domainname set domainname d"},
		},
	})
}
