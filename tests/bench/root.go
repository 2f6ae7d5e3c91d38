package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Cgroup views of the private root.
const (
	viewV2 = "v2" // cgroup2 alone
	viewV1 = "v1" // the host's v1 hierarchies, without cgroup2
)

// errNoMemoryController is what a stage meets on a host whose memory controller is out of reach.
var errNoMemoryController = errors.New("neither cgroup v2 nor v1 offers the memory controller")

// enterRoot makes root the root of this process's mount namespace, which must be
// a new one, with fresh proc, sysfs, cgroup, /dev, /run and /tmp. view may be
// empty: then the one that has the memory controller is taken. It returns the view.
func enterRoot(root, view string) (string, error) {
	hierarchies, err := legacyHierarchies()
	if err != nil {
		return "", err
	}
	steps := []mountCall{
		{target: "/", flags: unix.MS_REC | unix.MS_PRIVATE},
		{source: root, target: root, flags: unix.MS_BIND | unix.MS_REC},
		{"proc", root + "/proc", "proc", unix.MS_NOSUID | unix.MS_NOEXEC | unix.MS_NODEV, ""},
		{"sysfs", root + "/sys", "sysfs", unix.MS_NOSUID | unix.MS_NOEXEC | unix.MS_NODEV, ""},
		{"tmpfs", root + "/run", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=755"},
		{"tmpfs", root + "/tmp", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=1777"},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			return "", err
		}
	}
	if err := mountDev(root + "/dev"); err != nil {
		return "", err
	}
	view, err = mountCgroups(root+"/sys/fs/cgroup", view, hierarchies)
	if err != nil {
		return "", err
	}
	return view, pivot(root)
}

type mountCall struct {
	source, target, fstype string
	flags                  uintptr
	data                   string
}

func (m mountCall) do() error {
	if err := unix.Mount(m.source, m.target, m.fstype, m.flags, m.data); err != nil {
		return fmt.Errorf("mount %s on %s: %w", m.fstype, m.target, err)
	}
	return nil
}

// legacyHierarchies lists the mount points of the host's cgroup v1 hierarchies by their names.
func legacyHierarchies() (map[string]string, error) {
	f, err := os.Open("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	points := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if field := strings.Fields(lines.Text()); len(field) > 2 && field[2] == "cgroup" {
			points[filepath.Base(field[1])] = field[1]
		}
	}
	return points, lines.Err()
}

func mountCgroups(target, view string, hierarchies map[string]string) (string, error) {
	if view != viewV1 {
		if err := (mountCall{"cgroup2", target, "cgroup2", unix.MS_NOSUID | unix.MS_NOEXEC | unix.MS_NODEV, ""}).do(); err != nil {
			return "", err
		}
		controllers, err := os.ReadFile(target + "/cgroup.controllers")
		if err != nil {
			return "", err
		}
		if view == viewV2 || slices.Contains(strings.Fields(string(controllers)), "memory") {
			return viewV2, nil
		}
		if err := unix.Unmount(target, 0); err != nil {
			return "", fmt.Errorf("unmount %s: %w", target, err)
		}
	}
	if _, ok := hierarchies["memory"]; !ok {
		return "", errNoMemoryController
	}
	if err := (mountCall{"tmpfs", target, "tmpfs", unix.MS_NOSUID | unix.MS_NOEXEC | unix.MS_NODEV, "mode=755"}).do(); err != nil {
		return "", err
	}
	for name, source := range hierarchies {
		at := filepath.Join(target, name)
		if err := os.Mkdir(at, 0o755); err != nil {
			return "", err
		}
		if err := (mountCall{source: source, target: at, flags: unix.MS_BIND}).do(); err != nil {
			return "", err
		}
	}
	return viewV1, nil
}

// mountDev makes a /dev that shares nothing with the host's but the devices themselves.
func mountDev(dev string) error {
	if err := (mountCall{"tmpfs", dev, "tmpfs", unix.MS_NOSUID | unix.MS_NOEXEC, "mode=755"}).do(); err != nil {
		return err
	}
	for _, n := range []struct {
		name         string
		major, minor uint32
	}{{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}} {
		path := filepath.Join(dev, n.name)
		if err := unix.Mknod(path, unix.S_IFCHR|0o666, int(unix.Mkdev(n.major, n.minor))); err != nil {
			return fmt.Errorf("mknod %s: %w", path, err)
		}
		if err := os.Chmod(path, 0o666); err != nil {
			return err
		}
	}
	for _, dir := range []string{"pts", "shm", "mqueue"} {
		if err := os.Mkdir(filepath.Join(dev, dir), 0o755); err != nil {
			return err
		}
	}
	for link, target := range map[string]string{"ptmx": "pts/ptmx", "fd": "/proc/self/fd"} {
		if err := os.Symlink(target, filepath.Join(dev, link)); err != nil {
			return err
		}
	}
	return mountCall{"devpts", dev + "/pts", "devpts", unix.MS_NOSUID | unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5"}.do()
}

func pivot(root string) error {
	if err := os.Chdir(root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root %s: %w", root, err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("detach the old root: %w", err)
	}
	return os.Chdir("/")
}
