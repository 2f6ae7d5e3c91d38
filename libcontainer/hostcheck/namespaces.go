package hostcheck

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// clone tries flags of clone(2) by the init; others than root get a user namespace first,
// as their containers do.
func (e *examiner) clone(flags uintptr) error {
	if e.uid != 0 {
		flags |= unix.CLONE_NEWUSER
	}
	dir, err := sys.OpenDir(unix.AT_FDCWD, e.dir)
	if err != nil {
		dir = -1
	} else {
		defer unix.Close(dir)
	}
	return initproc.ProbeClone(dir, flags)
}

func (e *examiner) namespaces() {
	if !e.canExecute {
		return
	}
	var have, missing []string
	var first error
	needed := false
	for _, n := range []struct {
		name   string
		flag   uintptr
		needed bool
	}{
		{"mount", unix.CLONE_NEWNS, true},
		{"pid", unix.CLONE_NEWPID, true},
		{"ipc", unix.CLONE_NEWIPC, true},
		{"uts", unix.CLONE_NEWUTS, true},
		{"network", unix.CLONE_NEWNET, true},
		{"cgroup", unix.CLONE_NEWCGROUP, false},
	} {
		if err := e.clone(n.flag); err != nil {
			missing = append(missing, n.name)
			needed = needed || n.needed
			first = errors.Join(first, err)
			continue
		}
		have = append(have, n.name)
	}
	if _, err := os.Stat("/proc/self/ns/time"); err == nil {
		have = append(have, "time")
	} else {
		missing = append(missing, "time")
	}
	if len(missing) == 0 {
		e.ok("namespaces", "new", strings.Join(have, " "))
		return
	}
	found := "cannot be made: " + strings.Join(missing, " ")
	if first != nil {
		found += " (" + strings.SplitN(first.Error(), "\n", 2)[0] + ")"
	}
	e.bad(verdict(needed), Check{
		Area: "namespaces", Name: "new", Found: found, Effect: "containers that ask for these namespaces cannot be made",
		Remedy: namespaceRemedy(e.uid != 0),
	})
}

func namespaceRemedy(ordinary bool) string {
	if ordinary {
		return "see the check of user namespaces; limits are in /proc/sys/user"
	}
	return "the kernel needs CONFIG_*_NS, this process CAP_SYS_ADMIN, and the limits in /proc/sys/user room"
}

// userNamespaces are what a user needs, and root's containers may ask for.
func (e *examiner) userNamespaces() {
	if !e.canExecute {
		return
	}
	err := e.clone(unix.CLONE_NEWUSER)
	if err == nil && e.uid != 0 {
		err = e.clone(unix.CLONE_NEWUSER | unix.CLONE_NEWNS) // there may be one, without rights
	}
	if err == nil {
		found := "can be made"
		if limit := setting("/proc/sys/user/max_user_namespaces"); limit != "" {
			found += ", at most " + limit
		}
		e.ok("users", "user namespaces", found)
		return
	}
	reason, remedy := e.whyNoUserNamespace()
	effect := "containers with a user namespace cannot be made"
	if e.uid != 0 {
		effect = "users other than root cannot run containers"
	}
	e.bad(verdict(e.uid != 0), Check{Area: "users", Name: "user namespaces", Found: err.Error() + reason, Effect: effect, Remedy: remedy})
}

// whyNoUserNamespace looks for the settings that forbid them.
func (e *examiner) whyNoUserNamespace() (reason, remedy string) {
	switch {
	case setting("/proc/sys/user/max_user_namespaces") == "0":
		return "; user.max_user_namespaces=0", "sysctl user.max_user_namespaces=15000"
	case setting("/proc/sys/kernel/unprivileged_userns_clone") == "0" && !e.privileged():
		return "; kernel.unprivileged_userns_clone=0", "sysctl kernel.unprivileged_userns_clone=1"
	case setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1" && !e.privileged():
		return "; kernel.apparmor_restrict_unprivileged_userns=1",
			`load an AppArmor profile with "userns," for the runtime, or sysctl kernel.apparmor_restrict_unprivileged_userns=0`
	case setting("/proc/self/ns/user") == "" && unix.Access("/proc/self/ns/user", unix.F_OK) != nil:
		return "; the kernel has none", "a kernel with CONFIG_USER_NS"
	}
	return "", "a seccomp filter, a security module or a chroot around this process forbids them"
}
