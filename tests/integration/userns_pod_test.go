package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// Two containers in one user namespace, as in a pod: the second one joins the
// namespaces of the first and repeats its mappings.
func TestUserNamespacePod(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 refuses mappings beside a path")
	s.traversable()
	pause := s.bundle(sh("echo up; sleep 100"))
	pause.userNamespace()
	_, pid := pause.detached()
	ns := fmt.Sprintf("/proc/%d/ns/", pid)
	b := s.bundle(namespace("user", ns+"user"), namespace("network", ns+"net"), namespace("ipc", ns+"ipc"), namespace("uts", ns+"uts"),
		sh("for n in user net ipc uts; do readlink /proc/self/ns/$n; done; echo $$; id -u; touch /dev/shm/x && stat -c %u /dev/shm/x"),
		func(c *specs.Spec) {
			c.Hostname = ""
			// the same map in two pieces
			c.Linux.UIDMappings = []specs.LinuxIDMapping{{ContainerID: 100, HostID: firstID + 100, Size: 65436}, {ContainerID: 0, HostID: firstID, Size: 100}}
			c.Linux.GIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: firstID, Size: 65536}}
		})
	var want []string
	for _, name := range []string{"user", "net", "ipc", "uts"} {
		link, err := os.Readlink(ns + name)
		s.must(err)
		want = append(want, link)
	}
	equal(s, "output", strings.Join(strings.Fields(b.payload()), " "), strings.Join(want, " ")+" 1 0 0")

	b.edit(func(c *specs.Spec) { c.Linux.UIDMappings, c.Linux.GIDMappings = nil, nil }, args("id", "-u"))
	equal(s, "without mappings", b.payload(), "0\n")

	b.edit(func(c *specs.Spec) {
		c.Linux.GIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: firstID, Size: 65535}}
	})
	s.run("run", "-b", b.dir, s.id()).failsWith(1, "/linux/gidMappings: compare id maps: user namespaces enabled, but both namespace path and non-matching mapping specified -- you may only provide one")
}

// A container that joins a user namespace whose maps its configuration does not repeat
// lacks nothing for that.
func TestUserNamespaceJoinedUnmapped(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 opens the sources of mounts as the container's root")
	s.traversable()
	pause := s.bundle(sh("echo up; sleep 100"))
	pause.userNamespace()
	_, pid := pause.detached()
	secret := filepath.Dir(s.write("secret/dir/file", "content\n"))
	s.must(os.Chmod(filepath.Dir(secret), 0o700))
	b := s.bundle(user(7, 7), addMounts(bind(secret, "/mnt")), sh("cat /mnt/file; echo out >/dev/stdout; echo err >/dev/stderr; stat -L -c %u /proc/self/fd/1"))
	b.userNamespace()
	b.edit(namespace("user", "/proc/"+itoa(pid)+"/ns/user"), func(c *specs.Spec) { c.Linux.UIDMappings, c.Linux.GIDMappings = nil, nil })
	r := s.run("run", "-b", b.dir, s.id()).ok()
	equal(s, "output", r.out, "content\nout\n7\n")
	equal(s, "error", r.err, "err\n")
	b.edit(sh("echo up; sleep 100"))
	id, _ := b.detached()
	equal(s, "output of exec", s.run("exec", id, "sh", "-c", "echo out >/dev/stdout; id -u").ok().out, "out\n7\n")
	if suite.view == "v2" {
		b.edit(writableCgroup, sh("stat -c %u /sys/fs/cgroup/cgroup.procs"))
		equal(s, "owner of the cgroup", b.payload(), "7\n")
	}
	b.edit(user(99999, 0))
	s.run("run", "-b", b.dir, s.id()).exits(1)
}
