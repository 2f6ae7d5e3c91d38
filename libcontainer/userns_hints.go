package libcontainer

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

// userNamespaceHint says how errors are mended that come of a user namespace: of one
// that cannot be had, or of what its root may not do.
func userNamespaceHint(step plan.Step, errno error) string {
	switch s := step.(type) {
	case plan.Unshare:
		if s.Namespaces == plan.NamespaceUser {
			return noUserNamespaceHint(errno)
		}
		if errors.Is(errno, unix.EPERM) {
			return "a security module restricts user namespaces (kernel.apparmor_restrict_unprivileged_userns)"
		}
	case plan.Join:
		if errors.Is(errno, unix.EPERM) {
			return "the runtime has no rights over the user namespace that this one belongs to"
		}
	case plan.OOMScoreAdj:
		if errors.Is(errno, unix.EACCES) {
			return "without CAP_SYS_RESOURCE it can only be raised"
		}
	case plan.SetIDs:
		if errors.Is(errno, unix.EPERM) && len(s.Groups) > 0 {
			return "the user namespace denies setgroups"
		}
		if errors.Is(errno, unix.EINVAL) {
			return "the id maps of the container have no such user or group"
		}
	case plan.TimeOffset:
		if errors.Is(errno, unix.ERANGE) {
			return "the clock would be negative, or overflow in this century"
		}
	case plan.Mount, plan.Bind, plan.Mkdir:
		return userMountHint(step, errno)
	}
	return ""
}

func noUserNamespaceHint(errno error) string {
	switch {
	case errors.Is(errno, unix.EPERM):
		return "the host forbids it to users (kernel.unprivileged_userns_clone, a security module, a seccomp filter or chroot)"
	case errors.Is(errno, unix.ENOSPC):
		return "user.max_user_namespaces is reached, or user namespaces are 32 deep"
	case errors.Is(errno, unix.EINVAL):
		return "the kernel has no user namespaces (CONFIG_USER_NS)"
	}
	return ""
}

// userMountHint is about mounts. The kernel keeps what the root of a user namespace
// can do with mounts that are not its own below what the host shows
// (mount_namespaces(7), "Restrictions on mount namespaces").
func userMountHint(step plan.Step, errno error) string {
	switch s := step.(type) {
	case plan.Mount:
		switch {
		case errors.Is(errno, unix.EPERM) && (s.Type == "proc" || s.Type == "sysfs"):
			return "a user namespace can have a new " + s.Type + " only where nothing covers parts of the one that is there"
		case errors.Is(errno, unix.EPERM) && s.Type == "mqueue":
			return "mqueue belongs to the IPC namespace, which the container does not own"
		case errors.Is(errno, unix.EPERM):
			return "the kernel may not allow " + s.Type + " in a user namespace"
		}
	case plan.Bind:
		switch {
		case s.Device != 0 && (errors.Is(errno, unix.ENOENT) || errors.Is(errno, unix.ENODEV)):
			return "a user namespace can have only devices that the host has at the same path"
		case errors.Is(errno, unix.EINVAL) && !s.Recursive:
			return `a user namespace may not uncover what is mounted below the source; "rbind" takes it along`
		case errors.Is(errno, unix.EPERM) && s.Attr.Clear|s.RecursiveAttr.Clear != 0:
			return "cannot clear locked flags: the host has set them on the source"
		}
	}
	if errors.Is(errno, unix.EACCES) {
		return "root of the user namespace has no right to a directory on the way; change its owner or mode"
	}
	return ""
}
