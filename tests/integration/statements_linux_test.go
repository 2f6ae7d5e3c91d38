package integration

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// These are statements about config-linux.md; the numbers are those of
// docs/conformance.md, which says where the others are tested.

// N32: names are the container's alone.
func TestN32Names(t *testing.T) {
	s := begin(t)
	var before unix.Utsname
	s.must(unix.Uname(&before))
	b := s.bundle(sh("hostname; cat /proc/sys/kernel/domainname"), func(c *specs.Spec) { c.Hostname, c.Domainname = "inside", "domain.example" })
	s.differs("runc", unknownField)
	equal(s, "names", b.payload(), "inside\ndomain.example\n")
	var after unix.Utsname
	s.must(unix.Uname(&after))
	equal(s, "names of the host", after == before, true)
}

// N33: a namespace by path is entered, if it is one of that kind; twice is an error.
func TestN33Namespaces(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 has other words")
	path := s.holder(syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC)
	want, err := os.Readlink(path + "ipc")
	s.must(err)
	equal(s, "namespace", s.bundle(namespace("ipc", path+"ipc"), args("readlink", "/proc/self/ns/ipc")).payload(), want+"\n")
	for _, c := range []struct{ kind, path, want string }{
		{"ipc", path + "uts", "invalid argument (not a ipc namespace)"},
		{"ipc", "/dev/null", "not a ipc namespace"},
		{"network", "/nonexistent", "no such file or directory"},
		{"network", "relative", "must be absolute"},
		{"bogus", "", `namespace {"bogus" ""} does not exist`},
	} {
		s.run("create", "-b", s.bundle(namespace(specs.LinuxNamespaceType(c.kind), c.path)).dir, s.id()).failsWith(1, c.want)
	}
	twice := s.bundle(func(c *specs.Spec) {
		c.Linux.Namespaces = append(c.Linux.Namespaces, specs.LinuxNamespace{Type: "pid"})
	})
	s.run("create", "-b", twice.dir, s.id()).failsWith(1, `duplicated ns {"pid" ""}`)
	s.oracle()
}

// N37: a cgroup with others in it is not taken.
func TestN37CgroupInUse(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 only warns")
	name, dir := s.ownCgroup()
	pid := s.sleeper()
	s.must(os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(itoa(pid)), 0))
	s.run("create", "-b", s.bundle(func(c *specs.Spec) { c.Linux.CgroupsPath = "/" + name }).dir, s.id()).failsWith(1, "cgroup is not empty")
	s.stopHelpers()
	removeCgroup(dir)
}

// writableCgroup mounts the container's own cgroup for writing.
func writableCgroup(c *specs.Spec) {
	for i := range c.Mounts {
		if c.Mounts[i].Type == "cgroup" {
			c.Mounts[i].Options = []string{"nosuid", "nodev"}
		}
	}
}

// N39: a cgroup that the container may write to is its own user's.
func TestN39CgroupOwner(t *testing.T) {
	s := begin(t)
	if suite.view != "v2" {
		t.Skip("only version 2 can be given away")
	}
	s.differs("runc", "1.1.5 gives the directory only")
	script := sh("cd /sys/fs/cgroup; stat -c '%u' . cgroup.procs cgroup.freeze; mkdir mine && echo $$ >mine/cgroup.procs && cat mine/cgroup.procs")
	b := s.bundle(shifted(300000), writableCgroup, script)
	b.giveTo(300000)
	out := strings.Fields(b.payload())
	equal(s, "owners of directory, processes and limits", strings.Join(out[:3], " "), "0 0 65534")
	equal(s, "its process in a cgroup of its own", out[3], "1")
	b = s.bundle(shifted(300000), sh("stat -c '%u' /sys/fs/cgroup"))
	b.giveTo(300000)
	equal(s, "owner of what is mounted read-only", b.payload(), "65534\n")
}

// N49: kernel parameters of the container's namespaces and no others.
func TestN49Sysctl(t *testing.T) {
	s := begin(t)
	b := s.bundle(sysctl("kernel.shmmni", "123"), sysctl("net/ipv4/ip_default_ttl", "77"), sh("cat /proc/sys/kernel/shmmni /proc/sys/net/ipv4/ip_default_ttl"))
	host := s.read("/proc/sys/kernel/shmmni")
	equal(s, "inside", b.payload(), "123\n77\n")
	equal(s, "on the host", s.read("/proc/sys/kernel/shmmni"), host)
	for key, want := range map[string]string{
		"vm.swappiness":     `sysctl "vm.swappiness" is not in a separate kernel namespace`,
		"kernel.hostname":   "conflicts with the OCI \"hostname\" field",
		"net.ipv4.nonsense": "no such file or directory",
	} {
		s.run("create", "-b", s.bundle(sysctl(key, "1")).dir, s.id()).failsWith(1, want)
	}
	s.oracle()
}

// N51: what a filter is told to do has to make sense.
func TestN51Seccomp(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 accepts some of it")
	filter := func(f specs.LinuxSeccomp) edit { return func(c *specs.Spec) { c.Linux.Seccomp = &f } }
	errno := ptr(uint(1))
	for name, f := range map[string]specs.LinuxSeccomp{
		"no default action": {Syscalls: []specs.LinuxSyscall{{Names: []string{"mkdir"}, Action: specs.ActErrno}}},
		"errno of an action without one": {
			DefaultAction: specs.ActAllow, Syscalls: []specs.LinuxSyscall{{Names: []string{"mkdir"}, Action: specs.ActAllow, ErrnoRet: errno}},
		},
		"default errno of an action without one": {DefaultAction: specs.ActAllow, DefaultErrnoRet: errno},
		"metadata without a listener":            {DefaultAction: specs.ActAllow, ListenerMetadata: "x"},
		"unknown action":                         {DefaultAction: "SCMP_ACT_BOGUS"},
	} {
		r := s.run("create", "-b", s.bundle(filter(f)).dir, s.id())
		if r.code != 1 || !strings.Contains(r.message(), "/linux/seccomp") {
			s.errorf("%s: exit %d, %s", name, r.code, r.err)
		}
	}
	nameless := s.run("run", "-b", s.bundle(filter(specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Syscalls: []specs.LinuxSyscall{{Action: specs.ActErrno}}})).dir, s.id()).ok()
	s.contains("a rule without names", nameless.err, "seccomp rule without a system call")
	b := s.bundle(writable, filter(specs.LinuxSeccomp{
		DefaultAction: specs.ActAllow, Syscalls: []specs.LinuxSyscall{{Names: []string{"mkdir", "mkdirat"}, Action: specs.ActErrno, ErrnoRet: ptr(uint(unix.ENOSPC))}},
	}), sh("mkdir /x"))
	s.contains("errno", s.run("run", "-b", b.dir, s.id()).err, "No space left on device")
}

// N54: both ends of the range of versions are taken.
func TestN54Features(t *testing.T) {
	s := begin(t)
	f := decode[struct{ OCIVersionMin, OCIVersionMax string }](s, s.run("features").ok().out)
	if f.OCIVersionMin == "" || f.OCIVersionMax < f.OCIVersionMin {
		s.fatalf("versions %+v", f)
	}
	for _, version := range []string{f.OCIVersionMin, f.OCIVersionMax} {
		equal(s, version, s.bundle(args("echo", "fine"), func(c *specs.Spec) { c.Version = version }).payload(), "fine\n")
	}
}

// N34: ids are mapped as the ranges say, and nobody gives the root to another owner.
func TestN34Mappings(t *testing.T) {
	s := begin(t)
	s.traversable()
	ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: 300000, Size: 10}, {ContainerID: 1000, HostID: 400000, Size: 5}}
	b := s.bundle(func(c *specs.Spec) { c.Linux.UIDMappings, c.Linux.GIDMappings = ids, ids }, namespace(specs.UserNamespace, ""),
		sh("cat /proc/self/uid_map /proc/self/gid_map; stat -c %u:%g /etc/mine /etc/passwd"))
	b.file("etc/mine", "")
	b.giveTo(300000)
	s.must(os.Chown(b.path("etc/mine"), 400001, 300002))
	equal(s, "maps and owners", strings.Join(strings.Fields(b.payload()), " "), "0 300000 10 1000 400000 5 0 300000 10 1000 400000 5 1001:2 65534:65534")
	var st unix.Stat_t
	s.must(unix.Stat(b.path("etc/passwd"), &st))
	equal(s, "owner of a file of the root", st.Uid, 0)
	s.differs("runc", "1.1.5 has other words")
	b.edit(func(c *specs.Spec) { c.Linux.UIDMappings[1].Size = 0 })
	s.run("create", "-b", b.dir, s.id()).failsWith(1, "/linux/uidMappings/1/size: ")
	b.edit(func(c *specs.Spec) {
		c.Linux.UIDMappings[1] = specs.LinuxIDMapping{ContainerID: 5, HostID: 1, Size: 10}
	})
	s.run("create", "-b", b.dir, s.id()).failsWith(1, "/linux/uidMappings")
	b.edit(withoutNamespace(specs.UserNamespace), func(c *specs.Spec) { c.Linux.UIDMappings = ids })
	s.contains("maps without a namespace", s.run("run", "-b", b.dir, s.id()).ok().err, "level=warning")
}

// N35: a device has a type, a path and numbers.
func TestN35Devices(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 skips a device without a path")
	for want, d := range map[string]specs.LinuxDevice{
		`invalid device type "z"`: {Path: "/dev/x", Type: "z"},
		"/linux/devices/0/path: ": {Type: "c", Major: 1, Minor: 3},
	} {
		s.run("create", "-b", s.bundle(device(d)).dir, s.id()).failsWith(1, want)
	}
	b := s.bundle(device(specs.LinuxDevice{Path: "/etc/null", Type: "c", Major: 1, Minor: 3}), writable, sh("echo x >/etc/null; stat -c '%F %s' /etc/null"))
	s.must(unix.Mknod(b.path("etc/null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
	equal(s, "one that is there", b.payload(), "character special file 0\n")
}

// N36: a name that is taken in the container is an error, a pattern finds a free one.
func TestN36NetDeviceNames(t *testing.T) {
	s := begin(t)
	s.differs("runc", unknownField)
	s.bundle(netDevice("v0", "lo")).withDevices(makeDevices).failsWith(1, "/linux/netDevices/v0: move network device v0: lo: a network device of that name exists")
	b := s.bundle(netDevice("v0", "v%d"), netDevice("v1", "lo%d"), sh("ls /sys/class/net"))
	names := strings.Fields(b.withDevices(makeDevices).ok().out)
	equal(s, "number of devices", len(names), 3)
	equal(s, "names that are no patterns", strings.Contains(strings.Join(names, " "), "%"), false)
}

// N38: an absolute path begins at the top of the hierarchy, a relative one where the
// runtime says, and the same path is the same place.
func TestN38CgroupsPath(t *testing.T) {
	s := begin(t)
	name := s.id()
	t.Cleanup(func() { s.removeCgroups(name) })
	at := func(path string) string {
		b := s.bundle(func(c *specs.Spec) { c.Linux.CgroupsPath = path }, sh("echo up; sleep 100"))
		id, pid := b.detached()
		place := s.cgroupOf(pid, "freezer")
		s.run("delete", "--force", id).ok()
		return place
	}
	top := map[string]string{"v1": "/sys/fs/cgroup/freezer/", "v2": "/sys/fs/cgroup/"}[suite.view]
	equal(s, "absolute", at("/"+name+"/x/y"), top+name+"/x/y")
	leaf := s.id()
	relative := at(leaf)
	equal(s, "relative, again", at(leaf), relative)
	s.contains("relative", relative, "/"+leaf)
	equal(s, "not clean", at("/"+name+"//x/../w/."), top+name+"/w")
	s.run("create", "-b", s.bundle(func(c *specs.Spec) { c.Linux.CgroupsPath = "/a\x00b" }).dir, s.id()).exits(1)
	equal(s, "what was above the container's is left to who else is there", exists(top+name), true)
	s.removeCgroups(name)
}

// removeCgroups removes a cgroup that is above those of containers, in every hierarchy.
func (s *scenario) removeCgroups(name string) {
	for _, hierarchy := range append(readNames("/sys/fs/cgroup"), "") {
		for _, below := range []string{"x/y", "x", "w", ""} {
			if dir := filepath.Join("/sys/fs/cgroup", hierarchy, name, below); exists(dir) {
				removeCgroup(dir)
			}
		}
	}
}

// N40: device rules say all that they need to.
func TestN40BadDeviceRules(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 takes any letters")
	for _, c := range []struct{ kind, access, want string }{
		{"c", "", "field cannot be empty"},
		{"z", "r", `invalid cgroup device type "z"`},
		{"c", "xyz", "/linux/resources/devices/1/access: "},
	} {
		b := s.bundle(resources(func(r *specs.LinuxResources) {
			r.Devices = append(r.Devices, specs.LinuxDeviceCgroup{Allow: true, Type: c.kind, Access: c.access})
		}))
		s.run("create", "-b", b.dir, s.id()).failsWith(1, c.want)
	}
}

// limited gives the resources to a new container that is to be refused.
func (s *scenario) refusesLimits(change func(*specs.LinuxResources), want string) {
	s.t.Helper()
	s.run("create", "-b", s.bundle(resources(change)).dir, s.id()).failsWith(1, want)
	s.oracle()
}

// N41: -1 is no limit; what cannot be is refused.
func TestN41Memory(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 has other words")
	memory := func(m specs.LinuxMemory) func(*specs.LinuxResources) {
		return func(r *specs.LinuxResources) { r.Memory = &m }
	}
	s.refusesLimits(memory(specs.LinuxMemory{Limit: ptr(int64(-2))}), "/linux/resources/memory/limit: ")
	s.refusesLimits(memory(specs.LinuxMemory{Swappiness: ptr(uint64(101))}), "invalid memory swappiness value: 101 (valid range is 0-100)")
	s.needsController("memory")
	s.refusesLimits(memory(specs.LinuxMemory{Limit: ptr(int64(16 << 20)), Swap: ptr(int64(8 << 20))}), "/linux/resources/memory/swap: ")
	b := s.bundle(resources(memory(specs.LinuxMemory{Limit: ptr(int64(-1)), Reservation: ptr(int64(8 << 20))})), sh("echo up; sleep 100"))
	id, pid := b.detached()
	file, soft := "memory.limit_in_bytes", "memory.soft_limit_in_bytes"
	if suite.view == "v2" {
		file, soft = "memory.max", "memory.low"
	}
	if limit := s.cgroupFile(pid, "memory", file); limit != "max" && len(limit) < 18 {
		s.errorf("limit %s", limit)
	}
	equal(s, "reservation", s.cgroupFile(pid, "memory", soft), itoa(8<<20))
	file = s.write("limits", `{"memory": {"limit": 4096, "checkBeforeUpdate": true}}`)
	s.run("update", "-r", file, id).failsWith(1, "unable to set memory limit to 4096 (current usage: ")
}

// N41: a limit too low to start with is an error, and the runtime lives to tell it.
func TestN41MemoryTooLow(t *testing.T) {
	s := begin(t)
	s.needsController("memory")
	s.differs("runc", "1.1.5 has other words, and needs more")
	limits := []int64{1, 4096, 64 << 10, 128 << 10, 200 << 10}
	if suite.view == "v2" {
		limits = limits[:3] // which charges less
	}
	for _, limit := range limits {
		b := s.bundle(resources(func(r *specs.LinuxResources) { r.Memory = &specs.LinuxMemory{Limit: ptr(limit)} }))
		for _, command := range []string{"create", "run"} {
			r := s.run(command, "-b", b.dir, s.id()).failsWith(1, "/linux/resources/memory/limit: ")
			equal(s, "errors", strings.Count(r.err, "level=error"), 1)
			s.oracle()
		}
	}
}

// All that is to be said is said once.
func TestN01WarningsAreToldOnce(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 has other words")
	b := s.bundle(resources(func(r *specs.LinuxResources) {
		r.Memory = &specs.LinuxMemory{Kernel: ptr(int64(1 << 24)), DisableOOMKiller: ptr(false)} //nolint:staticcheck // what is deprecated is warned of
	}))
	r := s.run("run", "-b", b.dir, s.id()).ok()
	equal(s, "warnings", strings.Count(r.err, "Kernel memory settings are ignored"), 1)
	if suite.view == "v1" {
		b.edit(resources(func(r *specs.LinuxResources) { r.Memory, r.CPU = nil, &specs.LinuxCPU{Cpus: "4000"} }))
		s.run("create", "-b", b.dir, s.id()).failsWith(1, "/linux/resources/cpu/cpus: ")
	}
}

// N42: what is saved up is no more than the quota.
func TestN42Burst(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 knows no burst")
	s.refusesLimits(func(r *specs.LinuxResources) {
		r.CPU = &specs.LinuxCPU{Quota: ptr(int64(10000)), Burst: ptr(uint64(20000))}
	}, "/linux/resources/cpu/burst: ")
}

// N43: entries that say nothing are mistakes.
func TestN43EmptyLimits(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 accepts them")
	weightless := specs.LinuxWeightDevice{}
	weightless.Major = 8
	s.refusesLimits(func(r *specs.LinuxResources) {
		r.BlockIO = &specs.LinuxBlockIO{WeightDevice: []specs.LinuxWeightDevice{weightless}}
	}, "/linux/resources/blockIO/weightDevice/0: ")
	s.refusesLimits(func(r *specs.LinuxResources) { r.Rdma = map[string]specs.LinuxRdma{"mlx5_1": {}} }, "/linux/resources/rdma/mlx5_1: ")
}

// N44: 0 is a limit, -1 is none.
func TestN44Pids(t *testing.T) {
	s := begin(t)
	s.needsController("pids")
	s.differs("runc", "1.1.5 takes 0 for no limit")
	for limit, want := range map[int64]string{0: "0", 7: "7", -1: "max"} {
		b := s.bundle(resources(func(r *specs.LinuxResources) { r.Pids = &specs.LinuxPids{Limit: ptr(limit)} }), sh("echo up; sleep 100"))
		_, pid := b.detached()
		equal(s, "pids.max", s.cgroupFile(pid, "pids", "pids.max"), want)
	}
}

// N45, N46: a limit that the host cannot hold is not left out.
func TestN45N46LimitsWithoutController(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 has other words")
	s.refusesLimits(func(r *specs.LinuxResources) {
		r.HugepageLimits = []specs.LinuxHugepageLimit{{Pagesize: "3 MB", Limit: 1}}
	}, "/linux/resources/hugepageLimits/0/pageSize: ")
	s.refusesLimits(func(r *specs.LinuxResources) {
		r.HugepageLimits = []specs.LinuxHugepageLimit{{Pagesize: "7MB", Limit: 1}}
	}, "/linux/resources/hugepageLimits/0")
	if suite.view == "v1" {
		s.refusesLimits(unified("memory.high", "max"), "cannot use unified on cgroup v1")
		return
	}
	s.refusesLimits(unified("made-up.max", "1"), `controller "made-up" not available`)
	s.refusesLimits(unified("a/b", "1"), `unified resource "a/b" must be a file name (no slashes)`)
	s.refusesLimits(unified("cgroup.bogus", "1"), "cgroup.bogus")
	b := s.bundle(resources(unified("cgroup.max.depth", "3")), sh("echo up; sleep 100"))
	_, pid := b.detached()
	equal(s, "a file that ocirun does not know", s.cgroupFile(pid, "", "cgroup.max.depth"), "3")
}

func unified(file, value string) func(*specs.LinuxResources) {
	return func(r *specs.LinuxResources) { r.Unified = map[string]string{file: value} }
}

// N47: without resctrl there is nothing to put a container into.
func TestN47IntelRdt(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 has other words")
	if exists("/sys/fs/resctrl/schemata") {
		t.Skip("this machine has resctrl")
	}
	s.run("create", "-b", s.bundle(func(c *specs.Spec) { c.Linux.IntelRdt = &specs.LinuxIntelRdt{ClosID: "x"} }).dir, s.id()).
		failsWith(1, "/linux/intelRdt: intelRdt is specified in config, but Intel RDT is not enabled")
}

// N50: the root's propagation is one of four, recursive or not.
func TestN50RootPropagation(t *testing.T) {
	s := begin(t)
	s.differs("runc", "cannot bind anything out of an unbindable tree")
	b := s.bundle()
	s.must(unix.Mount(b.rootfs, b.rootfs, "", unix.MS_BIND, ""))
	t.Cleanup(func() { unix.Unmount(b.rootfs, unix.MNT_DETACH) })
	s.must(unix.Mount("", b.rootfs, "", unix.MS_SHARED, ""))
	for want, words := range map[string]string{"": "private rprivate", "master": "slave rslave", "shared": "shared rshared", "unbindable": "unbindable runbindable"} {
		for _, word := range strings.Fields(words) {
			b.edit(func(c *specs.Spec) { c.Linux.RootfsPropagation = word })
			m := at(b.inside(), "/")
			equal(s, "root with "+word, m.propagation, want)
		}
	}
	s.run("create", "-b", s.bundle(func(c *specs.Spec) { c.Linux.RootfsPropagation = "bogus" }).dir, s.id()).failsWith(1, "rootfsPropagation=bogus is not supported")
}

// N52: a path that is no absolute one could mean anything.
func TestN52Paths(t *testing.T) {
	s := begin(t)
	s.differs("runc", "takes it relative to the root")
	for field, e := range map[string]edit{
		"maskedPaths":   func(c *specs.Spec) { c.Linux.MaskedPaths = []string{"proc/kcore"} },
		"readonlyPaths": func(c *specs.Spec) { c.Linux.ReadonlyPaths = []string{"proc/sys"} },
	} {
		s.run("create", "-b", s.bundle(e).dir, s.id()).failsWith(1, "/linux/"+field+"/0: ")
	}
	b := s.bundle(func(c *specs.Spec) {
		c.Linux.MaskedPaths, c.Linux.ReadonlyPaths = []string{"/etc/secret"}, []string{"/dev/shm", "/nonexistent"}
	},
		sh("cat /etc/secret; touch /dev/shm/x || echo refused"))
	b.file("etc/secret", "hidden")
	equal(s, "inside", b.payload(), "refused\n")
}
