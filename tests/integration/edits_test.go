package integration

import (
	"os"
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// bind is a bind mount; the option bind is added.
func bind(source, destination string, options ...string) specs.Mount {
	return specs.Mount{Type: "bind", Source: source, Destination: destination, Options: append([]string{"bind"}, options...)}
}

// mountFails spoils a bundle with a mount.
func mountFails(m specs.Mount) func(*bundle) {
	return func(b *bundle) { b.edit(addMounts(m)) }
}

func env(entries ...string) edit {
	return func(c *specs.Spec) { c.Process.Env = append(c.Process.Env, entries...) }
}

func rlimit(kind string, soft, hard uint64) edit {
	return func(c *specs.Spec) {
		c.Process.Rlimits = append(c.Process.Rlimits, specs.POSIXRlimit{Type: kind, Soft: soft, Hard: hard})
	}
}

func sysctl(key, value string) edit {
	return func(c *specs.Spec) {
		if c.Linux.Sysctl == nil {
			c.Linux.Sysctl = map[string]string{}
		}
		c.Linux.Sysctl[key] = value
	}
}

func device(d specs.LinuxDevice) edit {
	return func(c *specs.Spec) { c.Linux.Devices = append(c.Linux.Devices, d) }
}

// user runs the program as somebody else.
func user(uid, gid uint32, additional ...uint32) edit {
	return func(c *specs.Spec) { c.Process.User = specs.User{UID: uid, GID: gid, AdditionalGids: additional} }
}

// resources gives the limits to change; the device rules of the default stay.
func resources(change func(*specs.LinuxResources)) edit {
	return func(c *specs.Spec) { change(c.Linux.Resources) }
}

// rm removes what a scenario made outside of its own directory.
func rm(s *scenario, path string) {
	s.t.Helper()
	s.must(os.Remove(path))
}

func itoa(n int) string { return strconv.Itoa(n) }
