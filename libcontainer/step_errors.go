package libcontainer

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/specconv/plan"
)

// initEndError is an init that was ended from outside.
type initEndError struct{ exit sys.Exit }

func (e *initEndError) Error() string {
	return "container init ended early: " + describeExit(e.exit)
}

// stepError words what the init reports.
func stepError(p *plan.Plan, progress initproc.Progress) error {
	detail := joinKernelLog(progress.Detail)
	if progress.Step < 0 || progress.Step >= len(p.Entries) {
		return p.Failed(progress.Step, progress.Errno, detail)
	}
	entry := p.Entries[progress.Step]
	switch s := entry.Step.(type) {
	case plan.Lookup:
		return &plan.StepError{Cause: entry.Cause, Action: s.Action(), Err: lookupError(s, progress.Errno), Step: s}
	case plan.Hook:
		return hookStepError(entry, s, progress)
	}
	if isStdioError(entry.Step, progress.Errno) {
		return &plan.StepError{Cause: "default:stdio", Action: "take the container's /dev/null for standard streams", Err: errOtherNull}
	}
	failed := p.Failed(progress.Step, progress.Errno, detail)
	failed.Hint = hintFor(entry.Step, progress.Errno)
	if failed.Hint == "" && (p.Spawn.Has(plan.NamespaceUser) || p.Spawn.IsNew(plan.NamespaceTime)) {
		failed.Hint = userNamespaceHint(entry.Step, progress.Errno)
	}
	return failed
}

var errOtherNull = errors.New("it is not the null device, 1:3")

// isStdioError tells an error of the standard streams, which are no step of their own, from
// one of the step with which they are adjusted.
func isStdioError(step plan.Step, errno error) bool {
	if !errors.Is(errno, initproc.ErrOtherNull) && !errors.Is(errno, unix.ELOOP) {
		return false
	}
	_, ok := step.(plan.BoundingSet)
	return ok
}

// errNotInPath has the words of Go's exec.ErrNotFound, which engines look for.
var errNotInPath = errors.New("executable file not found in $PATH")

// lookupError words a program that cannot be executed as engines expect it.
func lookupError(s plan.Lookup, errno error) error {
	if !strings.Contains(s.Program, "/") {
		return errNotInPath
	}
	if errors.Is(errno, unix.ENOENT) {
		return fmt.Errorf("stat %s: %w", s.Program, errno)
	}
	if errors.Is(errno, unix.EISDIR) {
		// Docker before 23 and Podman turn only "permission denied" into exit status 126.
		return fmt.Errorf("%w: %w", errno, unix.EACCES)
	}
	return errno
}

// hookStepError words a hook of the init like one of the host.
func hookStepError(entry plan.Entry, s plan.Hook, progress initproc.Progress) error {
	err := error(progress.Errno)
	output := strings.TrimSpace(progress.Detail)
	switch {
	case progress.HookTimedOut():
		err = errors.New("hook ran past specified timeout of " + strconv.FormatFloat(s.Timeout.Seconds(), 'f', 1, 64) + "s")
	case progress.HookFailed():
		status := unix.WaitStatus(progress.HookStatus)
		err = errors.New(describeExit(sys.Exit{Code: status.ExitStatus(), Signal: signalOf(status)}) + ", output: " + output)
	default:
		err = fmt.Errorf("fork/exec %s: %w", s.Path, err)
	}
	action := "error running " + string(s.Kind) + " hook #" + strconv.Itoa(s.Index)
	return &plan.StepError{Cause: entry.Cause, Action: action, Err: err, Step: s}
}

func signalOf(status unix.WaitStatus) unix.Signal {
	if status.Signaled() {
		return status.Signal()
	}
	return 0
}

// joinKernelLog makes one line of a mount's log, of which each line has a letter
// for its severity (fsopen(2)).
func joinKernelLog(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if len(line) > 2 && line[1] == ' ' {
			line = line[2:]
		}
		if line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}

// hintFor says how the known causes of an error are mended.
func hintFor(step plan.Step, errno error) string {
	switch s := step.(type) {
	case plan.Bind:
		return bindHint(s, errno)
	case plan.Mount:
		if s.NoSymlinks && errors.Is(errno, unix.ELOOP) {
			return "the image has a symbolic link where " + s.Type + " is to be mounted"
		}
		if errors.Is(errno, unix.ENODEV) && s.Type == "bind" {
			return `a bind mount needs the option "bind" or "rbind"`
		}
	case plan.Label:
		return labelHint(s, errno)
	case plan.Mknod, plan.Symlink:
		if errors.Is(errno, unix.ELOOP) {
			return "the image has a symbolic link in the place of /dev"
		}
	case plan.Rlimit, plan.Scheduler, plan.IOPriority, plan.MemoryPolicy:
		return schedulingHint(step, errno)
	}
	return ""
}

func bindHint(s plan.Bind, errno error) string {
	cleared := (s.Attr.Clear &^ s.Attr.Set) | (s.RecursiveAttr.Clear &^ s.RecursiveAttr.Set)
	switch {
	case errors.Is(errno, unix.ENOTDIR):
		return "a file can be bound on a file only, a directory on a directory only"
	case errors.Is(errno, unix.EPERM) && cleared != 0:
		return "cannot clear locked flags " + cleared.String() + ": they come from outside of the user namespace"
	}
	return ""
}

func labelHint(s plan.Label, errno error) string {
	switch {
	case errors.Is(errno, initproc.ErrOtherLabel):
		return "the kernel shows another label than the one that was set"
	case s.Module == "apparmor" && errors.Is(errno, unix.ENOENT):
		return "the profile is not loaded; see apparmor_parser(8)"
	case s.Module == "selinux" && errors.Is(errno, unix.EINVAL):
		return "the policy does not know the label"
	case errors.Is(errno, unix.EACCES), errors.Is(errno, unix.EPERM):
		return "the security module does not let the runtime change to this label"
	}
	return ""
}

// schedulingHint says why a limit or a priority is refused.
func schedulingHint(step plan.Step, errno error) string {
	refused := errors.Is(errno, unix.EPERM)
	switch s := step.(type) {
	case plan.Rlimit:
		if refused {
			return rlimitHint(s)
		}
	case plan.Scheduler:
		switch {
		case refused && (s.Policy == "SCHED_FIFO" || s.Policy == "SCHED_RR"):
			return "a real-time policy needs CAP_SYS_NICE and, on cgroup version 1, linux.resources.cpu.realtimeRuntime"
		case refused && s.Policy == "SCHED_DEADLINE":
			return "SCHED_DEADLINE needs CAP_SYS_NICE and a process that may run on all CPUs"
		case refused:
			return "a nice value below 0 needs CAP_SYS_NICE"
		case errors.Is(errno, unix.EBUSY):
			return "the CPUs have not as much time left for deadlines"
		}
	case plan.IOPriority:
		if refused {
			return "the real-time class needs CAP_SYS_NICE"
		}
	case plan.MemoryPolicy:
		switch {
		case errors.Is(errno, unix.EINVAL):
			return "none of the nodes has memory that the container may use, or mode and flags do not go together"
		case errors.Is(errno, unix.ENOSYS):
			return "the kernel is built without CONFIG_NUMA"
		}
	}
	return ""
}
