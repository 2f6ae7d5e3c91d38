package cgroups

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// DefaultRoot is where every distribution mounts cgroups.
const DefaultRoot = "/sys/fs/cgroup"

// Mode says which versions of the cgroup file system a machine has.
type Mode uint8

// The modes.
const (
	ModeNone   Mode = iota // no cgroup file system at all
	ModeV1                 // v1 hierarchies only
	ModeV2                 // the unified hierarchy only
	ModeHybrid             // v1 hierarchies with controllers, and a v2 hierarchy beside them
)

// String gives "none", "v1", "v2" or "hybrid".
func (m Mode) String() string {
	switch m {
	case ModeV1:
		return "v1"
	case ModeV2:
		return "v2"
	case ModeHybrid:
		return "hybrid"
	default:
		return "none"
	}
}

// Hierarchy is one v1 hierarchy.
type Hierarchy struct {
	// Mount is the absolute directory where the hierarchy is mounted.
	Mount string `json:"mount"`
	// Controllers are the controllers of the hierarchy; a named hierarchy has one, "name=systemd" for example.
	Controllers []string `json:"controllers"`
}

// Host is what [Probe] found: plain data that may be stored, compared and passed on.
type Host struct {
	Mode Mode   `json:"mode"`
	Root string `json:"root"`
	// V1 lists the v1 hierarchies, sorted by mount.
	V1 []Hierarchy `json:"v1,omitempty"`
	// Unified is the absolute directory of the v2 hierarchy, or empty.
	Unified string `json:"unified,omitempty"`
}

// Probe finds out how the machine's cgroups are mounted below [DefaultRoot]. It costs one statfs on a v2 machine, and one
// statfs an entry of the directory elsewhere; mountinfo is not read.
func Probe() (Host, error) { return ProbeAt(DefaultRoot) }

// ProbeAt is [Probe] for another root.
func ProbeAt(root string) (Host, error) {
	h := Host{Root: root}
	magic, err := fsMagic(root)
	switch {
	case errors.Is(err, unix.ENOENT):
		return h, nil
	case err != nil:
		return h, fmt.Errorf("probe cgroups: statfs %s: %w", root, err)
	case magic == unix.CGROUP2_SUPER_MAGIC:
		h.Mode, h.Unified = ModeV2, root
		return h, nil
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return h, fmt.Errorf("probe cgroups: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() { // links such as cpu -> cpu,cpuacct name what is a directory as well
			h.add(e.Name())
		}
	}
	switch {
	case len(h.V1) > 0 && h.Unified != "":
		h.Mode = ModeHybrid
	case len(h.V1) > 0:
		h.Mode = ModeV1
	case h.Unified != "":
		h.Mode = ModeV2
	}
	return h, nil
}

// add takes up the directory name of the root, if a cgroup file system is mounted there.
func (h *Host) add(name string) {
	mount := h.Root + "/" + name
	magic, err := fsMagic(mount)
	if err != nil {
		return
	}
	switch magic {
	case unix.CGROUP2_SUPER_MAGIC:
		h.Unified = mount
	case unix.CGROUP_SUPER_MAGIC:
		h.V1 = append(h.V1, Hierarchy{Mount: mount, Controllers: controllersOf(name)})
	}
}

// controllersOf splits the directory name of a v1 hierarchy. A name that is no controller is a named hierarchy.
func controllersOf(name string) []string {
	list := strings.Split(name, ",")
	if len(list) == 1 && !slices.Contains(v1Controllers, name) {
		list[0] = "name=" + name
	}
	return list
}

// v1Controllers are the controllers that Linux has (or had) for v1.
var v1Controllers = []string{
	"blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "hugetlb", "memory", "misc", "net_cls", "net_prio",
	"perf_event", "pids", "rdma",
}

// Controller gives the mount of the v1 hierarchy that has a controller, or "" if none has it.
func (h *Host) Controller(name string) string {
	for i := range h.V1 {
		if slices.Contains(h.V1[i].Controllers, name) {
			return h.V1[i].Mount
		}
	}
	return ""
}

func fsMagic(path string) (int64, error) {
	var st unix.Statfs_t
	err := retry(func() error { return unix.Statfs(path, &st) })
	return int64(st.Type), err //nolint:unconvert // the type differs between architectures
}
