// Command seccomp-agent is an example of an agent for SCMP_ACT_NOTIFY: it listens
// at the socket that a configuration names as its listenerPath, takes the listener
// of each container and answers its system calls.
//
//	seccomp-agent [-deny CALL[=ERRNO]]... SOCKET
//
// Calls that are not denied go on in the kernel, and all are logged. An agent that
// allows calls by their arguments must do the calls itself: what a pointer points at
// may change after the agent has looked (seccomp_unotify(2)).
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/seccomp"
)

// maxState bounds the state that a client may send.
const maxState = 1 << 20

// denials says with which errno calls fail, by name.
type denials map[string]unix.Errno

func (d denials) String() string { return "" }

// Set takes "mkdir" or "mkdir=ENOSYS" or "mkdir=38".
func (d denials) Set(text string) error {
	name, errno, given := strings.Cut(text, "=")
	d[name] = unix.EPERM
	if !given {
		return nil
	}
	if number, err := strconv.ParseUint(errno, 10, 12); err == nil && number > 0 {
		d[name] = unix.Errno(number)
		return nil
	}
	for number := unix.Errno(1); number < 4096; number++ {
		if errno != "" && unix.ErrnoName(number) == errno {
			d[name] = number
			return nil
		}
	}
	return fmt.Errorf("unknown errno %q", errno)
}

func main() {
	deny := denials{}
	flag.Var(deny, "deny", "`CALL[=ERRNO]` fails, with EPERM if nothing is said")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := serve(flag.Arg(0), deny); err != nil {
		slog.Error(err.Error())
		os.Exit(1)
	}
}

// serve takes connections, one for each container or process in one.
func serve(path string, deny denials) error {
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return err
	}
	defer listener.Close()
	for {
		conn, err := listener.AcceptUnix()
		if err != nil {
			return err
		}
		go func() {
			defer conn.Close()
			if err := watch(conn, deny); err != nil {
				slog.Error(err.Error())
			}
		}()
	}
}

// watch answers the calls of one container till its last process has ended.
func watch(conn *net.UnixConn, deny denials) error {
	state, fd, err := receive(conn)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	logger := slog.With("container", state.State.ID)
	logger.Info("has a listener", "pid", state.Pid, "metadata", state.Metadata)
	for {
		n, err := seccomp.Receive(fd)
		switch {
		case errors.Is(err, io.EOF):
			logger.Info("has ended")
			return nil
		case errors.Is(err, seccomp.ErrGone):
			continue
		case err != nil:
			return fmt.Errorf("%s: %w", state.State.ID, err)
		}
		if err := answer(logger, fd, n, deny); err != nil && !errors.Is(err, seccomp.ErrGone) {
			return fmt.Errorf("%s: %w", state.State.ID, err)
		}
	}
}

func answer(logger *slog.Logger, fd int, n seccomp.Notification, deny denials) error {
	name := seccomp.CallName(n.Data)
	response := seccomp.Response{Continue: true}
	verdict := "continues"
	if errno, ok := deny[name]; ok {
		response = seccomp.Response{Errno: errno}
		verdict = errno.Error()
	}
	logger.Info(name, "pid", n.PID, "args", fmt.Sprintf("%#x", n.Data.Args), "answer", verdict)
	return n.Respond(fd, response)
}

// receive reads the container process state, of which the sender closes the
// connection at the end, and the listener's descriptor.
func receive(conn *net.UnixConn) (state specs.ContainerProcessState, fd int, err error) {
	fd = -1
	var text []byte
	for {
		data, control := make([]byte, 4096), make([]byte, unix.CmsgSpace(4*8))
		n, controlLen, _, _, err := conn.ReadMsgUnix(data, control)
		text = append(text, data[:n]...)
		fd = keepFirst(fd, control[:controlLen])
		if errors.Is(err, io.EOF) || err == nil && n == 0 {
			break
		}
		if err == nil && len(text) > maxState {
			err = errors.New("it is too long")
		}
		if err != nil {
			unix.Close(fd)
			return state, -1, fmt.Errorf("receive the state: %w", err)
		}
	}
	if fd < 0 {
		return state, -1, errors.New("no descriptor came with the state")
	}
	if err := json.Unmarshal(text, &state); err != nil {
		unix.Close(fd)
		return state, -1, fmt.Errorf("the state: %w", err)
	}
	return state, fd, nil
}

// keepFirst takes the descriptors of a message and closes all but the first.
func keepFirst(fd int, control []byte) int {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return fd
	}
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			continue
		}
		for _, got := range fds {
			if fd < 0 {
				fd = got
			} else {
				unix.Close(got)
			}
		}
	}
	return fd
}
