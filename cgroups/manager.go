package cgroups

import (
	"context"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Config says which cgroup a container gets.
type Config struct {
	// ID is the container's id: the name of the cgroup where Path is empty.
	ID string
	// Path is linux.cgroupsPath. Absolute: below the root of each hierarchy. Relative or empty: below the cgroup of the
	// calling process on v1, below that one's parent on v2 (where a cgroup with processes cannot delegate controllers).
	Path string
	// Resources tell Create which controllers are needed; nil is as good as empty.
	Resources *specs.LinuxResources
	// Rootless tolerates hierarchies that the caller may not write to, unless a limit needs them.
	Rootless bool
	// Adopt: somebody else makes the cgroup, and has put the container's process in it, before Create.
	Adopt bool
	// Host is the result of Probe.
	Host Host
}

// Manager is the cgroup of one container, in every hierarchy of the machine. It is not safe for concurrent use.
// Every method can be called on a cgroup that is gone.
type Manager interface {
	// Paths gives the absolute directory for each v1 controller, and for "" that of the v2 hierarchy. It is known before
	// Create. The caller must not change the map.
	Paths() map[string]string
	// Create makes the directories. It refuses an existing cgroup that has processes (*NotEmptyError) or is frozen
	// (ErrFrozen). After an error it has removed what it made.
	Create() error
	// Created lists the directories that Create made, children before parents.
	Created() []string
	// Rollback removes the directories that Create made and nothing else.
	Rollback() error
	// OpenDir opens the v2 cgroup (O_PATH|O_DIRECTORY|O_CLOEXEC) for clone3; the caller closes it. ErrNoUnified on pure v1.
	OpenDir() (int, error)
	// Join moves the calling thread into the v1 hierarchies, see [Thread]. The v2 cgroup is not touched.
	Join() (*Thread, error)
	// Place moves a process, with all its threads, into the cgroup in every hierarchy. On v1 this takes about 15 ms.
	Place(pid int) error
	// Set applies limits, all but device rules. What r leaves out is left alone. Errors are *FieldError.
	Set(r *specs.LinuxResources) error
	// Update is Set and, if r has device rules, SetDevices for a running container: if it fails, all files hold again what
	// they held before.
	Update(r *specs.LinuxResources) error
	// SetDevices replaces the device rules by these followed by the default ones; no rules mean the default ones alone.
	SetDevices(rules []specs.LinuxDeviceCgroup) error
	// Freeze stops all processes and waits for it; on failure they run on.
	Freeze() error
	// Thaw lets the processes run again. It fails if an ancestor is frozen, instead of waiting for it.
	Thaw() error
	// Frozen tells whether the processes are stopped, by this cgroup or by an ancestor of it.
	Frozen() (bool, error)
	// Kill ends all processes of the cgroup and of those below, frozen or not, and waits until none is left, at most
	// ten seconds (ErrBusy). Zombies do not count.
	Kill() error
	// Signal sends a signal to all processes of the cgroup and of those below. SIGKILL is Kill.
	Signal(sig int) error
	// Pids lists the processes of the cgroup and of those below, in ascending order.
	Pids() ([]int, error)
	// Remove removes the cgroup and those below it; a busy one is retried for a second. It goes on after an error.
	Remove() error
	// Exists tells whether any of the directories is there.
	Exists() bool
	// OOMKilled tells whether the kernel's OOM killer has ended a process of the cgroup.
	OOMKilled() (bool, error)
	// NotifyOOM gives a value each time that the kernel's OOM killer acts in the cgroup. The channel is closed when the
	// cgroup is gone (within a second) or the context ends.
	NotifyOOM(ctx context.Context) (<-chan struct{}, error)
	// Stats reads what the kernel counts for the cgroup and all below it.
	Stats() (*Stats, error)
	// Chown gives a v2 cgroup to the root of a user namespace, as far as the kernel says that is safe. On v1, where no
	// delegation is safe, it does nothing.
	Chown(uid, gid int) error
	// Warnings lists what was asked for but ignored, one line each.
	Warnings() []string
}

// Bounds of everything that waits.
const (
	killTimeout   = 10 * time.Second
	freezeTimeout = 10 * time.Second
	removeTimeout = time.Second
)
