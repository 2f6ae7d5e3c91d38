package specconv

import (
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

const refMounts = "config.md#mounts"

func (v *validator) mounts() {
	for i := range v.spec.Mounts {
		m := &v.spec.Mounts[i]
		if hasNUL(m.Destination) || hasNUL(m.Source) || hasNUL(m.Type) {
			v.failf(element("/mounts", i), refMounts, "mount field contains null byte")
			continue
		}
		v.destination(i, m)
		v.mountOptions(i, m)
	}
}

// destination checks where a mount goes.
func (v *validator) destination(i int, m *specs.Mount) {
	if m.Destination == "" {
		v.failf(element("/mounts", i)+"/destination", refMounts, "mount destination must not be empty")
		return
	}
	if m.Destination[0] != '/' {
		v.warnf(element("/mounts", i)+"/destination", refMounts,
			"mount destination %q is not absolute; it is taken relative to /", m.Destination)
	}
	dest := inContainer(m.Destination)
	inside, below := strings.CutPrefix(dest, "/proc")
	switch {
	case dest == "/":
		v.failf(element("/mounts", i)+"/destination", refMounts, "mountpoint %q is on the top of rootfs", m.Destination)
	case !below || inside != "" && inside[0] != '/':
	case inside != "" && !maySitInProc(inside):
		v.failf(element("/mounts", i)+"/destination", refMounts,
			"%q cannot be mounted because it is inside /proc", m.Destination)
	case inside == "" && m.Type != "proc" && !isBind(m.Options):
		// Whether a bind mount brings a real procfs is for Inspect to say.
		v.failf(element("/mounts", i), refMounts, "%q cannot be mounted because it is not of type proc", m.Destination)
	}
}

// maySitInProc knows the files of procfs that tools such as lxcfs emulate. No
// other may be covered: a process that writes its own labels and limits through
// procfs must reach the kernel (CVE-2019-16884, CVE-2019-19921).
func maySitInProc(file string) bool {
	switch file {
	case "/cpuinfo", "/diskstats", "/loadavg", "/meminfo", "/slabinfo", "/stat", "/swaps", "/uptime",
		"/sys/kernel/ns_last_pid", "/sys/crypto/fips_enabled":
		return true
	}
	return false
}

// optionKinds has a bit for each kind of option that a mount has.
type optionKinds uint32

func (k optionKinds) has(kinds optionKinds) bool { return k&kinds != 0 }

// linkKinds are about symbolic links, extensions all that the kernel has no flag for.
const (
	linkKinds  optionKinds = 1<<optionCopyLink | 1<<optionSourceLink | 1<<optionDestLink
	extensions             = linkKinds | 1<<optionCopyUp | 1<<optionIDMap
)

// mountOptions checks the options and what they make of the mount.
func (v *validator) mountOptions(i int, m *specs.Mount) {
	kinds, foreign := optionKinds(0), -1
	for k, name := range m.Options {
		option, ok := lookupOption(name)
		switch {
		case hasNUL(name):
			v.failf(v.optionPointer(i, k), refMounts, "mount field contains null byte")
		case ok:
			kinds |= 1 << option.kind
		case name != "" && foreign < 0:
			foreign = k
		}
	}
	if kinds.has(extensions) || len(m.UIDMappings)+len(m.GIDMappings) > 0 {
		v.mountExtensions(i, m, kinds)
	}
	bind := kinds.has(1 << optionBind)
	switch {
	case bind && foreign >= 0:
		v.failf(v.optionPointer(i, foreign), refMounts,
			"bind mounts cannot have any filesystem-specific options applied: %q", m.Options[foreign])
	case bind && m.Source == "":
		v.failf(element("/mounts", i)+"/source", refMounts, "bind mount has no source: no such file or directory")
	case bind || kinds.has(1<<optionRemount):
	case m.Type == "bind" || m.Type == "rbind" || m.Type == "none":
		v.failf(element("/mounts", i)+"/type", refMounts,
			"mount %s: no such device; for a bind mount add the option \"bind\" or \"rbind\"", m.Type)
	case m.Type == "":
		v.failf(element("/mounts", i)+"/type", refMounts,
			"mount has no type: no such device; for a bind mount add the option \"bind\" or \"rbind\"")
	}
}

func (v *validator) optionPointer(mount, option int) plan.Cause {
	return element(string(element("/mounts", mount))+"/options", option)
}

// mountExtensions checks that options are on mounts that they can do something for.
func (v *validator) mountExtensions(i int, m *specs.Mount, kinds optionKinds) {
	bind, remount := kinds.has(1<<optionBind), kinds.has(1<<optionRemount)
	where := element("/mounts", i)
	switch {
	case kinds.has(1<<optionCopyUp) && (m.Type != typeTmpfs || bind || remount):
		v.failf(where, refMounts, "tmpcopyup is possible for a tmpfs only")
	case kinds.has(linkKinds) && (!bind || remount):
		v.failf(where, refMounts, "copy-symlink, src-nofollow and dest-nofollow are possible for bind mounts only")
	case kinds.has(1<<optionCopyLink) && kinds.has(1<<optionSourceLink|1<<optionDestLink):
		v.failf(where, refMounts, "copy-symlink excludes src-nofollow and dest-nofollow")
	}
	if kinds.has(1<<optionIDMap) || len(m.UIDMappings)+len(m.GIDMappings) > 0 {
		v.mountIDMap(i, m, remount)
	}
}

// mountIDMap checks an id-mapped mount.
func (v *validator) mountIDMap(i int, m *specs.Mount, remount bool) {
	where := element("/mounts", i)
	uidMap, gidMap, err := mountMappings(m, v.linux)
	option, text := idMapOption(m.Options)
	uids, gids := len(uidMap), len(gidMap)
	switch {
	case err != nil:
		v.failf(v.optionPointer(i, option), refMounts, "%w", err)
		return
	case v.o.Rootless:
		v.failf(where, refMounts, "id-mapped mounts are not supported for rootless containers")
	case (uids == 0) != (gids == 0), uids == 0 && !v.has(plan.NamespaceUser):
		v.failf(where, refMounts, "id-mapped mounts must have both uid and gid mappings specified")
	case remount || !isBind(m.Options) && isKernelType(m.Type):
		v.failf(where, refMounts, "only a new mount of files can be id-mapped, not one of type %q: invalid argument", m.Type)
	}
	if text != "" {
		v.optionRanges(v.optionPointer(i, option), uidMap, gidMap)
		return
	}
	v.ranges(string(where)+"/uidMappings", m.UIDMappings)
	v.ranges(string(where)+"/gidMappings", m.GIDMappings)
}

// optionRanges checks maps that an option has: there is one place for all of them.
func (v *validator) optionRanges(where plan.Cause, lists ...[]specs.LinuxIDMapping) {
	var probe validator
	for _, list := range lists {
		probe.ranges("", list)
	}
	for _, p := range probe.problems {
		v.failf(where, refMounts, "%w", p.Err)
	}
}

// isKernelType knows the file systems that show the kernel's own objects.
func isKernelType(name string) bool {
	switch name {
	case "proc", "sysfs", "mqueue", "devpts", typeCgroup, "cgroup2":
		return true
	}
	return false
}
