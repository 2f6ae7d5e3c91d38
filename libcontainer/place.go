package libcontainer

import (
	"bytes"
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/cgroups"
	"github.com/ocirun/ocirun/cgroups/systemd"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// manager gives the container's cgroup, nil if it has none.
func (p cgroupPlace) manager() (cgroups.Manager, error) {
	if len(p.Dirs) == 0 && p.Unit == "" {
		return nil, nil
	}
	paths := p.paths()
	if p.Unit != "" {
		return systemd.Load(p.Unit, p.User, paths)
	}
	return cgroups.Load(paths)
}

// paths gives the directories by controller.
func (p cgroupPlace) paths() map[string]string {
	paths := make(map[string]string, len(p.Dirs))
	for _, d := range p.Dirs {
		paths[d.Controller] = d.Dir
	}
	return paths
}

// frozen reports whether the container's own cgroup is frozen or about to be. A
// container that stands still because something above it does is not paused: it
// cannot be resumed. A cgroup that is gone is not frozen.
func (p cgroupPlace) frozen() (bool, error) {
	for _, d := range p.Dirs {
		file := ""
		switch d.Controller {
		case "":
			file = "cgroup.freeze"
		case "freezer":
			file = "freezer.self_freezing"
		default:
			continue
		}
		text, err := readCgroupFile(d.Dir, file)
		if err != nil {
			return false, err
		}
		if bytes.HasPrefix(text, []byte("1")) {
			return true, nil
		}
	}
	return false, nil
}

// readCgroupFile gives nothing for a file or cgroup that is not there.
func readCgroupFile(dir, name string) ([]byte, error) {
	const limit = 1 << 16
	text, err := sys.ReadFileAt(unix.AT_FDCWD, dir+"/"+name, limit)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) {
		return nil, nil
	}
	return text, err
}
