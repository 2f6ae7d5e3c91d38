package resctrl

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// FS is a mounted file system of resource control.
type FS struct {
	// Root is where it is mounted.
	Root string
	// Mkdir makes a directory, which in a real one has files from the start. Nil means
	// mkdir(2).
	Mkdir func(path string) error
}

// Find looks for the file system among the caller's mounts. Without one it gives an FS
// with an empty Root.
func Find() (FS, error) {
	const usual = "/sys/fs/resctrl"
	var st unix.Statfs_t
	if err := sys.Retry(func() error { return unix.Statfs(usual, &st) }); err == nil && uint32(st.Type) == unix.RDTGROUP_SUPER_MAGIC {
		return FS{Root: usual}, nil
	}
	table, err := sys.OpenMountTable()
	if err != nil {
		return FS{}, err
	}
	defer table.Close()
	return FS{Root: findMount(table)}, nil
}

// findMount gives the mount point of the last mount of the type in a table
// (proc_pid_mountinfo(5)).
func findMount(table io.Reader) (point string) {
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		before, after, ok := strings.Cut(lines.Text(), " - ")
		fields := strings.Fields(before)
		if !ok || len(fields) < 5 || !strings.HasPrefix(after, "resctrl ") {
			continue
		}
		point = unescape(fields[4])
	}
	return point
}

// unescape undoes what the kernel does to blanks and backslashes in paths.
func unescape(path string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(path)
}

// Can says what the hardware has of what a group may ask for.
type Can struct{ L3, Bandwidth, Monitoring bool }

// Can looks at the file system's own description.
func (f FS) Can() Can {
	has := func(name string) bool {
		_, err := os.Stat(filepath.Join(f.Root, "info", name))
		return err == nil
	}
	return Can{L3: has("L3") || has("L3CODE"), Bandwidth: has("MB"), Monitoring: has("L3_MON")}
}

// Group says which class of service and which monitoring group a container gets.
type Group struct {
	// ID is the container's name. Class is the class of service, the container's own if
	// empty, and "/" for the default one.
	ID, Class string
	// L3 and Bandwidth are lines for the schemata, to be written and, in a class that is
	// there already, compared. More are written as they are, afterwards.
	L3, Bandwidth string
	More          []string
	// Monitored asks for a monitoring group of the container's own.
	Monitored bool
}

// Placed says where the tasks of a container go, and what was made for it.
type Placed struct {
	// Dir is the directory of the class, Monitor that of the monitoring group, if any.
	Dir, Monitor string
	// Own says that the class was made for the container, and goes with it.
	Own bool
}

// Plan says what Make will leave, so that it can be written down before. What is there
// already is not the container's to remove.
func (f FS) Plan(g Group) (p Placed, err error) {
	switch g.Class {
	case "":
		p.Dir = filepath.Join(f.Root, g.ID)
	case "/":
		p.Dir = f.Root
	default:
		p.Dir = filepath.Join(f.Root, g.Class)
	}
	p.Own = g.Class == "" && !exists(p.Dir)
	if g.Monitored {
		p.Monitor = filepath.Join(p.Dir, "mon_groups", g.ID)
		if exists(p.Monitor) {
			return Placed{}, fmt.Errorf("make monitoring group: %w", &fs.PathError{Op: "mkdir", Path: p.Monitor, Err: unix.EEXIST})
		}
	}
	return p, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// Make finds or makes the class of service and the monitoring group of a plan. On an
// error what it has made is gone again (runtime-spec config-linux.md, "IntelRdt").
func (f FS) Make(g Group, p Placed) error {
	made, err := f.class(g, p)
	if err != nil {
		return err
	}
	if err = f.schemata(g, p.Dir); err == nil && p.Monitor != "" {
		if err = f.mkdir(p.Monitor); err != nil {
			err = fmt.Errorf("make monitoring group: %w", err)
		}
	}
	if err != nil && made {
		_ = unix.Rmdir(p.Dir)
	}
	return err
}

// class makes the directory of a class where that is allowed.
func (f FS) class(g Group, p Placed) (made bool, err error) {
	dir := p.Dir
	if g.Class == "/" {
		return false, nil
	}
	hasSchemata := g.L3 != "" || g.Bandwidth != "" || len(g.More) > 0
	if g.Class != "" && !hasSchemata {
		if _, err := os.Stat(dir); err != nil {
			return false, fmt.Errorf("class of service %s has no schemata and does not exist: %w", g.Class, err)
		}
		return false, nil
	}
	err = f.mkdir(dir)
	switch {
	case err == nil:
		return true, nil
	case p.Own || !errors.Is(err, fs.ErrExist):
		return false, fmt.Errorf("make class of service: %w", err)
	case g.Class == "":
		return false, nil
	}
	return false, f.compare(g, dir)
}

// mkdir explains the error that has a meaning of its own here.
func (f FS) mkdir(dir string) error {
	make := f.Mkdir
	if make == nil {
		make = func(path string) error { return os.Mkdir(path, 0o755) }
	}
	err := make(dir)
	if errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("%w: the hardware has no more of them", err)
	}
	return err
}

// schemata writes what the group asks for, in the order of the specification.
func (f FS) schemata(g Group, dir string) error {
	for _, lines := range append([]string{g.L3, g.Bandwidth}, g.More...) {
		if lines == "" {
			continue
		}
		if err := f.write(filepath.Join(dir, "schemata"), strings.TrimSuffix(lines, "\n")+"\n"); err != nil {
			return fmt.Errorf("write schemata %q: %w", lines, err)
		}
	}
	return nil
}

// Add puts a process with all that it starts later into the group.
func (f FS) Add(p Placed, pid int) error {
	for _, dir := range [...]string{p.Dir, p.Monitor} {
		if dir == "" {
			continue
		}
		if err := f.write(filepath.Join(dir, "tasks"), strconv.Itoa(pid)+"\n"); err != nil {
			return fmt.Errorf("add process to %s: %w", dir, err)
		}
	}
	return nil
}

// write writes to a file that is there, and says what the file system has to say about a
// refusal.
func (f FS) write(path, text string) error {
	fd, err := sys.OpenAt(unix.AT_FDCWD, path, unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	err = sys.WriteAll(fd, []byte(text))
	if err == nil {
		return nil
	}
	const limit = 4096
	status, statusErr := sys.ReadFileAt(unix.AT_FDCWD, filepath.Join(f.Root, "info/last_cmd_status"), limit)
	if why := strings.TrimSpace(string(status)); statusErr == nil && why != "" && why != "ok" {
		return fmt.Errorf("%w (%s)", err, why)
	}
	return err
}

// Remove removes what was made for a container; processes that are left go back to where
// they came from.
func (p Placed) Remove() error {
	var errs []error
	for _, dir := range p.removable() {
		if err := unix.Rmdir(dir); err != nil && !errors.Is(err, unix.ENOENT) {
			errs = append(errs, &fs.PathError{Op: "rmdir", Path: dir, Err: err})
		}
	}
	return errors.Join(errs...)
}

func (p Placed) removable() (dirs []string) {
	if p.Monitor != "" {
		dirs = append(dirs, p.Monitor)
	}
	if p.Own && p.Dir != "" {
		dirs = append(dirs, p.Dir)
	}
	return dirs
}
