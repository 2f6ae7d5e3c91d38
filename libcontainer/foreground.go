package libcontainer

import (
	"errors"
	"fmt"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/relay"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// foreground stays with a process that the runtime has started until it ends: it
// copies its standard streams, hands signals on and reaps what is left to the
// runtime. All of it is one loop around one poll, without goroutines: a thread
// more costs as much time as starting a container does.
//
//	newForeground   before the process exists   pipes
//	closeChild      as soon as it exists        the pipes' other ends
//	attach          when its terminal is there  raw mode, size
//	catchSignals    before it exists            (or wait does it)
//	await           until it exists             signals end the creation
//	wait            until it has ended
//	close           in any case
type foreground struct {
	stdio   *stdio
	console *hostConsole
	// master is the process's terminal, or -1.
	master  int
	signals *sys.Signals
	// early came before there was a program to hand them to.
	early []unix.Signal
	// in, out and errs are the three streams; with a terminal errs is nil.
	in, out, errs *flow
	// subreaper: processes that the container's first one leaves behind become
	// children of this process.
	subreaper bool
	// exits: the runtime's process ends with the program.
	exits bool
	// relays: nothing is left to do when the program has ended.
	relays bool
	warn   func(message string)

	pid, pidfd int
	exited     bool
	exit       sys.Exit
	// hurry: the process has ended and somebody asks the runtime to do so, too.
	hurry bool
}

// newForeground makes the pipes. The owner of the streams is the container's root,
// in ids of the host.
func newForeground(terminal bool, streams [3]int, uid, gid int) (*foreground, error) {
	s, err := prepareStdio(terminal, streams, uid, gid)
	if err != nil {
		return nil, err
	}
	return &foreground{stdio: s, master: -1, pidfd: -1, warn: func(string) {}}, nil
}

// reapOrphans makes the runtime the reaper of the container's orphans
// (prctl(2), PR_SET_CHILD_SUBREAPER). It concerns the whole process.
func (f *foreground) reapOrphans() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become subreaper: %w", err)
	}
	f.subreaper = true
	return nil
}

// closeChild closes the process's ends of the pipes; it holds its own.
func (f *foreground) closeChild() { f.stdio.closeChild() }

// attach takes over the master end of the process's terminal and connects it
// with the terminal that the runtime was called from. A size of 0 is none.
func (f *foreground) attach(master int, rows, columns uint16) error {
	f.master = master
	if err := unix.SetNonblock(master, true); err != nil {
		return err
	}
	if err := clearONLCR(master); err != nil {
		return err
	}
	if rows != 0 && columns != 0 {
		if err := setTerminalSize(master, rows, columns); err != nil {
			return err
		}
	}
	console, err := openHostConsole(f.stdio.own)
	if err != nil {
		return err
	}
	f.console = console
	f.resize()
	return console.makeRaw()
}

// attachSized is attach with the size that a configuration has, or none.
func (f *foreground) attachSized(master int, size *specs.Box) error {
	if size == nil {
		return f.attach(master, 0, 0)
	}
	return f.attach(master, uint16(size.Height), uint16(size.Width))
}

// catchSignals starts to queue signals for the process. That another part of the
// program has done so already is no error: then that one has to hand them on.
func (f *foreground) catchSignals() {
	if f.signals != nil {
		return
	}
	signals, err := sys.CatchSignals(f.subreaper)
	if err != nil {
		f.warn("signals are not forwarded: " + err.Error())
		return
	}
	f.signals = signals
}

// wait serves the process, a child, until it has ended and all that it wrote is
// copied.
func (f *foreground) wait(pid, pidfd int) (sys.Exit, error) {
	f.pid, f.pidfd = pid, pidfd
	f.closeChild()
	f.catchSignals()
	f.connect()
	for _, sig := range f.early {
		f.forward(sig)
	}
	if f.relays && f.signals != nil {
		_ = f.relay() // it is as well done here
	}
	for !f.done() {
		if err := f.turn(); err != nil {
			return sys.Exit{Code: -1}, err
		}
	}
	if f.subreaper && !f.exits {
		f.reapAll()
	}
	return f.exit, nil
}

// connect makes the flows, which own the runtime's ends of the pipes from now on.
func (f *foreground) connect() {
	s := f.stdio
	if f.master >= 0 {
		f.in = newInput(s.own[0], f.master, false)
		f.out = newOutput(f.master, s.own[1], false)
		return
	}
	if s.ours[0] >= 0 {
		f.in = newInput(s.own[0], s.ours[0], true)
	}
	if s.ours[1] >= 0 {
		f.out = newOutput(s.ours[1], s.own[1], true)
	}
	if s.ours[2] >= 0 {
		f.errs = newOutput(s.ours[2], s.own[2], true)
	}
	s.ours = [3]int{-1, -1, -1}
}

// relay has the process become one that does what follows with far less memory, and that
// nobody has to wait for when the program has ended. It returns if that is not possible.
func (f *foreground) relay() error {
	r := relay.Relay{Pid: f.pid, Pidfd: f.pidfd, Signals: f.signals, Master: f.master, Console: -1}
	for i, stream := range [...]*flow{f.in, f.out, f.errs} {
		r.Flows[i] = stream.relayed()
	}
	if f.console != nil {
		r.Console, r.Before = f.console.fd, f.console.before
	}
	return r.Become()
}

func (f *foreground) done() bool {
	return f.exited && (f.hurry || f.out.isEnded() && f.errs.isEnded())
}

// turn waits for something to happen and does what it asks for.
func (f *foreground) turn() error {
	fds := [...]unix.PollFd{
		{Fd: int32(f.pidfd), Events: unix.POLLIN},
		{Fd: int32(f.queue()), Events: unix.POLLIN},
		f.in.interest(), f.out.interest(), f.errs.interest(),
	}
	if f.exited {
		fds[0].Fd = -1
	}
	deadline, last := f.lastLook()
	n, err := sys.Poll(fds[:], deadline)
	if err != nil {
		return fmt.Errorf("poll: %w", err)
	}
	if last && n == 0 {
		f.out.end()
	}
	if fds[1].Revents != 0 {
		f.takeSignals()
	}
	for i, stream := range [...]*flow{f.in, f.out, f.errs} {
		if fds[2+i].Revents != 0 {
			stream.move()
		}
	}
	if fds[0].Revents != 0 {
		return f.reap()
	}
	return nil
}

// lastLook: the end of a process is not the end of its terminal, which others may
// hold open. What can be read then is all there is to come.
func (f *foreground) lastLook() (deadline time.Time, last bool) {
	if !f.exited || f.master < 0 || f.out.isEnded() || f.out.blocked {
		return time.Time{}, false
	}
	return time.Unix(1, 0), true
}

// reap takes the exit status. Nobody reads the input any more.
func (f *foreground) reap() error {
	f.in.end()
	if f.exited {
		return nil
	}
	exit, err := sys.Reap(f.pid)
	if err != nil {
		return fmt.Errorf("wait for process %d: %w", f.pid, err)
	}
	f.exit, f.exited = exit, true
	return nil
}

func (f *foreground) reapAll() {
	sys.ReapAny(func(pid int, exit sys.Exit) {
		if pid == f.pid && !f.exited {
			f.exit, f.exited = exit, true
			f.in.end()
		}
	})
}

func (f *foreground) resize() {
	// The host's terminal may be gone; the process goes on.
	if f.console != nil {
		_ = f.console.copySize(f.master)
	}
}

// close gives back all that was taken: the terminal's state and, unless the process exits,
// the handling of signals and the descriptors. The pidfd is the caller's.
func (f *foreground) close() error {
	var err error
	if f.console != nil {
		err = f.console.close()
		f.console = nil
	}
	if f.exits {
		return err
	}
	for _, stream := range [...]*flow{f.in, f.out, f.errs} {
		stream.end()
	}
	f.stdio.close()
	if f.master >= 0 {
		unix.Close(f.master)
		f.master = -1
	}
	if f.signals != nil {
		f.signals.Close()
		f.signals = nil
	}
	if f.subreaper {
		f.subreaper = false
		err = errors.Join(err, unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0))
	}
	return err
}
