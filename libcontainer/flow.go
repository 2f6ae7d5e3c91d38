package libcontainer

import (
	"io"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/relay"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

const (
	// flowBuffer is how much is read at a time where bytes have to be copied.
	flowBuffer = 32 << 10
	// flowSplice is how much is asked to be moved at a time inside the kernel.
	flowSplice = 1 << 20
	// flowAtomic is what a pipe that poll calls writable takes without blocking
	// (pipe(7), PIPE_BUF).
	flowAtomic = 4096
)

// flow moves the bytes of one stream without ever waiting for either side but in
// the one poll of its owner.
type flow struct {
	from, to int
	// closeFrom and closeTo: the descriptor is this flow's to close.
	closeFrom, closeTo bool
	// copies: the kernel cannot move bytes between these two by itself.
	copies bool
	// kind is the file type of a destination that is not the runtime's own,
	// which may be in blocking mode.
	kind    uint32
	foreign bool
	// blocked: what comes next is to write.
	blocked bool
	buffer  []byte
	pending []byte
	ended   bool
}

// newInput moves the caller's stream into a pipe or terminal of the runtime.
func newInput(from, to int, closeTo bool) *flow {
	return &flow{from: from, to: to, closeTo: closeTo}
}

// newOutput moves from a pipe or terminal of the runtime to a stream of the
// caller. The caller's description must not be made non-blocking, as others
// share it; a terminal is opened again for a description of the flow's own.
func newOutput(from, to int, closeFrom bool) *flow {
	f := &flow{from: from, to: to, closeFrom: closeFrom, foreign: true}
	var stat unix.Stat_t
	if err := sys.Retry(func() error { return unix.Fstat(to, &stat) }); err == nil {
		f.kind = stat.Mode & unix.S_IFMT
	}
	if f.kind == unix.S_IFCHR {
		flags := unix.O_WRONLY | unix.O_NONBLOCK | unix.O_NOCTTY
		if again, err := sys.OpenAt(unix.AT_FDCWD, sys.SelfFD(to), flags, 0); err == nil {
			f.to, f.closeTo, f.foreign = again, true, false
		}
	}
	// These can block, and splice(2) has no flag against it.
	f.copies = f.kind == unix.S_IFSOCK || f.kind == unix.S_IFCHR && f.foreign
	return f
}

// isEnded: there is nothing more to move, or never was.
func (f *flow) isEnded() bool { return f == nil || f.ended }

// relayed is the flow for a relay, before anything has been moved.
func (f *flow) relayed() relay.Flow {
	if f.isEnded() {
		return relay.None
	}
	return relay.Flow{
		From: f.from, To: f.to, CloseFrom: f.closeFrom, CloseTo: f.closeTo, Copies: f.copies, Foreign: f.foreign, Kind: f.kind,
	}
}

// interest says what to poll for.
func (f *flow) interest() unix.PollFd {
	switch {
	case f.isEnded():
		return unix.PollFd{Fd: -1}
	case f.blocked:
		return unix.PollFd{Fd: int32(f.to), Events: unix.POLLOUT}
	}
	return unix.PollFd{Fd: int32(f.from), Events: unix.POLLIN}
}

// move does what is possible now, after poll has found the flow ready.
func (f *flow) move() {
	var err error
	if !f.copies {
		err = f.splice()
		if err == unix.EINVAL { //nolint:errorlint // the call's own error, asked on the way to a start
			f.copies = true
		}
	}
	if f.copies {
		err = f.copy()
	}
	if err != nil && err != unix.EAGAIN { //nolint:errorlint // the call's own error, asked on the way to a start
		f.end()
	}
}

// splice moves bytes inside the kernel. When it can move nothing although poll
// had called the source readable, the destination is full.
func (f *flow) splice() error {
	var n int64
	err := sys.Retry(func() (err error) {
		n, err = unix.Splice(f.from, nil, f.to, nil, flowSplice, unix.SPLICE_F_NONBLOCK|unix.SPLICE_F_MOVE)
		return err
	})
	switch {
	case err == unix.EAGAIN: //nolint:errorlint // the call's own error, asked on the way to a start
		f.blocked = !f.blocked
		return err
	case err != nil:
		return err
	case n == 0:
		return io.EOF
	}
	f.blocked = false
	return nil
}

func (f *flow) copy() error {
	if len(f.pending) == 0 {
		if err := f.fill(); err != nil {
			return err
		}
		if ready, err := f.writable(); err != nil || !ready {
			return err
		}
	}
	n, err := f.write()
	if err != nil {
		return err
	}
	f.pending = f.pending[n:]
	f.blocked = len(f.pending) > 0
	return nil
}

func (f *flow) fill() error {
	if f.buffer == nil {
		f.buffer = make([]byte, flowBuffer)
	}
	var n int
	err := sys.Retry(func() (err error) {
		n, err = unix.Read(f.from, f.buffer)
		return err
	})
	if err != nil {
		return err
	}
	if n <= 0 {
		return io.EOF
	}
	f.pending, f.blocked = f.buffer[:n], true
	return nil
}

// writable spares a destination that takes bytes at once, as most do, another
// round through the owner's poll.
func (f *flow) writable() (bool, error) {
	if !f.foreign || f.kind == unix.S_IFREG || f.kind == unix.S_IFSOCK {
		return true, nil
	}
	ready, err := sys.WaitWritable(f.to, 0)
	return ready, err
}

func (f *flow) write() (n int, err error) {
	data := f.pending
	if f.foreign && f.kind != unix.S_IFREG && f.kind != unix.S_IFSOCK {
		data = data[:min(len(data), flowAtomic)]
	}
	err = sys.Retry(func() (err error) {
		if f.kind == unix.S_IFSOCK {
			n, err = unix.SendmsgN(f.to, data, nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		} else {
			n, err = unix.Write(f.to, data)
		}
		return err
	})
	return max(n, 0), err
}

// end closes what is the flow's own, which is how the end of one side is told to
// the other.
func (f *flow) end() {
	if f.isEnded() {
		return
	}
	f.ended = true
	if f.closeFrom {
		unix.Close(f.from)
	}
	if f.closeTo {
		unix.Close(f.to)
	}
}
