package cgroups

import (
	"errors"
	"fmt"
	"path"
	"time"

	"golang.org/x/sys/unix"
)

// freezer finds the cgroup by which the container is frozen: the v1 freezer, else v2, where freezing needs no controller.
func (m *cgroupfs) freezer() *tree {
	if t := m.controller("freezer"); t != nil {
		return t
	}
	return m.unified()
}

var errNoFreezer = errors.New("no freezer: neither a v1 freezer hierarchy nor cgroup v2 is available")

func (m *cgroupfs) Freeze() error {
	t := m.freezer()
	if t == nil {
		return errNoFreezer
	}
	err := t.freeze()
	if err != nil {
		// Half-stopped processes are worse than running ones.
		return errors.Join(fmt.Errorf("freeze cgroup %s: %w", t.dir(), err), t.thaw())
	}
	return nil
}

func (m *cgroupfs) Thaw() error {
	t := m.freezer()
	if t == nil {
		return errNoFreezer
	}
	if err := t.thaw(); err != nil && !gone(err) {
		return fmt.Errorf("thaw cgroup %s: %w", t.dir(), err)
	}
	return nil
}

func (m *cgroupfs) Frozen() (bool, error) {
	t := m.freezer()
	if t == nil {
		return false, nil
	}
	return t.frozen()
}

// frozen tells the effective state, an ancestor's included.
func (t *tree) frozen() (bool, error) {
	name := "cgroup.events"
	if !t.v2() {
		name = "freezer.state"
	}
	text, err := read(t.file(name))
	if err != nil {
		if gone(err) {
			return false, nil
		}
		return false, err
	}
	if t.v2() {
		n, _ := keyed(text, "frozen")
		return n == 1, nil
	}
	return text != "THAWED", nil
}

func (t *tree) freeze() error {
	if t.v2() {
		if err := write(t.file("cgroup.freeze"), "1"); err != nil {
			return err
		}
		return t.awaitEvent("frozen", 1, freezeTimeout)
	}
	deadline := time.Now().Add(freezeTimeout)
	for try := 1; time.Now().Before(deadline); try++ {
		// A process that forks while the kernel walks the cgroup can keep it FREEZING; writing again walks again.
		if err := write(t.file("freezer.state"), "FROZEN"); err != nil {
			return err
		}
		state, err := read(t.file("freezer.state"))
		if err != nil || state == "FROZEN" {
			return err
		}
		if try%50 == 0 { // and a process that waits uninterruptibly for a frozen one must be let go
			if err := write(t.file("freezer.state"), "THAWED"); err != nil {
				return err
			}
		}
		time.Sleep(time.Duration(min(try, 50)) * 20 * time.Microsecond)
	}
	return unix.ETIMEDOUT
}

func (t *tree) thaw() error {
	if t.v2() {
		if err := write(t.file("cgroup.freeze"), "0"); err != nil {
			return err
		}
		if up := t.frozenAncestor(); up != "" {
			return fmt.Errorf("%s is frozen", up)
		}
		return t.awaitEvent("frozen", 0, freezeTimeout)
	}
	if err := write(t.file("freezer.state"), "THAWED"); err != nil {
		return err
	}
	if up := t.frozenAncestor(); up != "" {
		return fmt.Errorf("%s is frozen", up)
	}
	return nil
}

// frozenAncestor finds the closest cgroup above that was frozen itself.
func (t *tree) frozenAncestor() string {
	name := "freezer.self_freezing"
	if t.v2() {
		name = "cgroup.freeze"
	}
	for rel := path.Dir(t.rel); rel != "/"; rel = path.Dir(rel) {
		if got, err := read(t.mount + rel + "/" + name); err == nil && got == "1" {
			return t.mount + rel
		}
	}
	return ""
}

// awaitEvent waits until cgroup.events of a v2 cgroup shows a value; the kernel wakes a poll for POLLPRI on each change.
func (t *tree) awaitEvent(key string, value uint64, timeout time.Duration) error {
	file := t.file("cgroup.events")
	fd, err := open(file, unix.O_RDONLY)
	if err != nil {
		if gone(err) {
			return nil
		}
		return err
	}
	defer unix.Close(fd)
	buf := make([]byte, 256)
	for deadline := time.Now().Add(timeout); ; {
		var n int
		err := retry(func() (err error) { n, err = unix.Pread(fd, buf, 0); return err })
		if gone(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
		if got, ok := keyed(string(buf[:n]), key); ok && got == value {
			return nil
		}
		left := time.Until(deadline)
		if left <= 0 {
			return unix.ETIMEDOUT
		}
		// Bounded, should a notification ever be missed.
		wait := min(left, 100*time.Millisecond)
		if _, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLPRI}}, int(wait.Milliseconds())+1); err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("poll %s: %w", file, err)
		}
	}
}
