package integration

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// nsFiles maps the names of the spec to those of /proc/PID/ns.
var nsFiles = map[specs.LinuxNamespaceType]string{
	"pid": "pid", "network": "net", "ipc": "ipc", "uts": "uts", "mount": "mnt", "cgroup": "cgroup", "user": "user", "time": "time",
}

// ours is the namespace of the tests, and so of the runtime.
func ours(s *scenario, kind specs.LinuxNamespaceType) string {
	s.t.Helper()
	link, err := os.Readlink("/proc/self/ns/" + nsFiles[kind])
	s.must(err)
	return link
}

// theirs asks a container for its namespace.
func (b *bundle) theirs(kind specs.LinuxNamespaceType) string {
	b.s.t.Helper()
	b.edit(args("readlink", "/proc/self/ns/"+nsFiles[kind]))
	return strings.TrimSpace(b.payload())
}

func TestNamespacesNew(t *testing.T) {
	for _, kind := range []specs.LinuxNamespaceType{"pid", "network", "ipc", "uts", "mount", "cgroup"} {
		t.Run(string(kind), func(t *testing.T) {
			s := begin(t)
			b := s.bundle(namespace(kind, ""))
			if got := b.theirs(kind); got == ours(s, kind) || !strings.HasPrefix(got, nsFiles[kind]+":[") {
				s.errorf("%s namespace %q is not a new one", kind, got)
			}
		})
	}
}

func TestNamespacesInherited(t *testing.T) {
	for _, kind := range []specs.LinuxNamespaceType{"pid", "network", "ipc", "uts", "cgroup", "user", "time"} {
		t.Run(string(kind), func(t *testing.T) {
			s := begin(t)
			b := s.bundle(withoutNamespace(kind))
			if kind == "uts" {
				b.edit(func(c *specs.Spec) { c.Hostname = "" })
			}
			if kind == "network" {
				// sysfs shows the network namespace of its mounter and needs privilege over it.
				b.edit(withoutMount("/sys/fs/cgroup"), withoutMount("/sys"))
			}
			equal(s, "namespace", b.theirs(kind), ours(s, kind))
		})
	}
}

// holder is a process that lives in namespaces of its own until the scenario ends.
func (s *scenario) holder(flags uintptr) string {
	s.t.Helper()
	cmd := exec.Command(suite.busybox, "sleep", "1000")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL}
	s.help(cmd)
	return fmt.Sprintf("/proc/%d/ns/", cmd.Process.Pid)
}

func TestNamespacesJoined(t *testing.T) {
	cases := map[specs.LinuxNamespaceType]uintptr{
		"network": syscall.CLONE_NEWNET, "ipc": syscall.CLONE_NEWIPC, "uts": syscall.CLONE_NEWUTS, "pid": syscall.CLONE_NEWPID,
	}
	for kind, flag := range cases {
		t.Run(string(kind), func(t *testing.T) {
			joined(t, kind, flag)
		})
	}
}

func joined(t *testing.T, kind specs.LinuxNamespaceType, flag uintptr) {
	s := begin(t)
	path := s.holder(flag) + nsFiles[kind]
	b := s.bundle(namespace(kind, path))
	want, err := os.Readlink(path)
	s.must(err)
	if kind == "uts" {
		b.edit(func(c *specs.Spec) { c.Hostname = "" })
	}
	equal(s, "namespace", b.theirs(kind), want)

	b.edit(sh("echo up; sleep 100"))
	id, pid := b.detached()
	got, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, nsFiles[kind]))
	s.must(err)
	equal(s, "namespace of a detached container", got, want)
	s.run("kill", id, "KILL").ok()
	equal(s, "gone", gone(pid), true)
	s.becomes(id, "stopped")
	s.run("delete", id).ok()
	if _, err := os.Readlink(path); err != nil {
		s.errorf("the joined namespace's owner died with the container: %v", err)
	}
}

func TestNamespacesJoinedNetworkAndPidTogether(t *testing.T) {
	s := begin(t)
	path := s.holder(syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC)
	b := s.bundle(namespace("network", path+"net"), namespace("pid", path+"pid"), namespace("ipc", path+"ipc"),
		sh("for n in net pid ipc; do readlink /proc/self/ns/$n; done; echo $$"))
	lines := strings.Fields(b.payload())
	equal(s, "lines", len(lines), 4)
	for i, name := range []string{"net", "pid", "ipc"} {
		want, err := os.Readlink(path + name)
		s.must(err)
		equal(s, name, lines[i], want)
	}
	if lines[3] == "1" {
		s.errorf("pid is 1 although the namespace has an init")
	}
}

func TestNamespacesHostnameAndPid(t *testing.T) {
	s := begin(t)
	b := s.bundle(sh("hostname; echo $$; set -- /proc/[0-9]*; echo $#"))
	lines := strings.Fields(b.payload())
	equal(s, "hostname", lines[0], "testhost")
	equal(s, "pid", lines[1], "1")
	equal(s, "processes", lines[2], "1")
}

func TestNamespacesHostnameStaysOnTheHost(t *testing.T) {
	s := begin(t)
	before, err := os.Hostname()
	s.must(err)
	s.bundle().payload()
	after, err := os.Hostname()
	s.must(err)
	equal(s, "host name of the host", after, before)
}

func TestNamespacesLoopbackIsUp(t *testing.T) {
	s := begin(t)
	out := s.bundle(sh("ip -o link; cat /proc/net/route")).payload()
	s.contains("links", out, "<LOOPBACK,UP,LOWER_UP>")
	equal(s, "links and the header of the routes", strings.Count(out, "\n"), 2)
}

func TestNamespacesCgroup(t *testing.T) {
	s := begin(t)
	out := s.bundle(namespace("cgroup", ""), args("cat", "/proc/self/cgroup")).payload()
	for line := range strings.Lines(out) {
		if fields := strings.SplitN(strings.TrimSpace(line), ":", 3); suite.view == "v1" || fields[0] == "0" {
			equal(s, "cgroup "+fields[1]+" seen from inside", fields[2], "/")
		}
	}
}

// sleeper is a process on the host.
func (s *scenario) sleeper() int {
	s.t.Helper()
	cmd := exec.Command(suite.busybox, "sleep", "1000")
	s.help(cmd)
	return cmd.Process.Pid
}
