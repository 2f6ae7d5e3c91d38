package cgroups

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// deviceList is what a v1 device cgroup can hold: a verdict for everything, and exceptions from it.
type deviceList struct {
	allow      bool
	exceptions []deviceRule
}

// listDevices turns ordered rules into a v1 list with the same meaning, or says why that is impossible. The kernel
// silently ignores what it cannot express; here it is an error.
func listDevices(rules []deviceRule) (deviceList, error) {
	var l deviceList
	for _, r := range rules {
		if r.everything() {
			l = deviceList{allow: r.allow}
			continue
		}
		for _, one := range split(r) {
			if err := l.apply(one); err != nil {
				return l, err
			}
		}
	}
	if !l.allow {
		l.complete()
	}
	return l, nil
}

// split makes a rule for each kind: on v1 "a" ignores the numbers and the access beside it.
func split(r deviceRule) []deviceRule {
	if r.kind != 'a' {
		return []deviceRule{r}
	}
	char, block := r, r
	char.kind, block.kind = 'c', 'b'
	return []deviceRule{char, block}
}

func (l *deviceList) apply(r deviceRule) error {
	if r.allow != l.allow {
		l.add(r)
		return nil
	}
	for i := range l.exceptions {
		e := &l.exceptions[i]
		if !e.overlaps(r) || e.access&r.access == 0 {
			continue
		}
		if !r.covers(*e) {
			return fmt.Errorf("device rule %q (allow: %t) makes an exception from %q (allow: %t), which cgroup v1 cannot express",
				r, r.allow, *e, e.allow)
		}
		e.access &^= r.access
	}
	l.exceptions = slices.DeleteFunc(l.exceptions, func(e deviceRule) bool { return e.access == 0 })
	return nil
}

// add adds an exception, or widens one for the same devices.
func (l *deviceList) add(r deviceRule) {
	for i := range l.exceptions {
		if e := &l.exceptions[i]; e.covers(r) && r.covers(*e) {
			e.access |= r.access
			return
		}
	}
	l.exceptions = append(l.exceptions, r)
}

// complete widens overlapping exceptions, because the kernel wants one exception that allows all of an access: with
// reading allowed by one and writing by another, opening for both would fail.
func (l *deviceList) complete() {
	for grown := true; grown; {
		grown = false
		for i := 1; i < len(l.exceptions); i++ {
			for j := range i {
				both, ok := union(l.exceptions[i], l.exceptions[j])
				if ok && !l.has(both) {
					l.add(both)
					grown = true
				}
			}
		}
	}
}

// union gives the exception for the devices that two exceptions share, with the access of both.
func union(a, b deviceRule) (deviceRule, bool) {
	if !a.overlaps(b) || a.access == b.access || (a.access|b.access)&^accessMknod == 0 {
		return a, false
	}
	u := meet(a, b)
	u.access = a.access | b.access
	return u, true
}

// has tells whether one exception allows all of another.
func (l *deviceList) has(r deviceRule) bool {
	return slices.ContainsFunc(l.exceptions, func(e deviceRule) bool {
		return e.covers(r) && e.access&r.access == r.access
	})
}

// meet gives the devices that two overlapping rules share.
func meet(a, b deviceRule) deviceRule {
	m := a
	if m.major == anyNumber {
		m.major = b.major
	}
	if m.minor == anyNumber {
		m.minor = b.minor
	}
	return m
}

// setDevicesV1 brings the container's device list to what the rules say. A running container never gets more than the
// old and the new list together, and what both allow stays allowed all the time.
func (m *cgroupfs) setDevicesV1(t *tree, rules []deviceRule) error {
	want, err := listDevices(rules)
	if err != nil {
		return field("/devices", err)
	}
	w := deviceWriter{m: m, t: t, fds: [2]int{-1, -1}}
	defer w.close()
	var now deviceList
	if t.made > 0 && m.freshDevices {
		// New and empty of processes: the old list, the parent's, needs no look.
		now.allow = true
	} else if now, err = readDevices(t); err != nil {
		return err
	}
	if want.allow != now.allow || now.allow {
		// Exceptions from "everything is allowed" cannot be read back, so they are dropped and written again.
		if err := w.put(want.allow, "a"); err != nil {
			return err
		}
		now = deviceList{allow: want.allow}
	}
	for _, e := range want.exceptions {
		if now.access(e)&e.access != e.access {
			if err := w.put(!want.allow, e.String()); err != nil {
				return err
			}
		}
	}
	for _, e := range now.exceptions {
		if keep := want.access(e); e.access&^keep != 0 {
			e.access &^= keep
			if err := w.put(want.allow, e.String()); err != nil {
				return err
			}
		}
	}
	return nil
}

// access gives the access bits of the exception for the same devices.
func (l *deviceList) access(r deviceRule) uint8 {
	for _, e := range l.exceptions {
		if e.covers(r) && r.covers(e) {
			return e.access
		}
	}
	return 0
}

// deviceWriter writes many rules to the two files, one system call each.
type deviceWriter struct {
	m   *cgroupfs
	t   *tree
	fds [2]int
}

func (w *deviceWriter) put(allow bool, rule string) error {
	name, slot := "devices.deny", 0
	if allow {
		name, slot = "devices.allow", 1
	}
	path := w.t.file(name)
	if w.fds[slot] < 0 {
		fd, err := open(path, unix.O_WRONLY)
		if err != nil {
			return fmt.Errorf("open %s: %w", path, err)
		}
		w.fds[slot] = fd
	}
	err := writeFD(w.fds[slot], path, rule)
	if allow && errors.Is(err, unix.EPERM) {
		// A cgroup cannot allow what its parent does not. On v2 the parent's program would deny it in the same silence.
		w.m.warn("device rule \"allow " + rule + "\" goes beyond what the parent cgroup allows: ignored")
		return nil
	}
	if err == nil && w.m.observe != nil {
		w.m.observe(path, rule)
	}
	return err
}

func (w *deviceWriter) close() {
	for _, fd := range w.fds {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// readDevices reads the list that is in force.
func readDevices(t *tree) (deviceList, error) {
	var l deviceList
	text, err := read(t.file("devices.list"))
	if err != nil {
		return l, err
	}
	return parseDeviceList(text)
}
