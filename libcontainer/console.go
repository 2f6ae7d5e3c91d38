package libcontainer

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// hostConsole is the terminal that the runtime was called from.
type hostConsole struct {
	fd int
	// opened: fd is the console's own descriptor, to be closed.
	opened bool
	before unix.Termios
	// raw: the terminal was changed and has to be put back.
	raw bool
}

// openHostConsole finds the terminal among the runtime's standard streams, the
// last one first, or else takes the one that controls the process.
func openHostConsole(streams [3]int) (*hostConsole, error) {
	for _, fd := range []int{streams[2], streams[1], streams[0]} {
		if before, err := terminalState(fd); err == nil {
			return &hostConsole{fd: fd, before: *before}, nil
		}
	}
	fd, err := sys.OpenAt(unix.AT_FDCWD, "/dev/tty", unix.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	before, err := terminalState(fd)
	if err != nil {
		unix.Close(fd)
		return nil, &fs.PathError{Op: "open", Path: "/dev/tty", Err: err}
	}
	return &hostConsole{fd: fd, opened: true, before: *before}, nil
}

// makeRaw hands every key on as it is typed (termios(3), cfmakeraw). The output
// is processed as before: that the container's terminal does not (clearONLCR)
// would else show.
func (c *hostConsole) makeRaw() error {
	raw := c.before
	raw.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	raw.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	raw.Cflag &^= unix.CSIZE | unix.PARENB
	raw.Cflag |= unix.CS8
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	c.raw = true
	// A process in the background is stopped here until it is in the foreground.
	err := sys.Retry(func() error { return unix.IoctlSetTermios(c.fd, unix.TCSETS, &raw) })
	if err != nil {
		return fmt.Errorf("set terminal: %w", err)
	}
	return nil
}

// close puts the terminal back into the state it was found in.
func (c *hostConsole) close() error {
	var err error
	if c.raw {
		c.raw = false
		err = setTerminalState(c.fd, &c.before)
	}
	if c.opened {
		unix.Close(c.fd)
	}
	return err
}

// copySize gives the container's terminal the size of the host's.
func (c *hostConsole) copySize(master int) error {
	var size *unix.Winsize
	err := sys.Retry(func() (err error) {
		size, err = unix.IoctlGetWinsize(c.fd, unix.TIOCGWINSZ)
		return err
	})
	if err != nil {
		return fmt.Errorf("size of the terminal: %w", err)
	}
	return setTerminalSize(master, size.Row, size.Col)
}

// setTerminalSize sets the size of a terminal through its master end; the
// programs that use it get SIGWINCH.
func setTerminalSize(master int, rows, columns uint16) error {
	size := unix.Winsize{Row: rows, Col: columns}
	err := sys.Retry(func() error { return unix.IoctlSetWinsize(master, unix.TIOCSWINSZ, &size) })
	if err != nil {
		return fmt.Errorf("resize the terminal: %w", err)
	}
	return nil
}

// clearONLCR stops the container's terminal from turning each newline into two
// characters: the host's terminal does so, or its user has told it not to.
func clearONLCR(master int) error {
	state, err := terminalState(master)
	if err != nil {
		return fmt.Errorf("terminal: %w", err)
	}
	state.Oflag &^= unix.ONLCR
	return setTerminalState(master, state)
}

func terminalState(fd int) (*unix.Termios, error) {
	var state *unix.Termios
	err := sys.Retry(func() (err error) {
		state, err = unix.IoctlGetTermios(fd, unix.TCGETS)
		return err
	})
	return state, err
}

// setTerminalState works in the background as well, where the kernel would stop
// the process: a terminal is put back whoever uses it by then.
func setTerminalState(fd int, state *unix.Termios) error {
	err := sys.WithoutSignal(unix.SIGTTOU, func() error {
		return sys.Retry(func() error { return unix.IoctlSetTermios(fd, unix.TCSETS, state) })
	})
	if err != nil {
		return fmt.Errorf("set terminal: %w", err)
	}
	return nil
}

// errnoOf strips an error down to the kernel's word where there is one.
func errnoOf(err error) error {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}
