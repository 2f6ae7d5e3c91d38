package libcontainer

import (
	"errors"

	"golang.org/x/sys/unix"
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
