package cgroups

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// NotifyOOM gives a value each time that the kernel's OOM killer acts in the cgroup. The channel is closed when the
// cgroup is gone or the context ends.
func (m *cgroupfs) NotifyOOM(ctx context.Context) (<-chan struct{}, error) {
	w := &oomWatch{}
	var err error
	if t := m.controller("memory"); t != nil {
		err = w.openV1(t)
	} else if t := m.unified(); t != nil {
		err = w.openV2(t)
	} else {
		err = fmt.Errorf("controller %q is not available on this machine: %w", "memory", unix.ENOENT)
	}
	if err == nil {
		w.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC)
	}
	if err != nil {
		closeAll(w.fds)
		return nil, fmt.Errorf("watch for out-of-memory events: %w", err)
	}
	events := make(chan struct{})
	woken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(woken)
		_, _ = unix.Write(w.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	})
	go func() {
		defer close(events)
		w.run(ctx, events)
		if !stop() {
			<-woken // or the number could be somebody else's by then
		}
		unix.Close(w.wake)
		closeAll(w.fds)
	}()
	return events, nil
}

// oomWatch is the state of one watch.
type oomWatch struct {
	dir string
	// event is the descriptor that becomes readable, wake ends the watch.
	event, wake int
	fds         []int
	// count reads how many kills there were; nil on v1, where each event is one.
	count func() uint64
	seen  uint64
}

// openV1 registers an eventfd (Documentation/admin-guide/cgroup-v1/memory.rst, OOM control).
func (w *oomWatch) openV1(t *tree) error {
	w.dir = t.dir()
	control, err := open(t.file("memory.oom_control"), unix.O_RDONLY)
	if err != nil {
		return fmt.Errorf("open %s: %w", t.file("memory.oom_control"), err)
	}
	w.fds = append(w.fds, control)
	if w.event, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("eventfd: %w", err)
	}
	w.fds = append(w.fds, w.event)
	return write(t.file("cgroup.event_control"), decimal(uint64(w.event))+" "+decimal(uint64(control)))
}

// openV2 watches memory.events, where the kernel counts.
func (w *oomWatch) openV2(t *tree) error {
	w.dir = t.dir()
	file := t.file("memory.events")
	text, err := read(file)
	if err != nil {
		return err
	}
	w.seen, _ = keyed(text, "oom_kill")
	w.count = func() uint64 {
		text, _ := read(file)
		n, _ := keyed(text, "oom_kill")
		return n
	}
	if w.event, err = unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK); err != nil {
		return fmt.Errorf("inotify: %w", err)
	}
	w.fds = append(w.fds, w.event)
	if _, err = unix.InotifyAddWatch(w.event, file, unix.IN_MODIFY); err != nil {
		return fmt.Errorf("watch %s: %w", file, err)
	}
	return nil
}

// run passes events on until the end. Neither version says reliably that a cgroup is gone, so that is looked for.
func (w *oomWatch) run(ctx context.Context, events chan<- struct{}) {
	buf := make([]byte, 4096)
	fds := []unix.PollFd{{Fd: int32(w.event), Events: unix.POLLIN}, {Fd: int32(w.wake), Events: unix.POLLIN}}
	for ctx.Err() == nil {
		_, err := unix.Poll(fds, int(time.Second.Milliseconds()))
		if err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		_, err = unix.Read(w.event, buf)
		happened := err == nil
		if unix.Access(w.dir, unix.F_OK) != nil {
			return
		}
		n := uint64(0)
		if w.count != nil {
			now := w.count()
			n, w.seen = max(now, w.seen)-w.seen, now
		} else if happened {
			n = 1
		}
		for range n {
			select {
			case events <- struct{}{}:
			case <-ctx.Done():
				return
			}
		}
	}
}
