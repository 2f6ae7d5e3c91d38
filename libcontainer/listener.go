package libcontainer

import (
	"fmt"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/seccomp"
	"github.com/ocirun/ocirun/specconv"
	"github.com/ocirun/ocirun/specconv/plan"
)

// agentPatience is how long a seccomp agent may keep the creation of a container
// waiting.
const agentPatience = 10 * time.Second

const pointerListener plan.Cause = "/linux/seccomp/listenerPath"

// serveListener takes the listener of the filter that the container's init is about
// to load to its agent.
func (b *builder) serveListener() error {
	start := b.o.Trace.begin()
	defer func() { b.o.Trace.end(start, "hand the seccomp listener over") }()
	return b.handListener(b.bundle.Spec.Linux.Seccomp, specs.State{
		Version: ociVersion, ID: b.id, Status: specs.StateCreating, Pid: b.pid,
		Bundle: b.bundle.Dir, Annotations: b.bundle.Spec.Annotations,
	})
}

// handListener lets the init load its filter and hands the listener to the agent, with
// the container's state (runtime-spec config-linux.md, "The Container Process State").
// Between the two the init makes no system call, as each might be one that the agent
// judges.
func (l *launch) handListener(section *specs.LinuxSeccomp, state specs.State) error {
	if section == nil || section.ListenerPath == "" {
		return errUnexpected
	}
	if err := l.init.Answer(); err != nil {
		return l.ended(err)
	}
	number, err := l.awaitListener()
	if err != nil {
		return err
	}
	listener, err := sys.PidfdGetFD(l.init.Pidfd, number)
	if err != nil {
		return fmt.Errorf("take the seccomp listener: %w", err)
	}
	defer unix.Close(listener)
	text, err := seccomp.ListenerState(state, l.pid, section.ListenerMetadata)
	if err != nil {
		return err
	}
	if err := seccomp.SendListener(section.ListenerPath, text, listener, time.Now().Add(agentPatience)); err != nil {
		return specconv.Problem{Pointer: pointerListener, Err: err}
	}
	return initproc.TookListener(l.page)
}

// awaitListener waits until the init has loaded the filter, which takes it less
// than a millisecond.
func (l *launch) awaitListener() (int, error) {
	const pause = 50 * time.Microsecond
	for deadline := time.Now().Add(agentPatience); time.Now().Before(deadline); time.Sleep(pause) {
		progress, err := l.progress()
		if err != nil {
			return -1, err
		}
		if progress.Listener > 0 {
			return progress.Listener, nil
		}
		ended, err := sys.WaitReadable(l.init.Pidfd, time.Nanosecond)
		if err != nil {
			return -1, err
		}
		if progress.State == initproc.StateFailed || ended {
			return -1, l.explainEnd(progress, nil)
		}
	}
	return -1, fmt.Errorf("load the seccomp filter: %w", unix.ETIME)
}
