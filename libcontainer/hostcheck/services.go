package hostcheck

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/cgroups"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

func (*examiner) pid() int { return os.Getpid() }

// The limits below which a host for containers soon has none left for them.
const (
	fewFiles = 1024
	fewTasks = 1000
)

// limits are those of the caller, which its containers share or inherit.
func (e *examiner) limits() {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err == nil {
		c := Check{Area: "limits", Name: "open files", Found: "soft " + limitText(files.Cur) + ", hard " + limitText(files.Max)}
		if files.Max < fewFiles {
			c.Effect = "containers cannot have more, nor rlimits above it without CAP_SYS_RESOURCE"
			c.Remedy = "LimitNOFILE= in the unit of the engine, or /etc/security/limits.conf"
			e.bad(Warn, c)
		} else {
			e.ok(c.Area, c.Name, c.Found)
		}
	}
	least, where := e.tasks()
	c := Check{Area: "limits", Name: "tasks", Found: limitText(least) + where}
	if least < fewTasks {
		c.Effect = "all containers together cannot have more processes and threads"
		c.Remedy = "TasksMax=infinity in the unit, LimitNPROC=, kernel.threads-max and kernel.pid_max"
		e.bad(Warn, c)
		return
	}
	e.ok(c.Area, c.Name, c.Found)
}

func limitText(n uint64) string {
	if n >= math.MaxInt64 {
		return "unlimited"
	}
	return strconv.FormatUint(n, 10)
}

// tasks finds the lowest of the limits of tasks around a container.
func (e *examiner) tasks() (least uint64, where string) {
	least = math.MaxUint64
	lower := func(n uint64, by string) {
		if n < least {
			least, where = n, " ("+by+")"
		}
	}
	for _, name := range []string{"threads-max", "pid_max"} {
		if n, err := strconv.ParseUint(setting("/proc/sys/kernel/"+name), 10, 64); err == nil {
			lower(n, "kernel."+name)
		}
	}
	var processes unix.Rlimit
	const rlimitNproc = 6 // RLIMIT_NPROC, which is not enforced for root
	if err := unix.Getrlimit(rlimitNproc, &processes); err == nil && e.uid != 0 {
		lower(processes.Cur, "RLIMIT_NPROC")
	}
	host, err := cgroups.Probe()
	if err != nil {
		return least, where
	}
	m, err := cgroups.New(cgroups.Config{ID: "ocirun-doctor", Host: host})
	if err != nil {
		return least, where
	}
	dir := m.Paths()["pids"]
	if host.Mode == cgroups.ModeV2 {
		dir = m.Paths()[""]
	}
	for dir = filepath.Dir(dir); len(dir) > len(host.Root); dir = filepath.Dir(dir) {
		if n, err := strconv.ParseUint(setting(dir+"/pids.max"), 10, 64); err == nil {
			lower(n, dir+"/pids.max")
		}
	}
	return least, where
}

// services are programs of the host that some commands need.
func (e *examiner) services() {
	e.systemd()
	e.criu()
}

// systemd is needed for cgroups that it manages.
func (e *examiner) systemd() {
	if unix.Access("/run/systemd/system", unix.F_OK) != nil {
		e.bad(Warn, Check{
			Area: "services", Name: "systemd", Found: "the machine was not booted by it", Effect: "--systemd-cgroup does not work",
			Remedy: "let the engine use the cgroupfs driver",
		})
		return
	}
	bus := "/run/dbus/system_bus_socket"
	if e.uid != 0 {
		bus = filepath.Join(e.RuntimeDir, "bus")
	}
	if err := reachable(bus); err != nil {
		e.bad(Warn, Check{
			Area: "services", Name: "systemd", Found: "runs, but " + bus + ": " + err.Error(), Effect: "--systemd-cgroup does not work",
			Remedy: "start dbus; a user needs a session (loginctl enable-linger) and XDG_RUNTIME_DIR",
		})
		return
	}
	e.ok("services", "systemd", "runs, and answers on "+bus)
}

func reachable(socket string) error {
	const patience = 2 * time.Second
	fd, err := sys.ConnectUnix(socket, patience)
	return closed(fd, err)
}

func (e *examiner) criu() {
	path, err := e.LookPath("criu")
	if err != nil {
		e.bad(Warn, Check{
			Area: "services", Name: "criu", Found: "not on PATH", Effect: "containers cannot be checkpointed and restored",
			Remedy: `install the package "criu", if that is wanted`,
		})
		return
	}
	version, err := versionOf(path)
	if err != nil {
		e.bad(Warn, Check{
			Area: "services", Name: "criu", Found: fmt.Sprintf("%s: %v", path, err), Effect: "containers cannot be checkpointed and restored",
			Remedy: `"criu check" says what is missing`,
		})
		return
	}
	e.ok("services", "criu", path+", "+version)
}

var errSilent = errors.New("does not tell its version")

// versionOf asks a program for the first line of its version.
func versionOf(path string) (string, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer r.Close()
	p, err := os.StartProcess(path, []string{path, "--version"}, &os.ProcAttr{Files: []*os.File{nil, w, nil}})
	w.Close()
	if err != nil {
		return "", err
	}
	const patience = 5 * time.Second
	timer := time.AfterFunc(patience, func() { _ = p.Kill() })
	defer timer.Stop()
	_ = r.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 256)
	n, _ := r.Read(buf)
	state, err := p.Wait()
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(buf[:n])), "\n")
	if !state.Success() || line == "" {
		return "", errSilent
	}
	return line, nil
}
