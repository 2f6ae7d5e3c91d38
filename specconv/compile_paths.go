package specconv

import (
	"slices"
	"strings"

	"github.com/ocirun/ocirun/specconv/plan"
)

// pathRows protects and masks paths. Each is done once, however often it is
// listed: engines add their defaults to what the user gave.
func (c *compiler) pathRows() {
	for i, path := range c.linux.ReadonlyPaths {
		if !slices.Contains(c.linux.ReadonlyPaths[:i], path) {
			c.add(phaseRootfs, element("/linux/readonlyPaths", i), plan.Protect{Path: inContainer(path)})
		}
	}
	for i, path := range c.linux.MaskedPaths {
		if !slices.Contains(c.linux.MaskedPaths[:i], path) {
			c.add(phaseRootfs, element("/linux/maskedPaths", i), plan.Mask{Path: inContainer(path), Label: c.linux.MountLabel})
		}
	}
}

// sysctlRows writes kernel parameters, in the order of their names.
func (c *compiler) sysctlRows() {
	for _, key := range sortedKeys(c.linux.Sysctl) {
		c.add(phaseRootfs, member("/linux/sysctl", key),
			plan.Sysctl{Key: sysctlPath(key), Value: c.linux.Sysctl[key]})
	}
}

// sysctlPath turns a key into a path below /proc/sys. As with sysctl(8), the
// first separator decides: in "net/ipv4/conf/eth0.100/forwarding" the dot
// belongs to a name, and in "net.ipv4.conf.eth0/100.forwarding" the slash stands
// for one.
func sysctlPath(key string) string {
	first := strings.IndexAny(key, "./")
	if first < 0 || key[first] == '/' {
		return key
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case '.':
			return '/'
		case '/':
			return '.'
		}
		return r
	}, key)
}

// hostnameRows set the names of the UTS namespace.
func (c *compiler) hostnameRows() {
	if c.spec.Hostname != "" {
		c.add(plan.System, "/hostname", plan.Hostname{Value: c.spec.Hostname})
	}
	if c.spec.Domainname != "" {
		c.add(plan.System, "/domainname", plan.Hostname{Value: c.spec.Domainname, Domain: true})
	}
}
