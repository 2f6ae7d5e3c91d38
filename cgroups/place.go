package cgroups

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Thread is an operating system thread that was moved into a container's v1 cgroups, so that a process cloned by it is
// born there.
//
// The goroutine must be locked to its thread before Join. Afterwards it either calls Leave, or ends without unlocking,
// which makes the Go runtime end the thread (that must not be the process's first thread, whose end Go only simulates).
// Until then the cgroup counts the thread and shows the caller's process id. Never join a frozen cgroup: the thread stops.
type Thread struct {
	trees []*tree
	fds   []int
	// home is where the thread was before. Later it cannot be asked for: if the thread is its process's first one, that is
	// where the process is said to be.
	home membership
}

func (m *cgroupfs) Join() (*Thread, error) {
	if m.pure() || len(m.trees) == 0 {
		return &Thread{}, nil
	}
	home, err := ownMembership(ModeHybrid)
	if err != nil {
		return nil, err
	}
	th := &Thread{trees: make([]*tree, 0, len(m.trees)), fds: make([]int, 0, 2*len(m.trees)), home: home}
	for i := range m.trees {
		t := &m.trees[i]
		if t.v2() || t.absent != nil {
			continue
		}
		// "0" is the calling thread: the one case where the kernel does not lock out all forks (Linux 5.5).
		fd, err := open(t.file("tasks"), unix.O_WRONLY)
		if err == nil {
			th.fds = append(th.fds, fd)
			err = writeFD(fd, t.file("tasks"), "0")
		}
		if err != nil {
			if m.tolerant && denied(err) {
				t.absent = err
				continue
			}
			return nil, errors.Join(fmt.Errorf("enter cgroup %s: %w", t.dir(), err), th.Leave())
		}
		th.trees = append(th.trees, t)
	}
	return th, nil
}

// Leave moves the calling thread, which must be the one that joined, back to where it was.
func (th *Thread) Leave() error {
	var errs []error
	for _, t := range th.trees {
		base, _ := th.home.path(t.controllers[0])
		fd, err := open(path.Join(t.mount, base, "tasks"), unix.O_WRONLY)
		if errors.Is(err, unix.ENOENT) { // not shown by this mount, see below
			fd, err = open(t.mount+"/tasks", unix.O_WRONLY)
		}
		if err == nil {
			th.fds = append(th.fds, fd)
			err = writeFD(fd, base+"/tasks", "0")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("leave cgroup %s: %w", t.dir(), err))
		}
	}
	th.trees = nil
	th.release()
	return errors.Join(errs...)
}

// release closes the descriptors, those that follow each other by one call.
func (th *Thread) release() {
	for len(th.fds) > 0 {
		n := 1
		for n < len(th.fds) && th.fds[n] == th.fds[n-1]+1 {
			n++
		}
		_ = unix.CloseRange(uint(th.fds[0]), uint(th.fds[n-1]), 0)
		th.fds = th.fds[n:]
	}
}

// Close gives up the thread's descriptors without moving it: for a thread that is about to end.
func (th *Thread) Close() {
	th.trees = nil
	th.release()
}

func (m *cgroupfs) Place(pid int) error {
	for i := range m.trees {
		t := &m.trees[i]
		if t.absent != nil {
			continue
		}
		if err := placeIn(t.file("cgroup.procs"), strconv.Itoa(pid)); err != nil {
			if m.tolerant && denied(err) {
				t.absent = err
				continue
			}
			return fmt.Errorf("place process %d in cgroup %s: %w", pid, t.dir(), err)
		}
	}
	return nil
}

// placeIn writes a process id to a cgroup.procs. EINVAL may mean that the process is being born.
func placeIn(file, pid string) error {
	var err error
	for range 5 {
		if err = write(file, pid); !errors.Is(err, unix.EINVAL) {
			return err
		}
		time.Sleep(30 * time.Millisecond)
	}
	return err
}
