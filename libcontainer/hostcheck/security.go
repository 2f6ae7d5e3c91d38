package hostcheck

import (
	"strings"

	"github.com/ocirun/ocirun/seccomp"
)

func (e *examiner) seccomp() {
	if !seccomp.Enabled() {
		e.bad(Warn, Check{
			Area: "security", Name: "seccomp", Found: "no filters of system calls", Effect: "a configuration with linux.seccomp cannot be run",
			Remedy: "a kernel with CONFIG_SECCOMP_FILTER",
		})
		return
	}
	known, all := seccomp.SupportedActions(), seccomp.Actions()
	var missing []string
	for _, action := range all {
		if !containsAction(known, action) {
			missing = append(missing, string(action))
		}
	}
	if len(missing) > 0 {
		e.bad(Warn, Check{
			Area: "security", Name: "seccomp", Found: "missing actions: " + strings.Join(missing, " "), Effect: "filters with these actions are refused",
			Remedy: "a newer kernel; SCMP_ACT_NOTIFY is of Linux 5.0",
		})
		return
	}
	flags := make([]string, 0, 4)
	for _, f := range seccomp.SupportedFlags() {
		flags = append(flags, strings.TrimPrefix(string(f), "SECCOMP_FILTER_FLAG_"))
	}
	e.ok("security", "seccomp", "all actions, notification included; flags "+strings.Join(flags, " "))
}

func containsAction[T comparable](list []T, action T) bool {
	for _, a := range list {
		if a == action {
			return true
		}
	}
	return false
}

// modules names the security modules that are on, which labels in a configuration need.
func (e *examiner) modules() {
	list := setting("/sys/kernel/security/lsm")
	var found []string
	if list != "" {
		found = append(found, list)
	}
	if setting("/sys/module/apparmor/parameters/enabled") == "Y" {
		found = append(found, "AppArmor is enabled")
		if label := setting("/proc/self/attr/current"); label != "" && label != "unconfined" {
			found = append(found, "this process is "+label)
		}
	}
	switch setting("/sys/fs/selinux/enforce") {
	case "1":
		found = append(found, "SELinux is enforcing")
	case "0":
		found = append(found, "SELinux is permissive")
	}
	if len(found) == 0 {
		e.bad(Warn, Check{
			Area: "security", Name: "modules", Found: "neither AppArmor nor SELinux", Effect: "a configuration with labels of one of them is refused",
			Remedy: `nothing, unless an engine asks for labels; else boot with "lsm=..." or mount securityfs`,
		})
		return
	}
	e.ok("security", "modules", strings.Join(found, "; "))
}
