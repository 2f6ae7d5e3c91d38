package cgroups

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// journal remembers what files held before they were written.
type journal []previous

type previous struct{ file, value string }

// Update is Set, and if that fails, every file gets back what it held before.
func (m *cgroupfs) Update(r *specs.LinuxResources) error {
	m.fresh = false
	m.journal = &journal{}
	err := m.Set(r)
	if err == nil && r.Devices != nil {
		m.freshDevices = false
		err = m.SetDevices(r.Devices)
	}
	j := *m.journal
	m.journal = nil
	if err == nil {
		return nil
	}
	if undo := j.restore(); undo != nil {
		return fmt.Errorf("%w (and the old limits could not all be restored: %w)", err, undo)
	}
	return err
}

// note keeps what a file holds for the case that the update fails; a file that cannot be read is not restored.
func (j *journal) note(file, value string) {
	now, err := read(file)
	if err == nil {
		*j = append(*j, previous{file, former(path.Base(file), now, value)})
	}
}

// restore writes the old values, the last first. As in settle, one that is refused is tried again after the others.
func (j journal) restore() error {
	for {
		var refused journal
		var errs []error
		for i := len(j) - 1; i >= 0; i-- {
			if err := write(j[i].file, j[i].value); err != nil && !gone(err) {
				refused, errs = append(journal{j[i]}, refused...), append(errs, err)
			}
		}
		if len(refused) == 0 || len(refused) == len(j) {
			return errors.Join(errs...)
		}
		j = refused
	}
}

// former gives what has to be written to a file so that it holds again what was read from it. Files with a line for each
// device take one line, and have none for a device without a setting.
func former(name, content, value string) string {
	switch {
	case name == "memory.oom_control":
		disabled, _ := keyed(content, "oom_kill_disable")
		return decimal(disabled)
	case name == "io.max":
		return formerLine(content, value, "rbps=max wbps=max riops=max wiops=max")
	case name == "rdma.max":
		return formerLine(content, value, "hca_handle=max hca_object=max")
	case strings.HasSuffix(name, "_device"), name == "net_prio.ifpriomap":
		return formerLine(content, value, "0")
	case strings.HasSuffix(name, ".weight") && strings.HasPrefix(content, "default "), name == "io.weight", name == "io.bfq.weight":
		if strings.Contains(value, ":") {
			return formerLine(content, value, "default")
		}
		text, _, _ := strings.Cut(strings.TrimPrefix(content, "default "), "\n")
		return text
	default:
		return content
	}
}

// formerLine finds the line of the device that a value starts with.
func formerLine(content, value, none string) string {
	device, _, _ := strings.Cut(value, " ")
	for line := range strings.Lines(content) {
		if line = strings.TrimSuffix(line, "\n"); strings.HasPrefix(line, device+" ") {
			return line
		}
	}
	return device + " " + none
}

// startMemory is what the kernel may charge a cgroup for a process that is born in it, until it has memory of its own:
// some 140 KiB with pages of 4 KiB, and pages may be of 64.
const startMemory = 2 << 20

// StartLimits divides limits for a new container, so that its first process can be started by clone in its cgroup: after
// has what would forbid that, and is to be Set when the process exists; it is nil mostly. That is a pids limit below two,
// and a limit on memory so low that the kernel would kill for it whoever starts the process, with whom it shares its
// memory (clone(2), CLONE_VM) or, on v1, the cgroup.
func StartLimits(r *specs.LinuxResources) (before, after *specs.LinuxResources) {
	if r == nil {
		return nil, nil
	}
	first, rest := *r, specs.LinuxResources{}
	if r.Pids != nil && r.Pids.Limit != nil && *r.Pids.Limit >= 0 && *r.Pids.Limit <= 1 {
		first.Pids, rest.Pids = nil, r.Pids
	}
	if r.Memory != nil && r.Memory.Limit != nil && *r.Memory.Limit > 0 && *r.Memory.Limit < startMemory {
		first.Memory, rest.Memory = nil, r.Memory
	}
	if rest.Pids == nil && rest.Memory == nil {
		return r, nil
	}
	return &first, &rest
}

// Chown gives a v2 cgroup to the root of a user namespace, as far as the kernel says that is safe: with the directory
// and the files of /sys/kernel/cgroup/delegate (Linux 4.15), which let it divide its limits but not raise them.
func (m *cgroupfs) Chown(uid, gid int) error {
	t := m.unified()
	if t == nil || !m.pure() {
		return nil
	}
	dir, err := open(t.dir(), unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return fmt.Errorf("delegate cgroup %s: %w", t.dir(), err)
	}
	defer unix.Close(dir)
	names := []string{"cgroup.procs", "cgroup.subtree_control", "cgroup.threads"}
	if text, err := read("/sys/kernel/cgroup/delegate"); err == nil {
		names = strings.Fields(text)
	}
	if err := unix.Fchown(dir, uid, gid); err != nil {
		return fmt.Errorf("delegate cgroup %s: %w", t.dir(), err)
	}
	for _, name := range names {
		if strings.Contains(name, "/") {
			continue
		}
		err := unix.Fchownat(dir, name, uid, gid, unix.AT_SYMLINK_NOFOLLOW)
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("delegate cgroup %s: chown %s: %w", t.dir(), name, err)
		}
	}
	return nil
}
