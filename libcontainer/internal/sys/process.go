package sys

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Process is what identifies a process for good: its id may be used again, the
// id together with the time of its start is not.
type Process struct {
	Pid int
	// Start is in clock ticks since boot (proc_pid_stat(5), field 22).
	Start uint64
}

// statLimit is more than a stat line is long up to the field that is wanted.
const statLimit = 1024

// statFields are the numbers of the fields after the name.
const (
	fieldState = 3
	fieldStart = 22
)

var errStat = errors.New("unexpected content of stat")

// Identify reads what identifies a process and its state as one letter ('R',
// 'S', 'Z', ...). It gives unix.ESRCH when there is no such process.
func Identify(pid int) (Process, byte, error) {
	fd, err := OpenAt(unix.AT_FDCWD, "/proc/"+strconv.Itoa(pid)+"/stat", unix.O_RDONLY, 0)
	if errors.Is(err, unix.ENOENT) {
		return Process{}, 0, unix.ESRCH
	}
	if err != nil {
		return Process{}, 0, err
	}
	defer unix.Close(fd)
	var buf [statLimit]byte
	n, err := retryFD(func() (int, error) { return unix.Read(fd, buf[:]) })
	if err != nil {
		return Process{}, 0, err
	}
	start, state, err := parseStat(buf[:n])
	return Process{Pid: pid, Start: start}, state, err
}

// parseStat reads the fields after the last ')': the name before it is chosen
// by the process and may hold anything.
func parseStat(line []byte) (start uint64, state byte, err error) {
	end := bytes.LastIndexByte(line, ')')
	if end < 0 {
		return 0, 0, errStat
	}
	fields := bytes.Fields(line[end+1:])
	if len(fields) <= fieldStart-fieldState || len(fields[0]) != 1 {
		return 0, 0, errStat
	}
	start, err = strconv.ParseUint(string(fields[fieldStart-fieldState]), 10, 64)
	if err != nil {
		return 0, 0, errStat
	}
	return start, fields[0][0], nil
}

// Alive reports whether the process still runs: it exists, is the same, and is
// neither a zombie nor dead.
func (p Process) Alive() (bool, error) {
	now, state, err := Identify(p.Pid)
	if errors.Is(err, unix.ESRCH) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return now.Start == p.Start && state != 'Z' && state != 'X' && state != 'x', nil
}

// Open gives a pidfd of the process, or unix.ESRCH if it has ended. The
// identity is checked after the descriptor is held, so it cannot be that of a
// later process with the same id.
func (p Process) Open() (int, error) {
	fd, err := PidfdOpen(p.Pid)
	if err != nil {
		return -1, err
	}
	alive, err := p.Alive()
	if err == nil && !alive {
		err = unix.ESRCH
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// OpenRoot opens the root directory of the process (proc_pid_root(5)), for look-ups
// below it. Who has to be sure that it is that of this process looks at a pidfd
// afterwards.
func (p Process) OpenRoot() (int, error) {
	return OpenAt(unix.AT_FDCWD, "/proc/"+strconv.Itoa(p.Pid)+"/root", unix.O_PATH|unix.O_DIRECTORY, 0)
}

// Cgroups gives the list of the process's cgroups (cgroups(7), "/proc files"), with
// the same restriction as OpenRoot.
func (p Process) Cgroups() ([]byte, error) {
	const limit = 1 << 16
	return ReadFileAt(unix.AT_FDCWD, "/proc/"+strconv.Itoa(p.Pid)+"/cgroup", limit)
}

// OpenUserNamespace opens the process's user namespace (user_namespaces(7)), with the same
// restriction as OpenRoot.
func (p Process) OpenUserNamespace() (int, error) {
	return retryFD(func() (int, error) {
		return unix.Open("/proc/"+strconv.Itoa(p.Pid)+"/ns/user", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	})
}

// NetworkNamespace tells the process's network namespace from all others
// (namespaces(7)), with the same restriction as OpenRoot.
func (p Process) NetworkNamespace() (dev, ino uint64, err error) {
	return namespaceID("/proc/" + strconv.Itoa(p.Pid) + "/ns/net")
}

// OwnNetworkNamespace is that of the calling thread.
func OwnNetworkNamespace() (dev, ino uint64, err error) {
	return namespaceID("/proc/thread-self/ns/net")
}

func namespaceID(path string) (dev, ino uint64, err error) {
	var st unix.Stat_t
	if err := Retry(func() error { return unix.Stat(path, &st) }); err != nil {
		return 0, 0, err
	}
	return st.Dev, st.Ino, nil
}

// NetworkDevices gives the table of the counters of the devices in the process's
// network namespace (proc_pid_net(5), "dev"), with the same restriction as OpenRoot.
func (p Process) NetworkDevices() ([]byte, error) {
	const limit = 16 << 20
	return ReadFileAt(unix.AT_FDCWD, "/proc/"+strconv.Itoa(p.Pid)+"/net/dev", limit)
}

// PidfdOpen gives a descriptor of a process (pidfd_open(2), Linux 5.3).
func PidfdOpen(pid int) (int, error) {
	return retryFD(func() (int, error) { return unix.PidfdOpen(pid, 0) })
}

// PidfdSignal sends a signal to the process (pidfd_send_signal(2), Linux 5.1).
func PidfdSignal(pidfd int, sig unix.Signal) error {
	return Retry(func() error { return unix.PidfdSendSignal(pidfd, sig, nil, 0) })
}

// PidfdGetFD copies a descriptor of another process (pidfd_getfd(2), Linux 5.6).
func PidfdGetFD(pidfd, target int) (int, error) {
	return retryFD(func() (int, error) { return unix.PidfdGetfd(pidfd, target, 0) })
}

// WaitReadable waits until the descriptor is readable or hung up; a pidfd is
// so when its process has ended. Without a limit (patience below zero) it waits
// for ever. It reports whether it was readable in time.
func WaitReadable(fd int, patience time.Duration) (bool, error) {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := Poll(fds, deadlineOf(patience))
	return n > 0, err
}

// WaitWritable waits until the descriptor takes bytes, or has failed.
func WaitWritable(fd int, patience time.Duration) (bool, error) {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	n, err := Poll(fds, deadlineOf(patience))
	return n > 0, err
}

func deadlineOf(patience time.Duration) time.Time {
	if patience < 0 {
		return time.Time{}
	}
	return time.Now().Add(patience)
}

// Poll is poll(2) with a deadline; the zero time means none. It gives 0 when
// the deadline has passed.
func Poll(fds []unix.PollFd, deadline time.Time) (int, error) {
	for {
		var timeout *unix.Timespec
		if !deadline.IsZero() {
			ts := unix.NsecToTimespec(max(0, int64(time.Until(deadline))))
			timeout = &ts
		}
		n, err := unix.Ppoll(fds, timeout, nil)
		if err != unix.EINTR {
			return n, err
		}
	}
}

// Exit is how a process ended.
type Exit struct {
	// Code is the exit status, or -1 when a signal ended it.
	Code int
	// Signal is what ended it, or 0.
	Signal unix.Signal
}

// Status gives the exit status as shells do: 128 and the signal's number for a
// process that was killed.
func (e Exit) Status() int {
	if e.Signal != 0 {
		return 128 + int(e.Signal)
	}
	return e.Code
}

// IsChild reports whether a process is a child of this one, dead or alive (waitid(2)).
func IsChild(pid int) bool {
	return pid > 0 && Retry(func() error {
		return unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	}) == nil
}

// ReapAny removes all children that have ended from the process table and calls
// found for each. It does not wait.
func ReapAny(found func(pid int, exit Exit)) {
	for {
		var status unix.WaitStatus
		pid, err := retryFD(func() (int, error) { return unix.Wait4(-1, &status, unix.WNOHANG, nil) })
		if err != nil || pid <= 0 {
			return
		}
		found(pid, exitOf(status))
	}
}

func exitOf(status unix.WaitStatus) Exit {
	if status.Signaled() {
		return Exit{Code: -1, Signal: status.Signal()}
	}
	return Exit{Code: status.ExitStatus()}
}

// Reap waits for the end of a child and removes it from the process table
// (wait4(2)). It gives unix.ECHILD when somebody else has done so.
func Reap(pid int) (Exit, error) {
	var status unix.WaitStatus
	_, err := retryFD(func() (int, error) { return unix.Wait4(pid, &status, 0, nil) })
	if err != nil {
		return Exit{Code: -1}, err
	}
	return exitOf(status), nil
}

// Namespace gives the number of one of the process's namespaces, such as "net"
// (namespaces(7)), with the same restriction as OpenRoot.
func (p Process) Namespace(name string) (ino uint64, err error) {
	_, ino, err = namespaceID("/proc/" + strconv.Itoa(p.Pid) + "/ns/" + name)
	return ino, err
}

// OpenNamespace opens one of the process's namespaces, with the same restriction as
// OpenRoot.
func (p Process) OpenNamespace(name string) (int, error) {
	return OpenAt(unix.AT_FDCWD, "/proc/"+strconv.Itoa(p.Pid)+"/ns/"+name, unix.O_RDONLY, 0)
}

// Descriptor gives the name of what a descriptor of the process refers to, such as
// "pipe:[4711]" (proc_pid_fd(5)), with the same restriction as OpenRoot.
func (p Process) Descriptor(fd int) (string, error) {
	return os.Readlink("/proc/" + strconv.Itoa(p.Pid) + "/fd/" + strconv.Itoa(fd))
}

// Mounts gives the table of the process's mounts (proc_pid_mountinfo(5)), with the
// same restriction as OpenRoot.
func (p Process) Mounts() (*os.File, error) {
	return os.Open("/proc/" + strconv.Itoa(p.Pid) + "/mountinfo")
}
