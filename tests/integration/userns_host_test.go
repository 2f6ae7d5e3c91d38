package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// closed makes the scenario's directory one that the container's root may not enter.
func (s *scenario) closed() {
	s.t.Helper()
	s.must(os.Chmod(s.dir, 0o700))
}

// Root of a user namespace may not pass the directories above the root file system
// and above the sources; whoever made them for the container could.
func TestUserNamespaceUnreachableSources(t *testing.T) {
	s := begin(t)
	s.differs("runc", "opens the root file system as the container's root")
	s.differs("crun", "opens the root file system as the container's root")
	file := s.write("deep/source/file", "content")
	s.must(os.Chmod(filepath.Dir(filepath.Dir(file)), 0o700))
	b := s.bundle(addMounts(bind(filepath.Dir(file), "/dir", "ro"), bind(file, "/file")),
		sh("cat /dir/file /file; touch /dir/x 2>/dev/null || echo refused; cat /proc/self/mountinfo"))
	b.userNamespace()
	s.closed()
	out := b.payload()
	s.contains("output", out, "contentcontentrefused\n")
	// No event of the container's mounts reaches the host's.
	s.lacks("propagation", out, "shared:")
}

func TestUserNamespaceManySources(t *testing.T) {
	s := begin(t)
	s.differs("runc", "opens all sources at once")
	s.traversable()
	source := filepath.Dir(s.write("source/file", "content"))
	const many = 1000
	few := func(c *specs.Spec) { c.Process.Rlimits[0].Soft, c.Process.Rlimits[0].Hard = 32, 32 }
	b := s.bundle(few, sh("ulimit -n; cat /m/999/file; grep -c ' /m/' /proc/mounts; ls /proc/self/fd | wc -l"))
	for i := range many {
		s.must(os.MkdirAll(b.path("m/"+itoa(i)), 0o755))
		b.spec.Mounts = append(b.spec.Mounts, bind(source, "/m/"+itoa(i)))
	}
	b.userNamespace()
	equal(s, "output", strings.Join(strings.Fields(b.payload()), " "), "32 content1000 4")
}

// A source that cannot be opened although the container is being built already.
func TestUserNamespaceSourceGone(t *testing.T) {
	s := begin(t)
	s.differs("runc", "opens its sources itself and has other words")
	s.traversable()
	source := filepath.Dir(s.write("source/file", "content"))
	b := s.bundle()
	for i := range 100 {
		s.must(os.MkdirAll(b.path("m/"+itoa(i)), 0o755))
		b.spec.Mounts = append(b.spec.Mounts, bind(source, "/m/"+itoa(i)))
	}
	// The runtime sees a source that cannot be cloned only when it does so.
	s.mountTmpfs(source, unix.MS_UNBINDABLE)
	t.Cleanup(func() { s.unmount(source) })
	b.userNamespace()
	s.run("run", "-b", b.dir, s.id()).failsWith(1, "/mounts/7: bind "+source+" on /m/0: invalid argument")
	good := s.bundle()
	other := filepath.Dir(s.write("other/file", "content"))
	for i := range 100 {
		s.must(os.MkdirAll(good.path("m/"+itoa(i)), 0o755))
		good.spec.Mounts = append(good.spec.Mounts, bind(other, "/m/"+itoa(i)))
	}
	good.spec.Mounts[len(good.spec.Mounts)-1].Source = source
	good.userNamespace()
	s.run("run", "-b", good.dir, s.id()).failsWith(1, "bind "+source+" on /m/99: invalid argument")
	s.oracle()
}

// A kernel file system belongs to a namespace; where that is not the container's,
// the host's is bound instead.
func TestUserNamespaceSharesNetworkOrPids(t *testing.T) {
	for kind, point := range map[specs.LinuxNamespaceType]string{"network": "/sys", "pid": "/proc"} {
		t.Run(string(kind), func(t *testing.T) {
			s := begin(t)
			s.differs("runc", "refuses the mount")
			s.traversable()
			b := s.bundle(withoutNamespace(kind), sh("cat /proc/self/mountinfo; ls /sys/kernel /proc/self/status >/dev/null && echo there; readlink /proc/self/ns/"+nsFiles[kind]))
			b.userNamespace()
			out := b.payload()
			s.contains("output", out, "there\n"+ours(s, kind))
			m := at(parseMounts(out), point)
			equal(s, "type", m.fsType, strings.TrimPrefix(point, "/")+map[string]string{"/sys": "fs"}[point])
			if point == "/sys" {
				equal(s, "read-only", m.has("ro"), true)
			}
		})
	}
}

func TestUserNamespaceDeviceOfTheHost(t *testing.T) {
	s := begin(t)
	s.traversable()
	for name, c := range map[string]struct {
		d       specs.LinuxDevice
		message string
	}{
		"missing": {specs.LinuxDevice{Path: "/dev/it-none", Type: "c", Major: 1, Minor: 3}, "no such file or directory; a user namespace can have only devices that the host has at the same path"},
		"other":   {specs.LinuxDevice{Path: "/dev/zero", Type: "c", Major: 1, Minor: 3}, "no such device; a user namespace can have only devices"},
	} {
		s.differs("runc", "binds whatever is there")
		b := s.bundle(device(c.d))
		b.userNamespace()
		r := s.run("run", "-b", b.dir, s.id())
		r.failsWith(1, "/linux/devices/0: bind "+c.d.Path)
		s.contains(name, r.message(), c.message)
	}
	b := s.bundle(device(specs.LinuxDevice{Path: "/dev/zero", Type: "c", Major: 1, Minor: 5}),
		device(specs.LinuxDevice{Path: "/dev/fifo", Type: "p", FileMode: ptr(os.FileMode(0o640))}), sh("stat -c %A-%t:%T /dev/zero /dev/fifo"))
	b.userNamespace()
	equal(s, "devices", b.payload(), "crw-rw-rw--1:5\nprw-r------0:0\n")
	s.oracle()
}

// Hooks and the pid file are about the container's own first process, although
// another one has entered the namespaces.
func TestUserNamespaceHooksAndPidFile(t *testing.T) {
	s := begin(t)
	s.traversable()
	log, pidFile := s.write("log", ""), filepath.Join(s.dir, "pid")
	script := `state=$(cat); pid=${state#*\"pid\":}; pid=${pid%%,*}; readlink /proc/$pid/ns/pid >>` + log + `; readlink /proc/$pid/ns/user >>` + log
	b := s.bundle(func(c *specs.Spec) {
		c.Hooks = &specs.Hooks{
			CreateRuntime:   []specs.Hook{{Path: "/bin/sh", Args: []string{"sh", "-c", script}}},
			CreateContainer: []specs.Hook{{Path: "/bin/sh", Args: []string{"sh", "-c", "pwd >" + log + ".2; ls >>" + log + ".2; id -u >>" + log + ".2"}}},
		}
	}, sh("echo up; sleep 100"))
	b.userNamespace()
	s.must(os.WriteFile(log+".2", nil, 0o644))
	s.must(os.Chown(log+".2", firstID, firstID))
	id := s.create(b, "--pid-file", pidFile)
	pid := s.state(id).Pid
	equal(s, "pid file", s.read(pidFile), itoa(pid))
	for i, name := range []string{"pid", "user"} {
		link, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, name))
		s.must(err)
		equal(s, name+" namespace seen by the hook", strings.Fields(s.read(log))[i], link)
	}
	s.contains("createContainer hook", s.read(log+".2"), "proc")
	equal(s, "its user", s.read(log + ".2")[len(s.read(log+".2"))-1:], "0")
	s.run("start", id).ok()
	equal(s, "pid after start", s.state(id).Pid, pid)
	s.run("kill", id, "KILL").ok()
	s.becomes(id, "stopped")
}

// A hook that fails leaves nothing behind, the process that the init forked neither.
func TestUserNamespaceHookFails(t *testing.T) {
	for _, kind := range []string{"runtime", "container"} {
		t.Run(kind, func(t *testing.T) {
			s := begin(t)
			s.traversable()
			hook := []specs.Hook{{Path: "/bin/sh", Args: []string{"sh", "-c", "exit 3"}}}
			b := s.bundle(func(c *specs.Spec) {
				c.Hooks = &specs.Hooks{CreateRuntime: hook}
				if kind == "container" {
					c.Hooks = &specs.Hooks{CreateContainer: hook}
				}
			})
			b.userNamespace()
			s.run("create", "-b", b.dir, s.id()).failsWith(1, "exit status 3")
			s.oracle()
		})
	}
}

func TestUserNamespaceTerminal(t *testing.T) {
	s := begin(t)
	s.traversable()
	socket := s.consoleSocket()
	b := s.bundle(terminal, user(1000, 1000), sh("tty; stat -c %u:%g /dev/pts/0; echo x >/dev/tty; echo y >/dev/console && echo end; sleep 100"))
	b.userNamespace()
	id := s.id()
	s.run("run", "-d", "--console-socket", socket.path, "-b", b.dir, id).ok()
	term := socket.receive()
	term.expect("/dev/pts/0\r\n1000:5\r\nx\r\ny\r\nend")
}

// The pipes of a foreground container belong to its root, who may open them anew.
func TestUserNamespaceStdio(t *testing.T) {
	s := begin(t)
	s.traversable()
	for _, uid := range []uint32{0, 1000} {
		b := s.bundle(user(uid, uid), sh("echo out >/dev/stdout; echo err >/dev/stderr"))
		b.userNamespace()
		r := s.run("run", "-b", b.dir, s.id()).ok()
		equal(s, "standard output", r.out, "out\n")
		equal(s, "standard error", r.err, "err\n")
	}
}

func TestUserNamespaceCgroup(t *testing.T) {
	s := begin(t)
	s.traversable()
	b := s.bundle(namespace("cgroup", ""), sh("cat /proc/self/cgroup; ls /sys/fs/cgroup; echo up; sleep 100"))
	b.userNamespace()
	id, pid := b.detached()
	for line := range strings.Lines(s.read(fmt.Sprintf("/proc/%d/cgroup", pid))) {
		if suite.view == "v1" || strings.HasPrefix(line, "0::") {
			s.contains("cgroup on the host", line, id)
		}
	}
	s.run("pause", id).ok()
	s.status(id, "paused")
	s.run("resume", id).ok()
	s.run("kill", id, "KILL").ok()
	s.becomes(id, "stopped")
}

// The runtime inside of a user namespace, as in a container of another engine.
func TestUserNamespaceNested(t *testing.T) {
	outer := nestedOuter
	noGroups := withoutGroups
	for name, edits := range map[string][]edit{
		"shared": {noGroups, withoutMount("/sys/fs/cgroup")},
		"own": {noGroups, withoutMount("/sys/fs/cgroup"), namespace("user", ""), func(c *specs.Spec) {
			c.Linux.UIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: 0, Size: 1}}
			c.Linux.GIDMappings = c.Linux.UIDMappings
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := begin(t)
			s.differs("runc", "writes groups that the namespace denies")
			b := s.bundle(append(edits, sh("id -u; cat /proc/self/uid_map; echo x >/dev/null; echo $$"))...)
			r := s.cmd("run", "-b", b.dir, s.id()).through(outer...).ok()
			equal(s, "output", strings.Join(strings.Fields(r.out), " "), "0 0 0 1 1")
			s.oracle()
		})
	}
}

// Root of a user namespace that makes a network namespace cannot come back to the host's:
// one thread of the runtime is lost, which must not be one that the init depends on. That
// is by chance, most often with one thread at a time.
func TestUserNamespaceNestedManyTimes(t *testing.T) {
	s := begin(t)
	s.differs("runc", "writes groups that the namespace denies")
	b := s.bundle(withoutGroups, withoutMount("/sys/fs/cgroup"), args("/bin/true"))
	for range 100 {
		c := s.cmd("run", "-b", b.dir, s.id())
		c.env = []string{"GOMAXPROCS=1"}
		c.through(nestedOuter...).ok()
	}
}

var nestedOuter = []string{"unshare", "-m", "-U", "--map-root-user", "-p", "-f", "--mount-proc", "--propagation", "slave"}

// withoutGroups takes out what a user namespace with one group denies.
func withoutGroups(c *specs.Spec) {
	for i := range c.Mounts {
		c.Mounts[i].Options = withoutPrefix(c.Mounts[i].Options, "gid=")
	}
	c.Linux.Resources = nil
}

func withoutPrefix(list []string, prefix string) (kept []string) {
	for _, item := range list {
		if !strings.HasPrefix(item, prefix) {
			kept = append(kept, item)
		}
	}
	return kept
}

func TestTimeNamespaceMixed(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 knows no time namespaces")
	s.traversable()
	shifted := func(c *specs.Spec) {
		c.Linux.TimeOffsets = map[string]specs.LinuxTimeOffset{"boottime": {Secs: 1000000}, "monotonic": {Secs: 2000000}}
	}
	b := s.bundle(namespace("time", ""), shifted, sh("cut -d. -f1 /proc/uptime; echo up; sleep 100"))
	b.userNamespace()
	id := s.id()
	r := s.run("run", "-d", "-b", b.dir, id).ok()
	if first := strings.Fields(r.waitFor("up\n"))[0]; len(first) < 7 {
		s.errorf("uptime %s in a new user namespace is not shifted", first)
	}
	ns := fmt.Sprintf("/proc/%d/ns/", s.state(id).Pid)
	for name, edits := range map[string][]edit{
		"joined":                   {namespace("time", ns+"time")},
		"joined with user":         {namespace("time", ns+"time"), namespace("user", ns+"user")},
		"new in a joined user":     {namespace("time", ""), namespace("user", ns+"user"), shifted},
		"new with a joined pid":    {namespace("time", ""), namespace("pid", ns+"pid"), shifted},
		"new without user and pid": {namespace("time", ""), withoutNamespace("pid"), shifted},
	} {
		other := s.bundle(append(edits, sh("cut -d. -f1 /proc/uptime; readlink /proc/self/ns/time"))...)
		lines := strings.Fields(other.payload())
		if len(lines[0]) < 7 {
			s.errorf("%s: uptime %s is not shifted", name, lines[0])
		}
		link, err := os.Readlink(ns + "time")
		s.must(err)
		equal(s, name+": the same namespace", lines[1] == link, strings.HasPrefix(name, "joined"))
	}
	far := s.bundle(namespace("time", ""), func(c *specs.Spec) {
		c.Linux.TimeOffsets = map[string]specs.LinuxTimeOffset{"boottime": {Secs: -1 << 40}}
	})
	s.run("run", "-b", far.dir, s.id()).failsWith(1, "/linux/timeOffsets/boottime: offset the boottime clock: numerical result out of range; the clock would be negative")
}

// A runtime that is killed at any moment leaves no process: the init that has changed
// its ids and forked dies with it, too.
func TestUserNamespaceRuntimeKilled(t *testing.T) {
	s := begin(t)
	s.differs("runc", "its hooks and its init are other processes, and outlive it")
	s.traversable()
	log := s.write("log", "")
	s.must(os.Chown(log, firstID, firstID))
	b := s.bundle(addHook("createContainer", "echo up >"+log+"; sleep 100"))
	b.userNamespace()
	id := s.id()
	c := s.cmd("create", "-b", b.dir, id)
	c.start()
	s.eventually("the hook runs", func() bool { return s.read(log) == "up" })
	s.must(c.exec.Process.Signal(syscall.SIGKILL))
	c.exec.Wait()
	s.run("delete", "--force", id).ok()
	s.oracle()
}

// The root is taken whether or not its place can be reached, and whatever becomes of
// the inherited mounts.
func TestUserNamespaceRoot(t *testing.T) {
	for _, propagation := range []string{"", "shared", "rshared", "slave", "rprivate"} {
		for _, flag := range []string{"", "--no-pivot"} {
			for _, reach := range []bool{true, false} {
				if propagation == "rprivate" && flag != "" {
					continue // refused
				}
				t.Run(fmt.Sprintf("%s %s %v", propagation, flag, reach), func(t *testing.T) {
					s := begin(t)
					s.differs("runc", "opens the root file system as the container's root")
					s.traversable()
					b := s.bundle(sh("pwd; ls /bin/busybox; head -1 /proc/self/mountinfo"), func(c *specs.Spec) { c.Linux.RootfsPropagation = propagation })
					b.userNamespace()
					if !reach {
						s.closed()
					}
					argv := []string{"run", "-b", b.dir, s.id()}
					if flag != "" {
						argv = []string{"run", flag, "-b", b.dir, s.id()}
					}
					out := s.run(argv...).ok().out
					s.contains("output", out, "/\n/bin/busybox\n")
					equal(s, "shared", strings.Contains(out, " shared:"), strings.HasSuffix(propagation, "shared"))
				})
			}
		}
	}
}

// What is mounted on the host below a source shows in the container, never the other
// way round.
func TestUserNamespacePropagation(t *testing.T) {
	s := begin(t)
	s.traversable()
	source := filepath.Join(s.dir, "source")
	s.must(os.Mkdir(source, 0o755))
	s.mountTmpfs(source, unix.MS_SHARED)
	s.must(os.Mkdir(filepath.Join(source, "below"), 0o755))
	b := s.bundle(addMounts(bind(source, "/mnt", "rbind")), capabilities("CAP_SYS_ADMIN"),
		sh("mount -t tmpfs mine /mnt/below && grep -c mine /proc/mounts; umount /mnt/below; echo up; while ! grep -q theirs /proc/mounts; do usleep 20000; done; echo seen; sleep 100"))
	b.userNamespace()
	id := s.id()
	r := s.run("run", "-d", "-b", b.dir, id).ok()
	r.waitFor("1\nup\n")
	below := filepath.Join(source, "below")
	s.must(unix.Mount("theirs", below, "tmpfs", 0, ""))
	r.waitFor("seen\n")
	s.must(unix.Unmount(below, 0))
	s.run("kill", id, "KILL").ok()
	s.becomes(id, "stopped")
}

// A create that is killed leaves nothing, also while the init waits for its id maps,
// forks, or takes its mounts.
func TestCrashOfCreateInUserNamespace(t *testing.T) {
	var b *bundle
	var id string
	sweep(t, killSteps(t), 2*createTime(t), func(s *scenario) *command {
		if b == nil {
			s.traversable()
			b = s.bundle(sh("sleep 100"), addMounts(bind("/etc", "/mnt", "rbind")))
			b.userNamespace()
		}
		id = s.id()
		return s.cmd("create", "-b", b.dir, id)
	}, func(s *scenario) {
		s.run("delete", "--force", id).ok()
		s.run("state", id).exits(1)
	})
}
