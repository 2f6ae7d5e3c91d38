package libcontainer

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// creation is a container that is being made. It holds a lock on the record for
// as long as its maker is at work; the lock ends with the maker, however that
// ends, and so tells "creating" from "left behind".
type creation struct {
	*Container
	record *record
	fd     int
	// size is how much the maker has written.
	size int64
}

// errDeletedMeanwhile is what the maker of a container finds that was deleted by
// force at the same time.
var errDeletedMeanwhile = errors.New("container was deleted while it was being created")

// begin takes the id and writes the record and the copy of config.json. After it
// every effect can be found again; before it there is none. When it fails nothing
// is left.
func (s *Store) begin(r *record, config []byte) (*creation, error) {
	dir, err := s.makeDirectory(r.ID)
	if err != nil {
		return nil, err
	}
	c := &creation{Container: &Container{store: s, dir: dir}, record: r, fd: -1}
	if err := c.write(config); err != nil {
		c.release()
		return nil, errors.Join(err, s.discardFailed(dir))
	}
	return c, nil
}

func (s *Store) discardFailed(d *directory) error {
	root, err := s.openOwn(d)
	if err != nil {
		return err
	}
	defer unix.Close(root)
	return s.discard(root, d, func() {})
}

func (c *creation) write(config []byte) error {
	flags := unix.O_RDWR | unix.O_APPEND | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW
	fd, err := sys.OpenAt(c.dir.fd, recordName, flags, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return errDeletedMeanwhile
	}
	if err != nil {
		return err
	}
	c.fd = fd
	if err := sys.HoldFile(fd, time.Second); err != nil {
		return fmt.Errorf("lock record: %w", err)
	}
	head := c.record.encode()
	if err := sys.Reserve(fd, int64(len(head)+recordReserve)); err != nil {
		return fmt.Errorf("reserve space for record: %w", err)
	}
	if err := c.writeRecord(head); err != nil {
		return err
	}
	return sys.CreateFileAt(c.dir.fd, configName, config, 0o600)
}

// recordCgroup notes where the container's processes will be, before the cgroup is
// made and after it was seen to be nobody else's.
func (c *creation) recordCgroup(p cgroupPlace) error {
	c.record.Cgroup = p
	return c.append(p.entry())
}

// recordResctrl notes the container's class of service.
func (c *creation) recordResctrl(p resctrlPlace) error {
	c.record.Resctrl = p
	return c.append(p.entry())
}

// recordInit notes the container's first process, as soon as it exists.
func (c *creation) recordInit(p sys.Process) error {
	c.record.Init = p
	return c.append(newEntry(lineInit).num("pid", int64(p.Pid)).num("start", int64(p.Start)))
}

// commit notes that the container is created or, for run, started; from then on
// it is what its record says. It fails if the container was meanwhile deleted by
// force: then the maker has to undo what it did.
func (c *creation) commit(started bool) error {
	kind := lineCreated
	if started {
		kind = lineStarted
	}
	if err := c.append(newEntry(kind)); err != nil {
		return err
	}
	if err := c.checkDeleted(); err != nil {
		return err
	}
	c.record.IsCreated, c.record.IsStarted = true, started
	c.release()
	return nil
}

// checkDeleted looks for a line that is not the maker's: who deletes by force
// writes into the record first.
func (c *creation) checkDeleted() error {
	var stat unix.Stat_t
	if err := sys.Retry(func() error { return unix.Fstat(c.fd, &stat) }); err != nil {
		return fmt.Errorf("look at record: %w", err)
	}
	if stat.Size != c.size {
		return errDeletedMeanwhile
	}
	return nil
}

func (c *creation) append(e *entry) error { return c.writeRecord(e.bytes()) }

func (c *creation) writeRecord(data []byte) error {
	if err := sys.WriteAll(c.fd, data); err != nil {
		return fmt.Errorf("write record: %w", err)
	}
	c.size += int64(len(data))
	return nil
}

// release ends the time in which the container counts as being created.
func (c *creation) release() {
	if c.fd >= 0 {
		unix.Close(c.fd)
		c.fd = -1
	}
}

// isCreating reports whether the container's maker is still at work.
func (d *directory) isCreating() (bool, error) {
	fd, err := sys.OpenAt(d.fd, recordName, unix.O_RDONLY|unix.O_NOFOLLOW, 0)
	runtime.KeepAlive(d)
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	return sys.FileHeld(fd)
}

// note appends a line to the record of a container that exists.
func (d *directory) note(r *record, e *entry) error {
	fd, err := sys.OpenAt(d.fd, recordName, unix.O_WRONLY|unix.O_APPEND|unix.O_NOFOLLOW, 0)
	runtime.KeepAlive(d)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	line := e.bytes()
	if r.torn {
		line = append([]byte{'\n'}, line...)
	}
	return sys.WriteAll(fd, line)
}
