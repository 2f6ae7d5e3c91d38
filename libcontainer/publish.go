package libcontainer

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/specconv/plan"
)

// publish tells those who asked which process the container is. A container that
// they cannot learn of is none: a failure undoes it.
func (b *builder) publish() error {
	start := b.o.Trace.begin()
	if b.o.PidFile != "" {
		if err := writePidFile(b.o.PidFile, b.pid); err != nil {
			return err
		}
	}
	if b.o.PidfdSocket != "" {
		if err := sendPidfd(b.o.PidfdSocket, pidfdInit, b.init.Pidfd); err != nil {
			return err
		}
	}
	b.o.Trace.end(start, "publish the process id")
	return nil
}

// commit makes the container what its record says: from here on it outlives the
// runtime.
func (b *builder) commit() error {
	start := b.o.Trace.begin()
	if b.gated {
		// A pid namespace that was joined: the init forked.
		progress, err := b.progress()
		if err != nil {
			return err
		}
		if err := b.adopt(progress); err != nil {
			return err
		}
	}
	if err := b.creation.commit(!b.gated); err != nil {
		return err
	}
	if b.gated {
		if err := b.init.Answer(); err != nil {
			return b.explainEnd(err)
		}
	}
	b.o.Trace.end(start, "commit")
	return b.traceInit(monotonic())
}

// takeConsole receives the master end of the terminal, hands it to the socket that
// was named for it or to whoever serves it, and lets the init go on: what the
// program writes first is to meet a terminal that is set up.
func (b *builder) takeConsole(master int) error {
	if master < 0 {
		return errors.New("the init sent no terminal")
	}
	if err := b.handConsole(master); err != nil {
		return err
	}
	return b.init.Answer()
}

func (b *builder) handConsole(master int) error {
	if b.serveConsole != nil {
		return b.serveConsole(master)
	}
	defer unix.Close(master)
	return sendConsole(b.o.ConsoleSocket, master)
}

// serveIDMaps writes the id maps of the init's new user namespace.
func (b *builder) serveIDMaps() error {
	for i, e := range b.plan.Entries {
		maps, ok := e.Step.(plan.IDMaps)
		if !ok {
			continue
		}
		if err := writeIDMaps(b.init.Pid, maps); err != nil {
			return b.plan.Failed(i, err, "")
		}
	}
	return b.init.Answer()
}

// writeIDMaps writes the maps as the owner of the user namespace or the host's
// root may (user_namespaces(7)).
func writeIDMaps(pid int, maps plan.IDMaps) error {
	if maps.Helpers {
		return errors.New("newuidmap and newgidmap are not supported by this version of ocirun")
	}
	dir := fmt.Sprintf("/proc/%d/", pid)
	for _, f := range [...]struct {
		name string
		list []plan.IDMapping
	}{{"uid_map", maps.UID}, {"gid_map", maps.GID}} {
		var text []byte
		for _, m := range f.list {
			text = fmt.Appendf(text, "%d %d %d\n", m.ContainerID, m.HostID, m.Size)
		}
		if err := writeExisting(dir+f.name, text); err != nil {
			return err
		}
	}
	return nil
}

// writeExisting writes to a file of procfs, which takes all in one write.
func writeExisting(path string, text []byte) error {
	fd, err := sys.OpenAt(unix.AT_FDCWD, path, unix.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return sys.WriteAll(fd, text)
}
