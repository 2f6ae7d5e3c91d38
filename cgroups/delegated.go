package cgroups

import (
	"fmt"
	"path"
	"slices"

	"golang.org/x/sys/unix"
)

// skipForbidden finds out, without an effect, in which hierarchies the caller may not make or enter the container's cgroup.
// A rootless container has none there.
func (m *cgroupfs) skipForbidden() error {
	self, err := ownMembership(ModeNone)
	if err != nil {
		return err
	}
	m.trees = slices.DeleteFunc(m.trees, func(t tree) bool {
		err := t.forbidden(self)
		if err != nil {
			m.forbidden = err
		}
		return err != nil
	})
	m.paths = pathsOf(m.trees)
	return nil
}

// MayEnter tells whether the caller may start processes in a v2 cgroup (cgroups(7), "Delegation").
func MayEnter(dir string) bool {
	trees, err := treesOf(DefaultRoot, map[string]string{"": dir})
	if err != nil || len(trees) != 1 {
		return false
	}
	self, err := ownMembership(ModeNone)
	return err == nil && trees[0].forbidden(self) == nil
}

// forbidden says why the caller has no power over the container's cgroup, or gives nil.
func (t *tree) forbidden(self membership) error {
	needed := t.dir()
	for unix.Access(needed, unix.F_OK) != nil && len(needed) > len(t.mount) {
		needed = path.Dir(needed)
	}
	if needed == t.dir() {
		needed = t.file("cgroup.procs")
	}
	if err := mayWrite(needed); err != nil {
		return err
	}
	if own, ok := self.path(""); ok && t.v2() {
		// A process enters a cgroup only if its parent may do so in all that lies between (cgroups(7), "Delegation").
		return mayWrite(t.mount + path.Join(commonAncestor(own, t.rel), "cgroup.procs"))
	}
	return nil
}

func mayWrite(file string) error {
	if err := retry(func() error { return unix.Faccessat(unix.AT_FDCWD, file, unix.W_OK, unix.AT_EACCESS) }); err != nil {
		return fmt.Errorf("%s: %w%s", file, err, hintMkdir(err))
	}
	return nil
}

// commonAncestor gives the cgroup in which two cgroups meet.
func commonAncestor(a, b string) string {
	end := 0
	for i := 0; ; i++ {
		aEnds, bEnds := i == len(a) || a[i] == '/', i == len(b) || b[i] == '/'
		if aEnds && bEnds {
			end = i
		}
		if i == len(a) || i == len(b) || a[i] != b[i] {
			break
		}
	}
	return path.Clean("/" + a[:end])
}
