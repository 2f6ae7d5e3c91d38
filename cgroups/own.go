package cgroups

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// membership is the content of a /proc/PID/cgroup: controller (or "" for v2) to path.
type membership []struct{ controllers, path string }

// ownMembership reads where the calling thread is, or on a pure v2 machine the process: its directory in /proc costs
// the kernel less, and nobody moves threads there. (Both are links, so this is not for the strict open.)
func ownMembership(mode Mode) (membership, error) {
	path := "/proc/thread-self/cgroup"
	if mode == ModeV2 {
		path = "/proc/self/cgroup"
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("find own cgroup: open %s: %w", path, err)
	}
	defer unix.Close(fd)
	text, err := readFD(fd, path)
	if err != nil {
		return nil, fmt.Errorf("find own cgroup: %w", err)
	}
	return parseMembership(text), nil
}

// parseMembership takes lines such as "4:cpu,cpuacct:/a" or "0::/a" (cgroups(7)). Paths may have colons.
func parseMembership(text string) membership {
	m := make(membership, 0, strings.Count(text, "\n")+1)
	for line := range strings.Lines(text) {
		_, rest, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		controllers, path, ok2 := strings.Cut(rest, ":")
		if ok && ok2 && strings.HasPrefix(path, "/") {
			m = append(m, struct{ controllers, path string }{controllers, path})
		}
	}
	return m
}

// path gives the path of a controller, "" naming the v2 hierarchy.
func (m membership) path(controller string) (string, bool) {
	for _, e := range m {
		if e.controllers == controller || controller != "" && slices.Contains(strings.Split(e.controllers, ","), controller) {
			return e.path, true
		}
	}
	return "", false
}
