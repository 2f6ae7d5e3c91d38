package cgroups

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// usual are the controllers whose presence shows that the parent delegates.
var usual = [...]string{"cpu", "cpuset", "io", "memory", "pids"}

// enable turns controllers on for a new v2 cgroup. On a hybrid machine only what a limit needs: the controllers that are
// not on v1 hierarchies are few, and enabling them forbids processes in the ancestors.
func (m *cgroupfs) enable(t *tree) error {
	need := slices.DeleteFunc(needed(m.resources), func(c string) bool { return m.controller(v1Name(c)) != nil })
	if !m.pure() && len(need) == 0 {
		return nil
	}
	have, err := controllers(t.file("cgroup.controllers"))
	if err != nil {
		return err
	}
	if containsAll(have, usual[:]) && containsAll(have, need) {
		return nil
	}
	offered, err := controllers(t.mount + "/cgroup.controllers")
	if err != nil {
		return err
	}
	var missing []string
	for _, c := range offered {
		if !slices.Contains(have, c) && (m.pure() || slices.Contains(need, c)) {
			missing = append(missing, c)
		}
	}
	if len(missing) > 0 {
		m.delegate(t, missing)
	}
	return nil
}

// delegate enables controllers in all ancestors from the root down. A failure matters only to a limit that needs the
// controller, which then reports it.
func (m *cgroupfs) delegate(t *tree, names []string) {
	for i := range len(t.rel) {
		if t.rel[i] != '/' {
			continue
		}
		if t.crowded(t.rel[:i]) {
			m.refuse(names, unix.EBUSY)
			continue
		}
		file := t.mount + t.rel[:i] + "/cgroup.subtree_control"
		if write(file, "+"+strings.Join(names, " +")) == nil {
			continue
		}
		for _, c := range names { // the kernel takes all or nothing: find out which
			if err := write(file, "+"+c); err != nil {
				m.refuse([]string{c}, err)
			}
		}
	}
}

// refuse notes why controllers could not be enabled, the first reason of each.
func (m *cgroupfs) refuse(names []string, err error) {
	if m.unavailable == nil {
		m.unavailable = make(map[string]error)
	}
	for _, c := range names {
		if m.unavailable[c] == nil {
			m.unavailable[c] = err
		}
	}
}

// crowded tells whether a cgroup that is not the root of all has processes of its own. It cannot share most controllers
// with those below; and if it gave them the others, the threaded ones, no process could be born there (cgroups(7),
// "Threaded mode", the type "domain invalid").
func (t *tree) crowded(rel string) bool {
	if unix.Access(t.mount+rel+"/cgroup.type", unix.F_OK) != nil {
		return false
	}
	text, err := read(t.mount + rel + "/cgroup.procs")
	return err == nil && text != ""
}

// v1Name gives the v1 name of a controller.
func v1Name(controller string) string {
	if controller == "io" {
		return "blkio"
	}
	return controller
}

func controllers(file string) ([]string, error) {
	text, err := read(file)
	return strings.Fields(text), err
}

func containsAll(have, want []string) bool {
	for _, w := range want {
		if !slices.Contains(have, w) {
			return false
		}
	}
	return true
}

// missing explains why a file does not exist.
func (m *cgroupfs) missing(t *tree, name string, cause error) error {
	controller, _, _ := strings.Cut(name, ".")
	if !t.v2() {
		return fmt.Errorf("the kernel has no %s (it may be too old, or built without that part of the %s controller): %w",
			name, controller, cause)
	}
	if err := m.unavailable[controller]; err != nil {
		return &ControllerError{Controller: controller, Path: t.dir(), Err: err}
	}
	have, err := controllers(t.file("cgroup.controllers"))
	if err == nil && controller != "cgroup" && !slices.Contains(have, controller) {
		return &ControllerError{Controller: controller, Path: t.dir(), Err: cause}
	}
	return cause
}
