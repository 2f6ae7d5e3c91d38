package integration

import (
	"os/exec"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// withDevices runs a bundle by a runtime in a network namespace of its own, in which a
// script has made devices.
func (b *bundle) withDevices(script string) result {
	b.s.t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		b.s.t.Skip("needs ip(8) to make network devices")
	}
	c := b.s.cmd("run", "-b", b.dir, b.s.id())
	return c.through("unshare", "-n", "/bin/sh", "-ec", script+"\nexec \"$@\"", "sh")
}

func netDevice(name, as string) edit {
	return func(c *specs.Spec) {
		if c.Linux.NetDevices == nil {
			c.Linux.NetDevices = map[string]specs.LinuxNetDevice{}
		}
		c.Linux.NetDevices[name] = specs.LinuxNetDevice{Name: as}
	}
}

const makeDevices = `ip link add v0 type veth peer name v1; ip addr add 10.9.8.7/24 dev v0; ip -6 addr add fd00::7/64 dev v0 nodad
	ip link set v0 up; ip link set v1 up`

// N36.
func TestN36NetDevices(t *testing.T) {
	for name, more := range map[string]edit{"plain": func(*specs.Spec) {}, "user namespace": mapped} {
		t.Run(name, func(t *testing.T) {
			s := begin(t)
			s.differs("runc", unknownField)
			b := s.bundle(more, netDevice("v0", "eth0"), netDevice("v1", ""), sh("ip addr show; ls /sys/class/net"))
			out := b.withDevices(makeDevices).ok().out
			for _, want := range []string{"eth0@", "inet 10.9.8.7/24 ", "inet6 fd00::7/64 ", "v1@", "UP"} {
				s.contains("in the container", out, want)
			}
			s.lacks("in the container", out, "v0")
		})
	}
}

// A hook finds the devices in the container.
func TestFieldsNetDevicesBeforeHooks(t *testing.T) {
	s := begin(t)
	s.differs("runc", unknownField)
	out := s.dir + "/out"
	b := s.bundle(netDevice("v0", "net%d"), func(c *specs.Spec) {
		c.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{{
			Path: "/bin/sh", Args: []string{"sh", "-c", `pid=$(sed 's/.*"pid":\([0-9]*\).*/\1/'); nsenter -t $pid -n ip -o link >` + out},
			Env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"},
		}}}
	})
	b.withDevices(makeDevices).ok()
	s.contains("devices at the hook", s.read(out), "net0@")
}

func TestFieldsNetDevicesInJoinedNamespace(t *testing.T) {
	s := begin(t)
	s.differs("runc", unknownField)
	_, pid := s.bundle(sh("echo up; sleep 100")).detached()
	b := s.bundle(namespace(specs.NetworkNamespace, "/proc/"+itoa(pid)+"/ns/net"), netDevice("v0", "eth7"), netDevice("v1", ""), args("ip", "addr", "show", "eth7"))
	s.contains("in the container", b.withDevices(makeDevices).ok().out, "10.9.8.7/24")
	// It is the namespace's now, not the container's.
	table := s.read("/proc/" + itoa(pid) + "/net/dev")
	s.contains("afterwards", table, "eth7:")
	r := s.bundle(namespace(specs.NetworkNamespace, "/proc/"+itoa(pid)+"/ns/net"), netDevice("v0", "eth7")).withDevices(makeDevices)
	r.failsWith(1, "/linux/netDevices/v0: move network device v0: eth7: a network device of that name exists")
}

func TestFieldsNetDevicesRefused(t *testing.T) {
	s := begin(t)
	s.differs("runc", unknownField)
	r := s.bundle(netDevice("nope", "")).withDevices("true")
	r.failsWith(1, "/linux/netDevices/nope: move network device nope: link not found for interface nope on runtime namespace")
	r = s.bundle(netDevice("v0", "a/b")).withDevices("true")
	r.failsWith(1, `/linux/netDevices/v0/name: invalid network device name "a/b"`)
	r = s.bundle(netDevice("v0", ""), withoutNamespace(specs.NetworkNamespace)).withDevices("true")
	r.failsWith(1, "unable to move network devices without a NET namespace")
	if strings.Contains(r.err, "panic") {
		s.errorf("%s", r.err)
	}
	s.oracle()
}
