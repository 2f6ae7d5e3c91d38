package libcontainer

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/specconv/plan"
)

// sources are the mounts that the runtime hands over to an init in a user namespace.
// They wait in a queue, from which the init takes one at a time: thousands of them
// fit below any limit on open files.
type sources struct {
	// done is closed when all are handed over, or err says why not.
	done chan struct{}
	err  error
}

// sourcesAhead is how many mounts are put into the queue before the init runs, if
// they fit (net.core.wmem_default).
const sourcesAhead = 64

func (b *builder) countSource(handed bool) {
	if handed {
		b.layout.Sources++
	}
}

// handSources fills the queue and gives the end of it that is the init's, or -1. What
// does not fit follows while the init runs.
func (b *builder) handSources() (int, error) {
	if b.layout.Sources == 0 {
		return -1, nil
	}
	start := b.o.Trace.begin()
	pair, err := sys.SocketPair(unix.SOCK_SEQPACKET)
	if err != nil {
		return -1, err
	}
	ours := pair[0]
	_ = unix.SetNonblock(ours, true)
	ahead, err := b.sendSources(ours, 0, sourcesAhead)
	b.o.Trace.end(start, "open mount sources")
	if err != nil || ahead == len(b.plan.Entries) {
		closeAll(ours)
		return pair[1], err
	}
	s := &sources{done: make(chan struct{})}
	b.sources = s
	go func() {
		defer close(s.done)
		defer closeAll(ours)
		_ = unix.SetNonblock(ours, false)
		_, s.err = b.sendSources(ours, ahead, len(b.plan.Entries))
	}()
	return pair[1], nil
}

// sendSources opens and sends the mounts of the plan's entries from first on, at most
// so many, and gives the entry at which it stopped.
func (b *builder) sendSources(queue, first, most int) (int, error) {
	for i := first; i < len(b.plan.Entries); i++ {
		path, flags, handed := sourceOf(b.plan.Entries[i].Step)
		if !handed {
			continue
		}
		if most--; most < 0 {
			return i, nil
		}
		fd, err := cloneTree(path, flags)
		if err != nil {
			failed := b.plan.Failed(i, err, "")
			failed.Hint = hintFor(b.plan.Entries[i].Step, err)
			return i, failed
		}
		err = sys.SendFDs(queue, []byte{0}, fd)
		unix.Close(fd)
		if errors.Is(err, unix.EAGAIN) {
			return i, nil
		}
		if err != nil {
			return i, b.plan.Failed(i, err, "")
		}
	}
	return len(b.plan.Entries), nil
}

// sourceOf gives the path of what is handed over and how it is cloned (open_tree(2)).
func sourceOf(step plan.Step) (path string, flags uint, handed bool) {
	switch s := step.(type) {
	case plan.Root:
		return s.Path, unix.AT_RECURSIVE, s.Handed
	case plan.Bind:
		if s.Recursive {
			flags |= unix.AT_RECURSIVE
		}
		if s.SourceLink {
			flags |= unix.AT_SYMLINK_NOFOLLOW
		}
		return s.Source, flags, s.Handed
	}
	return "", 0, false
}

// cloneTree makes a detached copy of a mount (open_tree(2)). What is mounted in the
// container below it never shows on the host.
func cloneTree(path string, flags uint) (int, error) {
	flags |= unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC
	fd, err := -1, error(nil)
	err = sys.Retry(func() error {
		fd, err = unix.OpenTree(unix.AT_FDCWD, path, flags)
		return err
	})
	if err != nil {
		return -1, err
	}
	slave := unix.MountAttr{Propagation: unix.MS_SLAVE}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &slave); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// wait gives why the queue has ended early, if it has. It is for when the init has
// ended, who may not have been the first to go.
func (s *sources) wait() error {
	if s == nil {
		return nil
	}
	<-s.done
	if errors.Is(s.err, unix.EPIPE) || errors.Is(s.err, unix.ECONNRESET) {
		return nil
	}
	return s.err
}
