package cgroups

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Kill first uses cgroup.kill (Linux 5.14), which no fork escapes. What is left, or all of it on v1, is frozen so that it
// cannot fork, killed, and thawed, because a frozen v1 process does not die.
func (m *cgroupfs) Kill() error {
	if t := m.unified(); t != nil {
		if err := m.killUnified(t); err != nil {
			return err
		}
		if m.pure() {
			return nil
		}
	}
	deadline := time.Now().Add(killTimeout)
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		pids, err := m.members()
		if err != nil {
			return err
		}
		if len(pids) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return m.survivors(pids)
		}
		if err := m.killFrozen(pids); err != nil {
			return err
		}
		if f := m.controller("freezer"); f != nil && f.frozenAncestor() != "" {
			return m.survivors(pids) // they die when that is thawed, and not before
		}
		time.Sleep(pause)
	}
}

// killUnified kills by one write. On a kernel without cgroup.kill it leaves the work to the loop of Kill.
func (m *cgroupfs) killUnified(t *tree) error {
	err := write(t.file("cgroup.kill"), "1")
	switch {
	case err == nil:
	case errors.Is(err, unix.ENOENT) && !m.pure(), errors.Is(err, unix.ENODEV):
		return nil
	case errors.Is(err, unix.ENOENT):
		if unix.Access(t.dir(), unix.F_OK) != nil {
			return nil
		}
		return m.killByList(t)
	default:
		return fmt.Errorf("kill cgroup %s: %w", t.dir(), err)
	}
	if !m.pure() {
		// A process frozen by v1 dies only when thawed; and what left this hierarchy is for the loop of Kill.
		if f := m.controller("freezer"); f != nil {
			_ = f.thaw()
		}
		_ = t.awaitEvent("populated", 0, 100*time.Millisecond)
		return nil
	}
	err = t.awaitEvent("populated", 0, killTimeout)
	if errors.Is(err, unix.ETIMEDOUT) {
		pids, _ := collect(t.dir())
		return m.survivors(pids)
	}
	return err
}

// killByList kills a v2 cgroup on kernels before 5.14. SIGKILL reaches frozen processes there.
func (m *cgroupfs) killByList(t *tree) error {
	for deadline := time.Now().Add(killTimeout); ; {
		pids, err := collect(t.dir())
		if err != nil || len(pids) == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return m.survivors(pids)
		}
		_ = write(t.file("cgroup.freeze"), "1")
		if pids, err = collect(t.dir()); err != nil {
			return err
		}
		err = signalAll(pids, unix.SIGKILL)
		_ = write(t.file("cgroup.freeze"), "0")
		if err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
}

// killFrozen kills processes, with the forks that happened since they were listed.
func (m *cgroupfs) killFrozen(pids []int) error {
	t := m.controller("freezer")
	if t == nil {
		return signalAll(pids, unix.SIGKILL)
	}
	if err := write(t.file("freezer.state"), "FROZEN"); err != nil && !gone(err) {
		return errors.Join(err, signalAll(pids, unix.SIGKILL))
	}
	// Not waited for: whoever is about to fork is killed in the next round.
	if now, err := m.members(); err == nil {
		pids = now
	}
	err := signalAll(pids, unix.SIGKILL)
	if thaw := write(t.file("freezer.state"), "THAWED"); thaw != nil && !gone(thaw) {
		return errors.Join(err, thaw)
	}
	return err
}

// survivors tells why killed processes may still be there.
func (m *cgroupfs) survivors(pids []int) error {
	if t := m.freezer(); t != nil {
		if up := t.frozenAncestor(); up != "" {
			return fmt.Errorf("%w: %v (%s is frozen)", ErrBusy, pids, up)
		}
	}
	return fmt.Errorf("%w: %v", ErrBusy, pids)
}
