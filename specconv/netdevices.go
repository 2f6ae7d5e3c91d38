package specconv

import (
	"strings"

	"github.com/ocirun/ocirun/specconv/plan"
)

const (
	pointerNetDevices = "/linux/netDevices"
	refNetDevices     = "config-linux.md#network-devices"
)

// netDeviceRows move devices of the host into the network namespace, whoever has made
// that. Hooks find them there.
func (c *compiler) netDeviceRows() {
	if len(c.linux.NetDevices) == 0 {
		return
	}
	c.add(plan.Namespaces, pointerNetDevices, plan.Rendezvous{Point: plan.PointNetDevices})
	for _, name := range sortedKeys(c.linux.NetDevices) {
		row := plan.NetDevice{Device: name, As: name}
		if as := c.linux.NetDevices[name].Name; as != "" {
			row.As = as
		}
		c.add(plan.Namespaces, member(pointerNetDevices, name), row)
	}
}

func (v *validator) netDevices() {
	if len(v.linux.NetDevices) == 0 {
		return
	}
	switch {
	case v.o.Rootless:
		v.failf(pointerNetDevices, refNetDevices, "network devices are not supported for rootless containers")
	case !v.has(plan.NamespaceNetwork):
		v.failf(pointerNetDevices, refNetDevices, "unable to move network devices without a NET namespace")
	}
	taken := make(map[string]string, len(v.linux.NetDevices))
	for _, name := range sortedKeys(v.linux.NetDevices) {
		where, as := member(pointerNetDevices, name), v.linux.NetDevices[name].Name
		switch {
		case !isDeviceName(name) || strings.Contains(name, "%"):
			v.failf(where, refNetDevices, "invalid network device name %q", name)
		case as != "" && (len(as) >= maxDeviceName || !isDeviceName(strings.Replace(as, "%d", "0", 1))):
			v.failf(where+"/name", refNetDevices, "invalid network device name %q", as)
		}
		if as == "" {
			as = name
		}
		if other, ok := taken[as]; ok && !strings.Contains(as, "%d") {
			v.failf(where, refNetDevices, "network device %s is to get the same name as %s: %s", name, other, as)
		}
		taken[as] = name
	}
}

// maxDeviceName is IFNAMSIZ, which counts a NUL.
const maxDeviceName = 16

// isDeviceName has the kernel's rules for the names of network devices (Linux:
// net/core/dev.c, dev_valid_name). A percent sign is no part of one: it is where the
// kernel puts a number.
func isDeviceName(name string) bool {
	if name == "" || len(name) >= maxDeviceName || name == "." || name == ".." {
		return false
	}
	return !strings.ContainsAny(name, "/:% \t\n\v\f\r\x00") && strings.IndexByte(name, 0xa0) < 0
}
