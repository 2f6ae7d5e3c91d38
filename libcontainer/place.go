package libcontainer

import (
	"bytes"
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// frozen reports whether the container's own cgroup is frozen. A cgroup that is
// gone is not.
func (p cgroupPlace) frozen() (bool, error) {
	for _, d := range p.Dirs {
		file, on := "", ""
		switch d.Controller {
		case "":
			file, on = "cgroup.freeze", "1"
		case "freezer":
			file, on = "freezer.state", "FR" // FROZEN or FREEZING
		default:
			continue
		}
		text, err := readCgroupFile(d.Dir, file)
		if err != nil {
			return false, err
		}
		if bytes.HasPrefix(text, []byte(on)) {
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
