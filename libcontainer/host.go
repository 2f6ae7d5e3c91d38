package libcontainer

import (
	"path/filepath"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/cgroups"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/specconv"
	"github.com/ocirun/ocirun/specconv/plan"
)

// probeHost asks the kernel what the compiler needs to know of it, as far as the
// configuration, or the process that is to run, makes a difference. Whether the runtime is
// in a user namespace is left to the caller.
func probeHost(host cgroups.Host, spec *specs.Spec, process *specs.Process) specconv.Host {
	h := specconv.Host{
		LastCap:     lastCapability(),
		Caps:        ownCapabilities(),
		CgroupMode:  host.Mode.String(),
		HostCgroups: hierarchies(host),
	}
	if spec.Linux != nil {
		for _, n := range spec.Linux.Namespaces {
			switch n.Type {
			case specs.TimeNamespace:
				h.TimeNS = exists("/proc/self/ns/time")
			case specs.UserNamespace:
				h.UID, h.GID = uint32(unix.Geteuid()), uint32(unix.Getegid())
			}
		}
	}
	probeModules(&h, spec, process)
	return h
}

// probeModules looks for the security modules that the configuration has labels for. A
// process may bring labels of its own, so both are looked for if there is a process.
func probeModules(h *specconv.Host, spec *specs.Spec, p *specs.Process) {
	label := spec.Linux != nil && spec.Linux.MountLabel != ""
	if p != nil {
		h.AppArmor = p.ApparmorProfile != "" && appArmorEnabled()
		label = label || p.SelinuxLabel != ""
	}
	h.SELinux = label && selinuxEnabled()
}

// appArmorEnabled asks the kernel.
func appArmorEnabled() bool {
	const limit = 16
	text, err := sys.ReadFileAt(unix.AT_FDCWD, "/sys/module/apparmor/parameters/enabled", limit)
	return err == nil && len(text) > 0 && text[0] == 'Y'
}

// selinuxEnabled reports whether the file system of SELinux is there, which the kernel has
// only if it is enabled.
func selinuxEnabled() bool {
	var fs unix.Statfs_t
	err := sys.Retry(func() error { return unix.Statfs("/sys/fs/selinux", &fs) })
	return err == nil && uint32(fs.Type) == unix.SELINUX_MAGIC
}

// hierarchies gives the mounts of version 1 by the name of their directories.
func hierarchies(host cgroups.Host) map[string]string {
	if len(host.V1) == 0 {
		return nil
	}
	mounts := make(map[string]string, len(host.V1))
	for _, h := range host.V1 {
		mounts[filepath.Base(h.Mount)] = h.Mount
	}
	return mounts
}

// ownCapabilities are those that this process may hand on (capget(2)). Without
// privileges there are none, and none are handed on but those of a new user
// namespace, which has all.
func ownCapabilities() plan.CapSet {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) != nil {
		return 0
	}
	return plan.CapSet(data[0].Permitted) | plan.CapSet(data[1].Permitted)<<32
}

// lastCapability is the highest one that the kernel knows
// (proc_sys_kernel(5), cap_last_cap). Asking for one that it does not know is
// refused, which is quicker than reading a file.
func lastCapability() uint8 {
	const known = 40 // CAP_CHECKPOINT_RESTORE, Linux 5.9
	last := uint8(known)
	for last < 63 {
		if _, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(last)+1, 0, 0, 0); err != nil {
			break
		}
		last++
	}
	return last
}

func exists(path string) bool {
	return sys.Retry(func() error { return unix.Access(path, unix.F_OK) }) == nil
}
