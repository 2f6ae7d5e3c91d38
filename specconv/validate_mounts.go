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

// mountOptions checks the options and what they make of the mount.
func (v *validator) mountOptions(i int, m *specs.Mount) {
	bind, remount := false, false
	foreign := -1
	for k, name := range m.Options {
		option, ok := lookupOption(name)
		switch {
		case hasNUL(name):
			v.failf(v.optionPointer(i, k), refMounts, "mount field contains null byte")
		case ok:
			bind = bind || option.kind == optionBind
			remount = remount || option.kind == optionRemount
		case name != "" && foreign < 0:
			foreign = k
		}
	}
	switch {
	case bind && foreign >= 0:
		v.failf(v.optionPointer(i, foreign), refMounts,
			"bind mounts cannot have any filesystem-specific options applied: %q", m.Options[foreign])
	case bind && m.Source == "":
		v.failf(element("/mounts", i)+"/source", refMounts, "bind mount has no source: no such file or directory")
	case bind || remount:
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
