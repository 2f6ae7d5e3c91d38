package integration

import (
	"os"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// allCapabilities is what a container needs that runs containers.
func allCapabilities(c *specs.Spec) {
	names := strings.Fields(`CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETGID CAP_SETUID CAP_SETPCAP CAP_NET_BIND_SERVICE
		CAP_NET_ADMIN CAP_NET_RAW CAP_SYS_CHROOT CAP_SYS_ADMIN CAP_MKNOD CAP_AUDIT_WRITE CAP_SETFCAP CAP_SYS_PTRACE`)
	c.Process.Capabilities = &specs.LinuxCapabilities{Bounding: names, Effective: names, Permitted: names, Inheritable: names}
	c.Process.NoNewPrivileges = false
}

// privileged is a container as engines give it to those who want to run an engine in it.
func privileged(c *specs.Spec) {
	allCapabilities(c)
	c.Linux.MaskedPaths, c.Linux.ReadonlyPaths = nil, nil
	c.Linux.Resources.Devices = []specs.LinuxDeviceCgroup{{Allow: true, Access: "rwm"}}
	for i := range c.Mounts {
		switch c.Mounts[i].Destination {
		case "/sys", "/sys/fs/cgroup":
			c.Mounts[i].Options = []string{"nosuid", "nodev", "noexec"}
		}
	}
}

// nested puts the runtime and a bundle into a container, and gives the script that the
// container is to run them with.
func (s *scenario) nested(inner *bundle, outer ...edit) *bundle {
	s.t.Helper()
	mounts := addMounts(bind(suite.runtime, "/bin/runtime", "ro"), bind(inner.dir, "/inner"),
		specs.Mount{Destination: "/run", Type: "tmpfs", Source: "run", Options: []string{"nosuid", "nodev", "mode=755"}})
	b := s.bundle(append(outer, mounts)...)
	b.edit(sh(`runtime --root /run/state run -b /inner inside; echo code $?
		runtime --root /run/state run -d -b /inner again >/dev/null </dev/null 2>/dev/null; runtime --root /run/state list -q; runtime --root /run/state delete --force again
		ls /run/state; find /sys/fs/cgroup -name inside -o -name again`))
	return b
}

// The runtime runs in a container of its own, with the rights of the host's root and in
// the container's cgroup.
func TestNestedPrivileged(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 leaves something in its state directory")
	inner := s.bundle(sh("echo $$; hostname; id -u; cat /proc/self/uid_map; test -e /bin/runtime && echo seen; test -c /dev/null && echo x >/dev/null && echo null"),
		func(c *specs.Spec) { c.Hostname = "inner" })
	for name, e := range map[string]edit{
		"plain":            func(*specs.Spec) {},
		"cgroup namespace": namespace(specs.CgroupNamespace, ""),
	} {
		b := s.nested(inner, privileged, e)
		equal(s, name, strings.Join(strings.Fields(b.payload()), " "), "1 inner 0 0 0 4294967295 null code 0 again")
	}
}

// In a user namespace the runtime has the rights of its root, and no cgroup that it
// could use.
func TestNestedInUserNamespace(t *testing.T) {
	for name, e := range map[string]edit{
		"the container's user namespace": func(*specs.Spec) {},
		"a further one": func(c *specs.Spec) {
			ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: 1000, Size: 1000}}
			c.Linux.UIDMappings, c.Linux.GIDMappings = ids, ids
			namespace(specs.UserNamespace, "")(c)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := begin(t)
			s.differs("runc", "1.1.5 does not run there")
			s.traversable()
			inner := s.bundle(sh("echo $$; hostname; id -u; test -e /bin/runtime && echo seen; test -c /dev/null && echo x >/dev/null && echo null"),
				func(c *specs.Spec) { c.Hostname, c.Linux.Resources = "inner", nil }, e)
			inner.giveTo(firstID)
			if name == "a further one" {
				inner.giveTo(firstID + 1000)
			}
			b := s.nested(inner, allCapabilities)
			b.userNamespace()
			b.edit(func(c *specs.Spec) { c.Linux.MaskedPaths, c.Linux.ReadonlyPaths = nil, nil })
			s.must(os.Chown(inner.dir, firstID, firstID))
			equal(s, "output", strings.Join(strings.Fields(b.payload()), " "), "1 inner 0 null code 0 again")
		})
	}
}
