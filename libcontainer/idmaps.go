package libcontainer

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/specconv/plan"
)

// idMap is one of the two maps of a user namespace.
type idMap struct {
	// file is below /proc/PID, helper the program that may write it.
	file, helper, ranges string
	cause                plan.Cause
	list                 []plan.IDMapping
	helped               bool
}

func idMapsOf(maps plan.IDMaps) [2]idMap {
	return [...]idMap{
		{"uid_map", "newuidmap", "/etc/subuid", "/linux/uidMappings", maps.UID, maps.UIDHelper},
		{"gid_map", "newgidmap", "/etc/subgid", "/linux/gidMappings", maps.GID, maps.GIDHelper},
	}
}

// serveIDMaps gives the init's new user namespace its id maps, or makes sure that
// the one that it has joined has those of the configuration.
func (b *builder) serveIDMaps() error {
	start := b.o.Trace.begin()
	for _, e := range b.plan.Entries {
		maps, ok := e.Step.(plan.IDMaps)
		if !ok {
			continue
		}
		if err := b.mapIDs(maps); err != nil {
			return err
		}
	}
	b.o.Trace.end(start, "write id maps")
	return b.answer()
}

func (b *builder) mapIDs(maps plan.IDMaps) error {
	if maps.DenySetgroups {
		if err := writeExisting(b.procFile("setgroups"), []byte("deny")); err != nil {
			return &plan.StepError{Cause: "/linux/gidMappings", Action: "give up setgroups", Err: err}
		}
	}
	for _, m := range idMapsOf(maps) {
		var err error
		switch {
		case maps.Joined:
			err = m.compare(b.procFile(m.file))
		case m.helped:
			err = b.runHelper(m)
		default:
			err = m.write(b.procFile(m.file))
		}
		if err != nil {
			return &plan.StepError{Cause: m.cause, Action: maps.Action(), Err: err, Hint: m.hint(err)}
		}
	}
	if maps.Joined && len(maps.UID)+len(maps.GID) == 0 {
		return b.handOver()
	}
	return nil
}

func (b *builder) procFile(name string) string { return procFile(b.init.Pid, name) }

func procFile(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }

// errMapTooLong: the kernel takes less than a page (user_namespaces(7)).
var errMapTooLong = errors.New("too many ranges for the kernel")

// write writes the map as the owner of the user namespace or the host's root may.
func (m *idMap) write(path string) error {
	text := make([]byte, 0, 64)
	for _, r := range m.list {
		text = fmt.Appendf(text, "%d %d %d\n", r.ContainerID, r.HostID, r.Size)
	}
	if len(text) >= os.Getpagesize() {
		return errMapTooLong
	}
	return writeExisting(path, text)
}

// writeExisting writes to a file of procfs, which takes all in one write.
func writeExisting(path string, text []byte) error {
	fd, err := sys.OpenAt(unix.AT_FDCWD, path, unix.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return sys.WriteAll(fd, text)
}

// helperPatience is how long newuidmap and newgidmap may take: they ask the name
// service for the user, which may ask the network.
const helperPatience = 30 * time.Second

var errNoHelper = errors.New("executable file not found")

// runHelper lets newuidmap(1) or newgidmap(1) write the map.
func (b *builder) runHelper(m idMap) error {
	path := sys.FindPrivileged(m.helper)
	if path == "" {
		return fmt.Errorf("%s: %w", m.helper, errNoHelper)
	}
	args := []string{m.helper, strconv.Itoa(b.init.Pid)}
	for _, r := range m.list {
		for _, n := range [...]uint32{r.ContainerID, r.HostID, r.Size} {
			args = append(args, strconv.FormatUint(uint64(n), 10))
		}
	}
	start := time.Now()
	err := hookCall{
		Hook:  plan.Hook{Path: path, Args: args, Env: []string{"PATH=/usr/bin:/bin"}, Timeout: helperPatience},
		Watch: b.init.Pidfd, Serving: b.serving,
	}.attempt()
	if err != nil && time.Since(start) >= helperPatience {
		err = fmt.Errorf("no end within %v", helperPatience)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// errOtherMap has the words of runc.
var errOtherMap = errors.New("user namespaces enabled, but both namespace path and non-matching mapping specified -- " +
	"you may only provide one")

// compare holds the map of a user namespace that was joined against the
// configuration's, if that has one.
func (m *idMap) compare(path string) error {
	if len(m.list) == 0 {
		return nil
	}
	there, err := readIDMap(path)
	if err != nil {
		return err
	}
	if !sameMap(there, m.list) {
		return errOtherMap
	}
	return nil
}

// hint says how the usual causes of a map that cannot be written are mended.
func (m *idMap) hint(err error) string {
	switch {
	case errors.Is(err, errNoHelper):
		return `a map of more than one's own id needs it; install the package "uidmap" or "shadow-utils"`
	case m.helped:
		return m.ranges + ` has to give these ids to the user: "` + strconv.Itoa(unix.Getuid()) + `:FIRST:COUNT"`
	case errors.Is(err, unix.EPERM):
		return "the runtime may map only ids that it has in its own user namespace, with CAP_SETUID and CAP_SETGID"
	}
	return ""
}
