package libcontainer

import (
	"errors"
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
	"github.com/ocirun/ocirun/specconv"
	"github.com/ocirun/ocirun/specconv/plan"
)

const askDoctor = `"ocirun doctor" says what this machine lacks, and how it is mended`

// Hint says in one sentence what a person can do about an error of this package, or "" if
// nothing more is known than the error says. The error's own text, which programs match, is
// the same with and without.
func Hint(err error) string {
	var oom *initOOMError
	var step *plan.StepError
	var problem specconv.Problem
	switch {
	case err == nil:
		return ""
	case errors.As(err, &oom):
		return "raise linux.resources.memory.limit; the init alone needs less than half a MiB, the program what it needs"
	case errors.As(err, &step):
		return stepHint(step)
	case errors.As(err, &problem):
		return problemHint(problem)
	}
	return plainHint(err)
}

// stepHint is for what failed while a container was made, unless the error has a hint in
// itself.
func stepHint(e *plan.StepError) string {
	if e.Hint != "" {
		return ""
	}
	switch s := e.Step.(type) {
	case plan.Lookup:
		return lookupHint(s, e.Err)
	case plan.Exec:
		return execHint(e.Err)
	case plan.Bind:
		if errors.Is(e.Err, unix.ENOENT) {
			return sourceHint
		}
	case plan.Mount:
		switch {
		case errors.Is(e.Err, unix.ENODEV):
			return "the kernel does not know the file system " + s.Type + "; is its module loaded?"
		case errors.Is(e.Err, unix.EINVAL) && e.Detail == "":
			return "one of the mount's options is not for " + s.Type
		case errors.Is(e.Err, unix.EPERM), errors.Is(e.Err, unix.EACCES):
			return askDoctor
		}
	case plan.Sysctl:
		if errors.Is(e.Err, unix.ENOENT) {
			return "the kernel has no such setting, or its module is not loaded"
		}
	case plan.Unshare, plan.SetIDs:
		return askDoctor
	}
	return pointerHint(e.Cause, e.Err)
}

// lookupHint is for a program that was not found in the container.
func lookupHint(s plan.Lookup, err error) string {
	switch {
	case strings.Contains(s.Program, " "):
		return "the first of process.args is the program alone; its arguments are further elements of the list"
	case errors.Is(err, errNotInPath):
		return "it is looked up in the container, by PATH of process.env; an absolute path needs no PATH"
	case errors.Is(err, unix.EISDIR):
		return "process.args has to begin with a program"
	case errors.Is(err, unix.ENOENT):
		return "the path is one of the container's root file system, not of the host"
	case errors.Is(err, unix.EACCES):
		return "the file needs the right of execution for the container's user, and a mount without noexec"
	}
	return ""
}

// execHint is for a program that was found.
func execHint(err error) string {
	switch {
	case errors.Is(err, unix.ENOENT):
		return `the program is there; what is missing is its interpreter: that of its "#!" line, or the loader of its shared libraries (see file(1))`
	case errors.Is(err, unix.ENOEXEC):
		return `it is for another architecture, or a script without a "#!" line`
	case errors.Is(err, unix.EACCES):
		return "the program or its interpreter may not be executed by the container's user, or is on a mount with noexec"
	case errors.Is(err, unix.ELIBBAD):
		return "its interpreter is for another architecture"
	case errors.Is(err, unix.E2BIG):
		return "arguments and environment together are too long for the kernel (execve(2))"
	}
	return ""
}

const sourceHint = "the source of a bind mount is a path of the host; a relative one begins at the bundle"

// problemHint is for a configuration that is refused.
func problemHint(p specconv.Problem) string { return pointerHint(p.Pointer, p.Err) }

// pointerHint goes by the place in config.json.
func pointerHint(at plan.Cause, err error) string {
	place := string(at)
	missing := errors.Is(err, unix.ENOENT)
	switch {
	case place == "/root/path" && missing:
		return "put the container's root file system there, or change root.path, which begins at the bundle if it is relative"
	case place == "/hostname" || place == "/domainname":
		return `add {"type": "uts"} to linux.namespaces, or leave the name out`
	case strings.HasPrefix(place, "/linux/sysctl/") && !missing:
		return `a setting belongs to a namespace of the container's own: add "network", "ipc" or "uts" to linux.namespaces`
	case strings.HasPrefix(place, "/mounts/") && missing:
		return sourceHint
	case strings.HasPrefix(place, "/hooks/startContainer") && missing:
		return "hooks of this kind are programs of the container"
	case strings.HasPrefix(place, "/hooks/") && missing:
		return "hooks of this kind are programs of the host"
	case strings.HasPrefix(place, "/linux/namespaces/") && missing:
		return "the process whose namespace was to be joined has ended, or nothing is mounted there"
	case place == "/linux/resources/memory/limit" && errors.Is(err, unix.EBUSY):
		return "more is in use than that; the init alone needs less than half a MiB, the program what it needs"
	case place == "/process/apparmorProfile" || place == "/process/selinuxLabel" || place == "/linux/mountLabel":
		return "remove it from config.json, or enable the security module; " + askDoctor
	case strings.HasPrefix(place, "/linux/resources/"), place == "/linux/cgroupsPath":
		if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EROFS) {
			return askDoctor
		}
	}
	return ""
}

// isNoTerminal: the caller's terminal was to be opened, and there is none.
func isNoTerminal(err error) bool {
	var path *fs.PathError
	return errors.As(err, &path) && path.Path == "/dev/tty"
}

// plainHint is for errors that have no place in config.json.
func plainHint(err error) string {
	switch {
	case errors.Is(err, ErrNotExist):
		return `"ocirun list" shows the containers; --root chooses another directory of states`
	case errors.Is(err, ErrExist):
		return `choose another id, or remove the container by "ocirun delete --force"`
	case errors.Is(err, ErrInvalidID):
		return `an id has letters, digits, "_", "+", "-" and "."`
	case errors.Is(err, ErrConsoleNeeded):
		return "set process.terminal to false, or hand the terminal to someone by --console-socket"
	case errors.Is(err, ErrConsoleUseless):
		return "--console-socket is for create and run --detach, with process.terminal set"
	case isNoTerminal(err):
		return "process.terminal asks for a terminal, and the caller has none: set it to false, or use --detach with --console-socket"
	case errors.Is(err, specconv.ErrNoConfig):
		return `"ocirun spec" makes one; --bundle names another directory`
	case errors.Is(err, initproc.ErrNoSource), errors.Is(err, unix.EROFS):
		return askDoctor
	}
	return ""
}
