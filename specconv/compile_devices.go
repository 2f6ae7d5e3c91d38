package specconv

import (
	"fmt"
	"os"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

// defaultDevices are supplied in every container (runtime-spec config-linux.md,
// "Default Devices"); everybody may use them.
var defaultDevices = [...]plan.Mknod{
	{Path: "/dev/null", Type: 'c', Mode: 0o666, Major: 1, Minor: 3},
	{Path: "/dev/zero", Type: 'c', Mode: 0o666, Major: 1, Minor: 5},
	{Path: "/dev/full", Type: 'c', Mode: 0o666, Major: 1, Minor: 7},
	{Path: "/dev/random", Type: 'c', Mode: 0o666, Major: 1, Minor: 8},
	{Path: "/dev/urandom", Type: 'c', Mode: 0o666, Major: 1, Minor: 9},
	{Path: "/dev/tty", Type: 'c', Mode: 0o666, Major: 5, Minor: 0},
}

// deviceLinks are supplied in every container (runtime-spec runtime-linux.md,
// "Dev symbolic links"). The kernel's core image is there only if the kernel has
// one.
var deviceLinks = [...]struct{ path, target string }{
	{"/dev/fd", "/proc/self/fd"},
	{"/dev/stdin", "/proc/self/fd/0"},
	{"/dev/stdout", "/proc/self/fd/1"},
	{"/dev/stderr", "/proc/self/fd/2"},
}

// deviceRows fills /dev. A /dev that is bound from elsewhere is its owner's
// business.
func (c *compiler) deviceRows() {
	hasProc := false
	for i := range c.spec.Mounts {
		m := &c.spec.Mounts[i]
		dest := inContainer(m.Destination)
		if dest == "/dev" && isBind(m.Options) {
			return
		}
		hasProc = hasProc || dest == "/proc" && m.Type == "proc" && !isBind(m.Options)
	}
	for i := range defaultDevices {
		if !c.listsDevice(defaultDevices[i].Path) {
			c.deviceRow(causeDevices, defaultDevices[i])
		}
	}
	for i := range c.linux.Devices {
		c.configuredDeviceRow(i)
	}
	c.add(phaseRootfs, causeLinks, plan.Symlink{Target: "pts/ptmx", Path: "/dev/ptmx", Replace: true})
	for i := range deviceLinks {
		row := plan.Symlink{Target: deviceLinks[i].target, Path: deviceLinks[i].path}
		if !hasProc {
			row.IfExists = "/proc/self/fd"
		}
		c.add(phaseRootfs, causeLinks, row)
	}
	c.add(phaseRootfs, causeLinks, plan.Symlink{Target: "/proc/kcore", Path: "/dev/core", IfExists: "/proc/kcore"})
}

func (c *compiler) listsDevice(path string) bool {
	for i := range c.linux.Devices {
		if inContainer(c.linux.Devices[i].Path) == path {
			return true
		}
	}
	return false
}

func (c *compiler) configuredDeviceRow(i int) {
	d := &c.linux.Devices[i]
	cause, path := element("/linux/devices", i), inContainer(d.Path)
	if path == "/dev/ptmx" {
		// It is the link to the container's own devpts.
		return
	}
	row := plan.Mknod{Path: path, Mode: 0o666}
	switch d.Type {
	case "c", "u":
		row.Type = 'c'
	case "b":
		row.Type = 'b'
	case "p":
		row.Type = 'p'
	default:
		c.fail(cause, fmt.Errorf("invalid device type %q", d.Type))
		return
	}
	if row.Type != 'p' {
		if !deviceNumber(d.Major) || !deviceNumber(d.Minor) {
			c.fail(cause, fmt.Errorf("invalid device number %d:%d", d.Major, d.Minor))
			return
		}
		row.Major, row.Minor = uint32(d.Major), uint32(d.Minor)
	}
	setOwner(&row, d)
	c.deviceRow(cause, row)
}

func deviceNumber(n int64) bool { return n >= 0 && n <= 0xffffffff }

func setOwner(row *plan.Mknod, d *specs.LinuxDevice) {
	if d.FileMode != nil {
		row.Mode = nodeMode(*d.FileMode)
	}
	if d.UID != nil {
		row.UID = *d.UID
	}
	if d.GID != nil {
		row.GID = *d.GID
	}
}

// nodeMode gives the permission bits. The configuration has the kernel's
// numbers, although the type is Go's; the type of the file may be among them.
func nodeMode(mode os.FileMode) uint32 { return uint32(mode) & 0o7777 }

// deviceRow makes a node, or where that is forbidden, binds the host's, which has
// to be the same device: in a user namespace nobody may make devices (mknod(2)), but
// everybody may make a FIFO.
func (c *compiler) deviceRow(cause plan.Cause, node plan.Mknod) {
	if node.Type != 'p' && (c.ns.Has(plan.NamespaceUser) || c.o.Host.UserNS) {
		c.add(phaseRootfs, cause, plan.Bind{
			Source: node.Path, Dest: node.Path, Kind: plan.File,
			Device: node.Type, Major: node.Major, Minor: node.Minor,
		})
		return
	}
	c.add(phaseRootfs, cause, node)
}
