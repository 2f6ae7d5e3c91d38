package libcontainer

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// The files of a container's directory.
const (
	recordName = "record"
	configName = "config.json"
	// progressName is the page in which the init says how far it is.
	progressName = "progress"
	// gateName is the socket on which a created container waits for its start.
	gateName = "start.sock"
)

const (
	recordVersion = 1
	recordLimit   = 16 << 20
	// recordReserve is room for what is written after the container was made,
	// set aside so that it cannot fail for want of space.
	recordReserve = 2048
	cgroupRoot    = "/sys/fs/cgroup"
)

// The kinds of lines of a record.
const (
	lineContainer = "container"
	lineInputs    = "inputs"
	lineCgroup    = "cgroup"
	lineInit      = "init"
	lineResctrl   = "resctrl"
	lineCreated   = "created"
	lineStarted   = "started"
	lineDeleting  = "deleting"
	linePoststop  = "poststop"
)

// record is what a container's directory says about it: what it was made from,
// where its outer effects are, and which points of its life it has passed. It is
// written before the first effect, so that whatever is killed, and whenever,
// what it left can be found.
type record struct {
	ID      string
	Bundle  string
	Rootfs  string
	Created time.Time
	Inputs  inputs
	Cgroup  cgroupPlace
	// Resctrl is empty for a container without a class of service.
	Resctrl resctrlPlace
	// SharedPID: the container has no pid namespace of its own, so its
	// processes do not end with the first one.
	SharedPID bool
	// Init is the first process; its Pid is 0 as long as there is none.
	Init sys.Process
	// IsCreated: set up and, unless IsStarted, waiting for its start.
	IsCreated, IsStarted bool
	// IsDeleting: a command has begun to remove the container.
	IsDeleting bool
	// PoststopRun: the poststop hooks have been run.
	PoststopRun bool

	// damaged: lines are lost; torn: the last one is, and so without an end.
	damaged, torn bool
}

// inputs are, with the copy of config.json, what the container's plan is compiled
// from.
type inputs struct {
	// Create: made to wait for its start.
	Create                          bool
	NoPivot, NoNewKeyring, Rootless bool
	ConsoleSocket, Detach, Notify   bool
	ListenFDs, PreserveFDs          int
	ListenNames                     string
	CgroupManager                   CgroupManager
}

// cgroupPlace says where the container's processes are.
type cgroupPlace struct {
	// Mode is "v1", "v2", "hybrid" or "none".
	Mode string
	// Path is the cgroup from the root of the hierarchies.
	Path string
	// Unit is the systemd scope that owns it, if any.
	Unit string
	// User: the unit is one of the creating user's own manager.
	User bool
	// Dirs are the directories, one per hierarchy.
	Dirs []cgroupDir
}

// cgroupDir is the container's directory in one hierarchy.
type cgroupDir struct {
	// Controller is the hierarchy's name, or "" for the unified one.
	Controller string
	Dir        string
}

// encode gives the lines that a record begins with.
func (r *record) encode() []byte {
	out := newEntry(lineContainer).num("version", recordVersion).str("id", r.ID).
		str("bundle", r.Bundle).str("rootfs", r.Rootfs).
		num("created", r.Created.UnixNano()).flag("sharedpid", r.SharedPID).bytes()
	out = append(out, r.Cgroup.entry().bytes()...)
	return append(out, r.Inputs.encode()...)
}

func (p cgroupPlace) entry() *entry {
	e := newEntry(lineCgroup).str("mode", p.Mode).str("path", p.Path).str("unit", p.Unit).flag("user", p.User)
	for _, d := range p.Dirs {
		e.str("dir", d.Controller+":"+d.Dir)
	}
	return e
}

func (i inputs) encode() []byte {
	return newEntry(lineInputs).flag("create", i.Create).flag("no-pivot", i.NoPivot).
		flag("no-new-keyring", i.NoNewKeyring).flag("rootless", i.Rootless).
		flag("console-socket", i.ConsoleSocket).flag("detach", i.Detach).flag("notify", i.Notify).
		num("listen-fds", int64(i.ListenFDs)).num("preserve-fds", int64(i.PreserveFDs)).
		str("listen-names", i.ListenNames).
		str("cgroup-manager", string(i.CgroupManager)).bytes()
}

func (i *inputs) decode(f fields) error {
	listen, ok1 := f.num("listen-fds")
	preserve, ok2 := f.num("preserve-fds")
	const most = 1 << 20
	if !ok1 || !ok2 || listen < 0 || preserve < 0 || listen > most || preserve > most {
		return errors.New("bad number of descriptors")
	}
	*i = inputs{
		Create: f.flag("create"), NoPivot: f.flag("no-pivot"),
		NoNewKeyring: f.flag("no-new-keyring"), Rootless: f.flag("rootless"),
		ConsoleSocket: f.flag("console-socket"), Detach: f.flag("detach"), Notify: f.flag("notify"),
		ListenFDs: int(listen), PreserveFDs: int(preserve), ListenNames: f.str("listen-names"),
		CgroupManager: CgroupManager(f.str("cgroup-manager")),
	}
	return nil
}

// errRecord is the cause of every error about a record that cannot be trusted.
var errRecord = errors.New("container record is damaged")

// decodeRecord reads a record. On an error it still gives what could be read, for
// a removal by force.
func decodeRecord(id string, data []byte) (*record, error) {
	r := &record{}
	var first error
	seen := map[string]bool{}
	r.damaged, r.torn = scanJournal(data, func(kind string, f fields) {
		seen[kind] = true
		if err := r.take(kind, f); err != nil && first == nil {
			first = err
		}
	})
	switch {
	case first != nil:
	case !seen[lineContainer] || !seen[lineCgroup] || !seen[lineInputs]:
		first = errors.New("it has no beginning")
	case r.ID != id:
		first = fmt.Errorf("it is that of %q", r.ID)
	default:
		return r, nil
	}
	return r, fmt.Errorf("%w: %w", errRecord, first)
}

// take adds what one line says. Kinds that are not known are from a later
// version and leave the rest valid.
func (r *record) take(kind string, f fields) error {
	switch kind {
	case lineContainer:
		return r.takeContainer(f)
	case lineCgroup:
		return r.Cgroup.decode(f)
	case lineInputs:
		return r.Inputs.decode(f)
	case lineInit:
		pid, ok1 := f.num("pid")
		start, ok2 := f.num("start")
		if !ok1 || !ok2 || pid <= 1 || pid > 1<<30 || start < 0 {
			return errors.New("bad process id")
		}
		r.Init = sys.Process{Pid: int(pid), Start: uint64(start)}
	case lineResctrl:
		return r.Resctrl.decode(f, r.ID)
	case lineCreated:
		r.IsCreated = true
	case lineStarted:
		r.IsCreated, r.IsStarted = true, true
	case lineDeleting:
		r.IsDeleting = true
	case linePoststop:
		r.PoststopRun = true
	}
	return nil
}

func (r *record) takeContainer(f fields) error {
	version, ok := f.num("version")
	if !ok || version != recordVersion {
		return fmt.Errorf("version %q is not known", f.str("version"))
	}
	created, ok := f.num("created")
	if !ok {
		return errors.New("bad time")
	}
	r.ID, r.Bundle, r.Rootfs = f.str("id"), f.str("bundle"), f.str("rootfs")
	r.Created = time.Unix(0, created).UTC()
	r.SharedPID = f.flag("sharedpid")
	if !isCleanPath(r.Bundle) || !isCleanPath(r.Rootfs) {
		return errors.New("bad path of bundle or rootfs")
	}
	return checkID(r.ID)
}

func (p *cgroupPlace) decode(f fields) error {
	*p = cgroupPlace{Mode: f.str("mode"), Path: f.str("path"), Unit: f.str("unit"), User: f.flag("user")}
	switch p.Mode {
	case "v1", "v2", "hybrid", "none":
	default:
		return fmt.Errorf("bad cgroup mode %q", p.Mode)
	}
	if p.Path != "" && !isCleanPath(p.Path) || strings.ContainsRune(p.Unit, '/') {
		return errors.New("bad cgroup path")
	}
	for _, field := range f {
		if field.key != "dir" {
			continue
		}
		controller, dir, ok := strings.Cut(field.value, ":")
		if !ok || !isCleanPath(dir) || !strings.HasPrefix(dir, cgroupRoot+"/") {
			return fmt.Errorf("bad cgroup directory %q", dir)
		}
		p.Dirs = append(p.Dirs, cgroupDir{Controller: controller, Dir: dir})
	}
	return nil
}

// isCleanPath reports whether a path is absolute, in its shortest form and free
// of NUL.
func isCleanPath(path string) bool {
	return filepath.IsAbs(path) && filepath.Clean(path) == path && !strings.ContainsRune(path, 0)
}
