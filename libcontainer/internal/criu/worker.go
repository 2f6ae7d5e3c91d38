package criu

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// Version is CRIU's.
type Version struct{ Major, Minor int }

// Before compares versions.
func (v Version) Before(major, minor int) bool {
	return v.Major < major || v.Major == major && v.Minor < minor
}

// String gives "3.17".
func (v Version) String() string { return strconv.Itoa(v.Major) + "." + strconv.Itoa(v.Minor) }

// FirstExtra is the number that the first extra descriptor has in the CRIU process:
// the standard streams and the socket stand before it.
const FirstExtra = 4

// Spawn says how CRIU is started.
type Spawn struct {
	// Path is the program.
	Path string
	// Stdio are its standard streams.
	Stdio [3]int
	// Extra are descriptors that follow from FirstExtra on.
	Extra []int
	// Cgroup is the directory of the cgroup (version 2) that CRIU is born in, or -1.
	Cgroup int
}

// Worker is a CRIU process that waits for requests.
type Worker struct {
	pid    int
	socket int
	// Notify, if set, is called when CRIU has come to a point at which others may
	// have something to do, and fails the request by an error. A descriptor that
	// comes along, or -1, is closed afterwards.
	Notify func(script string, pid, fd int) error
}

// Error is what CRIU says about a request that has failed.
type Error struct {
	// Errno is 0 if there is none.
	Errno   unix.Errno
	Message string
}

func (e *Error) Error() string {
	switch {
	case e.Message != "":
		return e.Message
	case e.Errno != 0:
		return e.Errno.Error()
	}
	return "request failed"
}

// errEnded is given when CRIU ends without an answer.
var errEnded = errors.New("criu ended without an answer")

// Start starts CRIU. It is a child of the calling thread.
func Start(s *Spawn) (*Worker, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	defer unix.Close(pair[1])
	files := make([]uintptr, 0, FirstExtra+len(s.Extra))
	for _, fd := range s.Stdio {
		files = append(files, uintptr(fd))
	}
	files = append(files, uintptr(pair[1]))
	for _, fd := range s.Extra {
		files = append(files, uintptr(fd))
	}
	attr := syscall.ProcAttr{Env: environ(), Files: files, Sys: &syscall.SysProcAttr{
		UseCgroupFD: s.Cgroup >= 0, CgroupFD: s.Cgroup,
	}}
	pid, err := sys.ForkExec(s.Path, []string{"criu", "swrk", strconv.Itoa(FirstExtra - 1)}, &attr)
	if err != nil {
		unix.Close(pair[0])
		return nil, &os.PathError{Op: "execute", Path: s.Path, Err: err}
	}
	return &Worker{pid: pid, socket: pair[0]}, nil
}

// DefaultPath is where programs are looked up when the environment does not say:
// some engines start runtimes with an empty one. CRIU itself looks for tools there.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func environ() []string {
	env := os.Environ()
	for _, e := range env {
		if strings.HasPrefix(e, "PATH=") {
			return env
		}
	}
	return append(env, "PATH="+DefaultPath)
}

// Pid is that of the CRIU process.
func (w *Worker) Pid() int { return w.pid }

// Version asks for CRIU's version.
func (w *Worker) Version() (Version, error) {
	r, err := w.ask(kindVersion, nil)
	return r.version, err
}

// Features asks what is possible of what may be.
func (w *Worker) Features() (Features, error) {
	r, err := w.ask(kindFeatures, func(m *message) {
		var f message
		f.required(1, 1)
		f.required(2, 1)
		m.part(5, f)
	})
	return r.features, err
}

// Dump saves processes to images; before means only their memory, ahead of a dump.
func (w *Worker) Dump(o *Options, before bool) error {
	k := kindDump
	if before {
		k = kindPreDump
	}
	_, err := w.request(k, o)
	return err
}

// Restore brings processes back. It gives the id of the first one.
func (w *Worker) Restore(o *Options) (pid int, err error) {
	r, err := w.request(kindRestore, o)
	return r.pid, err
}

// ask makes a request after which there may be others.
func (w *Worker) ask(k kind, fill func(*message)) (reply, error) {
	const keepOpen = 4
	var m message
	m.required(1, int64(k))
	m.flag(keepOpen, true)
	if fill != nil {
		fill(&m)
	}
	return w.exchange(k, m)
}

func (w *Worker) request(k kind, o *Options) (reply, error) {
	var m message
	m.required(1, int64(k))
	m.part(2, o.encode())
	return w.exchange(k, m)
}

// exchange sends a request and answers notifications until its answer is there.
func (w *Worker) exchange(k kind, m message) (reply, error) {
	if err := w.send(m); err != nil {
		return reply{}, err
	}
	for {
		r, fd, err := w.receive()
		if err != nil {
			return r, err
		}
		if r.kind == kindNotify {
			err = w.serve(r, fd)
		}
		sys.CloseAll([]int{fd})
		switch {
		case err != nil:
			return r, err
		case r.kind == kindNotify:
		case !r.success:
			return r, &Error{Errno: unix.Errno(max(r.errno, 0)), Message: r.message}
		case r.kind != k:
			return r, fmt.Errorf("criu answered a request of type %d by type %d", k, r.kind)
		default:
			return r, nil
		}
	}
}

// serve calls Notify. CRIU undoes what it did when that fails; its answer then adds
// nothing.
func (w *Worker) serve(r reply, fd int) error {
	var err error
	if w.Notify != nil {
		err = w.Notify(r.script, r.pid, fd)
	}
	var m message
	m.required(1, int64(kindNotify))
	m.required(3, 0)
	if err == nil {
		m[len(m)-1] = 1
	}
	if sendErr := w.send(m); err == nil {
		return sendErr
	}
	for {
		if r, fd, receiveErr := w.receive(); receiveErr != nil || r.kind != kindNotify {
			sys.CloseAll([]int{fd})
			return err
		}
	}
}

func (w *Worker) send(m message) error {
	err := sys.SendFDs(w.socket, m)
	if errors.Is(err, unix.EPIPE) {
		return errEnded
	}
	return err
}

// replyMax is more than any reply is long.
const replyMax = 64 << 10

func (w *Worker) receive() (reply, int, error) {
	buf := make([]byte, replyMax)
	n, fds, err := sys.RecvFDs(w.socket, buf, 1)
	if errors.Is(err, unix.ECONNRESET) || err == nil && n == 0 {
		return reply{}, -1, errEnded
	}
	if err != nil {
		return reply{}, -1, err
	}
	fd := -1
	if len(fds) > 0 {
		fd = fds[0]
	}
	r, err := parseReply(buf[:n])
	if err != nil {
		sys.CloseAll(fds)
		return r, -1, err
	}
	return r, fd, nil
}

// Close lets CRIU go and waits for its end.
func (w *Worker) Close() {
	unix.Close(w.socket)
	_, _ = sys.Reap(w.pid)
}
