package libcontainer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/specconv/plan"
)

// hookOutputMax is how much of the end of a hook's output is kept, per stream.
const hookOutputMax = 64 << 10

// errInitGone ends a hook whose container died under it.
var errInitGone = errors.New("container's first process ended meanwhile")

// hookCall is what a hook of the host is run with.
type hookCall struct {
	plan.Hook
	// State is what the hook reads from its standard input.
	State []byte
	// Dir is the hook's working directory; empty means the caller's.
	Dir string
	// Watch, unless negative, is a pidfd: when that process ends the hook is
	// killed, since it works on a container that is no more.
	Watch int
	// Serving, if set, takes the signals that come meanwhile; one that asks the
	// runtime to end is an end of the hook, too.
	Serving *foreground
}

// run runs the hook to its end. The hook, and all that it starts in its process
// group, is killed when its time is over. A hook that leaves a daemon behind, or
// writes without end, does not hold the caller up.
func (h hookCall) run() error {
	err := h.attempt()
	if err != nil {
		return fmt.Errorf("error running %s hook #%d: %w", h.Kind, h.Index, err)
	}
	return nil
}

func (h hookCall) attempt() error {
	// The kernel kills the hook when the thread that started it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p, err := h.start()
	if err != nil {
		return err
	}
	defer p.close()
	stop := p.talk(h.deadline(), h.Watch, h.Serving)
	if stop != nil {
		// The group's number stays taken as long as its leader is not reaped.
		_ = unix.Kill(-p.pid, unix.SIGKILL)
	}
	exit, err := sys.Reap(p.pid)
	switch {
	case errors.Is(stop, unix.ETIME):
		return fmt.Errorf("hook ran past specified timeout of %.1fs", h.Timeout.Seconds())
	case stop != nil:
		return stop
	case err != nil:
		return fmt.Errorf("wait: %w", err)
	case exit.Status() != 0:
		return fmt.Errorf("%s, stdout: %s, stderr: %s", describeExit(exit), p.out[0].tail, p.out[1].tail)
	}
	return nil
}

func (h hookCall) deadline() time.Time {
	if h.Timeout <= 0 {
		return time.Time{}
	}
	return time.Now().Add(h.Timeout)
}

// describeExit uses the words of Go's os package, which callers know from runc.
func describeExit(e sys.Exit) string {
	if e.Signal != 0 {
		return "signal: " + e.Signal.String()
	}
	return "exit status " + strconv.Itoa(e.Code)
}

// hookProcess is a hook that runs.
type hookProcess struct {
	pid, pidfd int
	// in is the write end of the hook's input, input what is left to write.
	in    int
	input []byte
	out   [2]hookOutput
}

// hookOutput is a stream that the hook writes to and the end of what it wrote.
type hookOutput struct {
	fd   int
	tail []byte
}

func (h hookCall) start() (*hookProcess, error) {
	p := &hookProcess{in: -1, pidfd: -1, input: h.State}
	p.out[0].fd, p.out[1].fd = -1, -1
	var ends [3]int // the hook's
	ours := [3]*int{&p.in, &p.out[0].fd, &p.out[1].fd}
	for i := range ends {
		var pipe [2]int
		if err := sys.Retry(func() error { return unix.Pipe2(pipe[:], unix.O_CLOEXEC) }); err != nil {
			sys.CloseAll(ends[:i])
			p.close()
			return nil, fmt.Errorf("pipe: %w", err)
		}
		theirs := min(i, 1) // they read their input and write their output
		ends[i], *ours[i] = pipe[theirs], pipe[1-theirs]
		_ = unix.SetNonblock(*ours[i], true)
	}
	defer sys.CloseAll(ends[:])
	args, env := h.Args, h.Env
	if len(args) == 0 {
		args = []string{h.Path}
	}
	if len(env) == 0 {
		env = os.Environ()
	}
	pid, err := sys.ForkExec(h.Path, args, &syscall.ProcAttr{
		Dir: h.Dir, Env: env,
		Files: []uintptr{uintptr(ends[0]), uintptr(ends[1]), uintptr(ends[2])},
		Sys:   &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, PidFD: &p.pidfd},
	})
	if err != nil {
		p.close()
		return nil, &fs.PathError{Op: "fork/exec", Path: h.Path, Err: err}
	}
	p.pid = pid
	if p.pidfd < 0 {
		p.pidfd, err = sys.PidfdOpen(pid)
	}
	if err != nil {
		_ = unix.Kill(-pid, unix.SIGKILL)
		_, _ = sys.Reap(pid)
		p.close()
		return nil, fmt.Errorf("pidfd of hook: %w", err)
	}
	return p, nil
}

func (p *hookProcess) close() {
	sys.CloseAll([]int{p.in, p.pidfd, p.out[0].fd, p.out[1].fd})
}

// talk gives the hook its input and takes its output until it ends. It gives why
// the hook is to be killed: unix.ETIME, errInitGone, or a signal.
func (p *hookProcess) talk(deadline time.Time, watch int, serving *foreground) error {
	for {
		fds := []unix.PollFd{
			{Fd: int32(p.pidfd), Events: unix.POLLIN},
			{Fd: int32(watch), Events: unix.POLLIN},
			{Fd: int32(p.in), Events: unix.POLLOUT},
			{Fd: int32(p.out[0].fd), Events: unix.POLLIN},
			{Fd: int32(p.out[1].fd), Events: unix.POLLIN},
			{Fd: int32(serving.queue()), Events: unix.POLLIN},
		}
		n, err := sys.Poll(fds, deadline)
		switch {
		case err != nil:
			return fmt.Errorf("poll: %w", err)
		case n == 0 || !deadline.IsZero() && fds[0].Revents == 0 && time.Now().After(deadline):
			return unix.ETIME
		case fds[2].Revents != 0:
			p.feed()
		}
		p.take(fds[3].Revents != 0, fds[4].Revents != 0)
		if fds[0].Revents != 0 {
			p.drain()
			return nil
		}
		if fds[1].Revents != 0 {
			return errInitGone
		}
		if fds[5].Revents != 0 {
			if err := serving.interrupted(); err != nil {
				return err
			}
		}
	}
}

// feed writes input; a hook may close it without reading.
func (p *hookProcess) feed() {
	for len(p.input) > 0 {
		n, err := unix.Write(p.in, p.input)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if errors.Is(err, unix.EAGAIN) {
			return
		}
		if err != nil {
			break
		}
		p.input = p.input[n:]
	}
	unix.Close(p.in)
	p.in = -1
}

func (p *hookProcess) take(ready ...bool) {
	for i := range ready {
		if ready[i] && errors.Is(p.out[i].read(), io.EOF) {
			unix.Close(p.out[i].fd)
			p.out[i].fd = -1
		}
	}
}

// drain takes what a hook that ended has left in its pipes. A process that it
// left behind may still write, so this has an end of its own.
func (p *hookProcess) drain() {
	const most = 1 << 20
	for i := range p.out {
		for taken := 0; taken < most && p.out[i].fd >= 0 && p.out[i].read() == nil; taken += hookReadSize {
		}
	}
}

// hookReadSize is how much is read from a hook at a time.
const hookReadSize = 16 << 10

// read takes what is there: io.EOF at the end of the stream, unix.EAGAIN when
// there is nothing now.
func (o *hookOutput) read() error {
	var buf [hookReadSize]byte
	var n int
	err := sys.Retry(func() (err error) {
		n, err = unix.Read(o.fd, buf[:])
		return err
	})
	if err == nil && n <= 0 {
		err = io.EOF
	}
	if err != nil {
		return err
	}
	o.tail = append(o.tail, buf[:n]...)
	if over := len(o.tail) - hookOutputMax; over > 0 {
		o.tail = slices.Delete(o.tail, 0, over)
	}
	return nil
}
