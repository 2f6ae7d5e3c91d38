package libcontainer

import (
	"errors"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/copyup"
	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/specconv/plan"
)

// requests serve what the init asks for while it makes the container's mounts.
type requests struct {
	// from is the directory whose content the next mount gets, or -1.
	from int
	// namespaces are the user namespaces made for id-mapped mounts, so that mounts with
	// the same maps share one.
	namespaces []mountNamespace
}

// mountNamespace is a user namespace that gives a mount its id maps.
type mountNamespace struct {
	of *plan.MountIDMap
	fd int
}

func (b *builder) request() *requests {
	if b.requests == nil {
		b.requests = &requests{from: -1}
	}
	return b.requests
}

func (r *requests) close() {
	if r == nil {
		return
	}
	closeAll(r.from)
	for _, n := range r.namespaces {
		unix.Close(n.fd)
	}
}

// current is the entry of the plan that the init is at.
func (b *builder) current() (int, error) {
	progress, err := b.progress()
	if err != nil {
		return -1, err
	}
	return b.program.Step(progress.Op), nil
}

// serveCopyUp copies what a mount is to cover into it. The mount is not attached yet, so
// nobody sees it half filled.
func (b *builder) serveCopyUp(to int) error {
	start := b.o.Trace.begin()
	r := b.request()
	from := r.from
	r.from = -1
	err := copyup.Tree(from, to)
	closeAll(from, to)
	b.o.Trace.end(start, "copy into the tmpfs")
	if err != nil {
		at, stepErr := b.current()
		if stepErr != nil {
			return stepErr
		}
		return b.plan.Failed(at, err, "")
	}
	return b.answer()
}

// serveMountIDMap gives the files of a mount other owners (mount_setattr(2), Linux 5.12).
func (b *builder) serveMountIDMap(mount int) error {
	defer closeAll(mount)
	at, err := b.current()
	if err != nil {
		return err
	}
	wanted := idMapOf(b.plan, at)
	if wanted == nil {
		return errors.New("the init asks for an id map that the plan does not have")
	}
	fd, err := b.mountNamespace(wanted)
	if err != nil {
		return b.plan.Failed(at, err, "")
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(fd)}
	flags := uint(unix.AT_EMPTY_PATH)
	if wanted.Recursive {
		flags |= unix.AT_RECURSIVE
	}
	if err := unix.MountSetattr(mount, "", flags, &attr); err != nil {
		failed := b.plan.Failed(at, err, "")
		failed.Hint = idMapHint(err)
		return failed
	}
	return b.answer()
}

func idMapOf(p *plan.Plan, at int) *plan.MountIDMap {
	if at < 0 || at >= len(p.Entries) {
		return nil
	}
	switch s := p.Entries[at].Step.(type) {
	case plan.Mount:
		return s.IDMap
	case plan.Bind:
		return s.IDMap
	}
	return nil
}

func idMapHint(err error) string {
	switch {
	case errors.Is(err, unix.EINVAL):
		return "the kernel cannot id-map mounts of this file system"
	case errors.Is(err, unix.EPERM):
		return "a mount can be id-mapped once, by who has CAP_SYS_ADMIN over its file system"
	}
	return ""
}

// mountNamespace gives a user namespace with the maps. It stays the builder's.
func (b *builder) mountNamespace(wanted *plan.MountIDMap) (int, error) {
	r := b.request()
	for _, n := range r.namespaces {
		if n.of.Namespace == wanted.Namespace && slices.Equal(n.of.UID, wanted.UID) && slices.Equal(n.of.GID, wanted.GID) {
			return n.fd, nil
		}
	}
	var fd int
	var err error
	if wanted.Namespace != "" {
		fd, err = sys.OpenAt(unix.AT_FDCWD, wanted.Namespace, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	} else {
		fd, err = b.makeUserNamespace(wanted)
	}
	if err != nil {
		return -1, err
	}
	r.namespaces = append(r.namespaces, mountNamespace{wanted, fd})
	return fd, nil
}

// makeUserNamespace makes a user namespace with maps. It takes a process to make one,
// which is an init that does nothing else, and a descriptor to keep it.
func (b *builder) makeUserNamespace(wanted *plan.MountIDMap) (int, error) {
	p := &plan.Plan{Spawn: plan.Spawn{New: plan.NamespaceUser}}
	p.Add(plan.Namespaces, "", plan.Unshare{Namespaces: plan.NamespaceUser})
	p.Add(plan.Namespaces, "", plan.Rendezvous{Point: plan.PointIDMaps})
	layout := initproc.Layout{}
	program, err := initproc.Lower(p, &layout)
	if err != nil {
		return -1, err
	}
	page, err := initproc.NewProgress(program.PageSize())
	if err != nil {
		return -1, err
	}
	defer unix.Close(page)
	holder, err := initproc.Start(&initproc.Spawn{
		Layout: &layout, Program: program, StateDir: b.creation.dir.fd, Page: page, Stdio: b.stdio, Cgroup: -1,
	})
	if err != nil {
		return -1, err
	}
	defer func() {
		holder.Close()
		unix.Close(holder.Pidfd)
		b.reap(holder.Pid)
	}()
	if tag, _, err := holder.Receive(); err != nil || tag != initproc.TagIDMaps {
		return -1, errors.Join(errors.New("no user namespace can be made for the mount"), err)
	}
	for _, m := range idMapsOf(plan.IDMaps{UID: wanted.UID, GID: wanted.GID}) {
		if err := m.write(procFile(holder.Pid, m.file)); err != nil {
			return -1, err
		}
	}
	return sys.OpenAt(unix.AT_FDCWD, procFile(holder.Pid, "ns/user"), unix.O_RDONLY, 0)
}
