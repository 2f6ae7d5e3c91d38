package hostcheck

import (
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ocirun/ocirun/cgroups"
)

// cgroups makes a cgroup where a container would have it, and removes it.
func (e *examiner) cgroups() {
	host, err := cgroups.Probe()
	if err != nil || host.Mode == cgroups.ModeNone {
		found := "no cgroup file system at " + cgroups.DefaultRoot
		if err != nil {
			found = err.Error()
		}
		e.bad(verdict(e.privileged()), Check{
			Area: "cgroups", Name: "mode", Found: found, Effect: "containers have no limits, no statistics and cannot be paused",
			Remedy: "mount -t cgroup2 cgroup2 " + cgroups.DefaultRoot,
		})
		return
	}
	e.ok("cgroups", "mode", describeMode(host))
	m, err := cgroups.New(cgroups.Config{ID: "ocirun-doctor-" + strconv.Itoa(e.pid()), Rootless: !e.privileged(), Host: host})
	if err != nil {
		e.noCgroup(err)
		return
	}
	e.controllers(host, m)
	if len(m.Paths()) == 0 {
		e.noCgroup(errors.New("none may be made beside that of this process"))
		return
	}
	err = m.Create()
	defer func() { _ = m.Rollback() }()
	if err != nil {
		e.noCgroup(err)
		return
	}
	e.ok("cgroups", "delegation", "a cgroup can be made and removed")
	e.deviceFilter(host, m)
}

func describeMode(host cgroups.Host) string {
	switch host.Mode {
	case cgroups.ModeV2:
		return "version 2"
	case cgroups.ModeHybrid:
		return "hybrid: controllers of version 1, and version 2 at " + host.Unified
	default:
		return "version 1"
	}
}

func (e *examiner) noCgroup(err error) {
	effect, remedy := "no container can be made", "mount the cgroup file system writable; in a container, with a cgroup namespace of its own"
	if !e.privileged() {
		effect = "limits are refused; containers run without any, in the cgroup of their caller"
		remedy = `let systemd delegate a cgroup: "systemd-run --user --scope -p Delegate=yes COMMAND", or Delegate= for user@.service`
	}
	e.bad(verdict(e.privileged()), Check{Area: "cgroups", Name: "delegation", Found: err.Error(), Effect: effect, Remedy: remedy})
}

// controllers looks for those that engines have limits for.
func (e *examiner) controllers(host cgroups.Host, m cgroups.Manager) {
	var have, missing []string
	available := func(name string) bool { return host.Controller(name) != "" }
	wanted := []string{"cpu", "cpuset", "memory", "pids", "blkio", "devices", "freezer"}
	if host.Mode == cgroups.ModeV2 {
		wanted = []string{"cpu", "cpuset", "memory", "pids", "io"}
		dir := host.Unified
		if leaf := m.Paths()[""]; leaf != "" {
			dir = filepath.Dir(leaf)
		}
		list := strings.Fields(setting(nearest(dir) + "/cgroup.controllers"))
		available = func(name string) bool { return slices.Contains(list, name) }
	}
	for _, name := range wanted {
		if available(name) {
			have = append(have, name)
		} else {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		e.ok("cgroups", "controllers", strings.Join(have, " "))
		return
	}
	remedy := "mount them, or enable them in the kernel (CONFIG_CGROUP_*, MEMCG; cgroup_enable=memory at boot)"
	if host.Mode == cgroups.ModeV2 {
		remedy = "enable them in cgroup.subtree_control of the parent cgroups (systemd: Delegate=" + strings.Join(missing, " ") + "), or in the kernel"
	}
	e.bad(Warn, Check{
		Area: "cgroups", Name: "controllers", Found: "have: " + strings.Join(have, " ") + "; missing: " + strings.Join(missing, " "),
		Effect: "limits of " + strings.Join(missing, ", ") + " are refused and not counted", Remedy: remedy,
	})
}

// deviceFilter sets the rules of a container without any of its own.
func (e *examiner) deviceFilter(host cgroups.Host, m cgroups.Manager) {
	if err := m.SetDevices(nil); err != nil || len(m.Warnings()) > 0 {
		found := strings.Join(m.Warnings(), "; ")
		if err != nil {
			found = err.Error()
		}
		e.bad(verdict(e.privileged()), Check{
			Area: "cgroups", Name: "device rules", Found: found, Effect: "rules of devices cannot be set",
			Remedy: "version 2 needs CONFIG_CGROUP_BPF, CAP_BPF or CAP_SYS_ADMIN, and room in RLIMIT_MEMLOCK before Linux 5.11",
		})
		return
	}
	switch {
	case host.Mode == cgroups.ModeV2:
		e.ok("cgroups", "device rules", "a filter can be loaded and attached")
	case host.Controller("devices") != "":
		e.ok("cgroups", "device rules", "the devices controller takes rules")
	}
}
