package libcontainer

import (
	"bufio"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/criu"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// maskName is the name by which all files are known that are hidden behind the
// null device; that of runc.
const maskName = "/dev/null"

// mountPoint is a row of a table of mounts (proc_pid_mountinfo(5)).
type mountPoint struct {
	id, parent int
	device     string
	// root is the directory of the file system that is mounted at point.
	root, point string
	fstype      string
}

func parseMounts(r io.Reader) ([]mountPoint, error) {
	const fixed = 6
	var mounts []mountPoint
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		end := slices.Index(words, "-")
		if end < fixed || end+1 >= len(words) {
			continue
		}
		m := mountPoint{device: words[2], root: unescapeMount(words[3]), point: unescapeMount(words[4]), fstype: words[end+1]}
		m.id, _ = strconv.Atoi(words[0])
		m.parent, _ = strconv.Atoi(words[1])
		mounts = append(mounts, m)
	}
	return mounts, lines.Err()
}

// unescapeMount undoes what the kernel does to spaces, tabs, newlines and
// backslashes.
func unescapeMount(text string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(text)
}

// externalMounts lists the mounts whose content is not the container's. CRIU saves
// their names only, and finds them again by these.
func (k *checkpoint) externalMounts() ([]criu.Pair, error) {
	table, err := k.record.Init.Mounts()
	if err != nil {
		return nil, err
	}
	defer table.Close()
	mounts, err := parseMounts(table)
	if err != nil {
		return nil, err
	}
	points, err := k.bindPoints()
	if err != nil {
		return nil, err
	}
	return externalOf(mounts, points), nil
}

// bindPoints gives the places in the container where the configuration binds
// something of the host, with links on the way resolved.
func (k *checkpoint) bindPoints() (map[string]bool, error) {
	root, err := k.record.Init.OpenRoot()
	if err != nil {
		return nil, err
	}
	defer closeAll(root)
	points := map[string]bool{}
	for i := range k.spec.Mounts {
		m := &k.spec.Mounts[i]
		if !isBind(m) {
			continue
		}
		points[path.Join("/", m.Destination)] = true
		fd, err := sys.OpenInRoot(root, m.Destination, unix.O_PATH, 0)
		if err != nil {
			continue // it is not there any more
		}
		if name, err := sys.NameOf(fd); err == nil {
			points[name] = true
		}
		closeAll(fd)
	}
	return points, nil
}

func isBind(m *specs.Mount) bool {
	return m.Type == "bind" || slices.Contains(m.Options, "bind") || slices.Contains(m.Options, "rbind")
}

// externalOf decides which of a container's mounts are external. The first one is
// its root.
func externalOf(mounts []mountPoint, points map[string]bool) []criu.Pair {
	var pairs []criu.Pair
	external := map[int]bool{}
	for i := range mounts {
		m := &mounts[i]
		if m.point == "/" {
			continue
		}
		isOwn := m.root == "/" || isCovered(mounts, m)
		if isOwn && !points[m.point] && !external[m.parent] && !strings.HasPrefix(m.fstype, "cgroup") {
			continue
		}
		external[m.id] = true
		name := m.point
		if m.root == "/null" && m.fstype == "devtmpfs" && !points[m.point] {
			name = maskName
		}
		pairs = append(pairs, criu.Pair{Key: m.point, Value: name})
	}
	return pairs
}

// isCovered reports whether another mount of the container shows all that m shows
// a part of.
func isCovered(mounts []mountPoint, m *mountPoint) bool {
	return slices.ContainsFunc(mounts, func(o mountPoint) bool {
		return o.id != m.id && o.device == m.device && (o.root == "/" || strings.HasPrefix(m.root, o.root+"/"))
	})
}
