package libcontainer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/criu"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/specconv/plan"
)

// startWorker starts CRIU in the container's cgroup, from which the restored
// processes start, and in a mount namespace of its own: CRIU needs a root file
// system that is a mount, and nobody else shall see that one.
func (r *restoration) startWorker(path string) error {
	null, err := sys.OpenAt(unix.AT_FDCWD, "/dev/null", unix.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer closeAll(null)
	spawn := &criu.Spawn{Path: path, Stdio: r.stdio, Extra: r.extra}
	if r.bundle.Spec.Process.Terminal && !r.ro.ShellJob {
		spawn.Stdio = [3]int{null, null, 2}
	}
	started := make(chan error, 1)
	go func() {
		// The thread cannot come back; it ends with the goroutine, and not before
		// all is done: it is what CRIU is the child of.
		runtime.LockOSThread()
		started <- r.startHere(spawn)
		<-r.done
	}()
	return <-started
}

func (r *restoration) startHere(spawn *criu.Spawn) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("make mount namespace: %w", err)
	}
	root := r.rootfs()
	for _, m := range [...]struct {
		source, target string
		flags          uintptr
	}{
		{"", "/", unix.MS_SLAVE | unix.MS_REC},
		// The bound root stays a slave of what the host's may be: CRIU gives the
		// restored one the same master.
		{root, root, unix.MS_BIND | unix.MS_REC},
	} {
		if err := unix.Mount(m.source, m.target, "", m.flags, ""); err != nil {
			return &fs.PathError{Op: "mount", Path: m.target, Err: err}
		}
	}
	// CRIU mounts below its working directory, which the kernel allows in mounts of
	// its own namespace only (mount(2), EINVAL).
	dirs, err := r.ro.openImages(false)
	if err != nil {
		return err
	}
	r.dirs.close()
	r.dirs = dirs
	dir, leave, err := r.enterCgroup()
	if err != nil {
		return err
	}
	defer closeAll(dir)
	spawn.Cgroup = dir
	r.worker, err = criu.Start(spawn)
	return errors.Join(err, leave())
}

// cgroupRoots tells CRIU where in each hierarchy the container is now: where CRIU
// itself is.
func (r *restoration) cgroupRoots() ([]criu.Pair, error) {
	text, err := (sys.Process{Pid: r.worker.Pid()}).Cgroups()
	if err != nil {
		return nil, err
	}
	const parts = 3
	var roots []criu.Pair
	for line := range strings.Lines(string(text)) {
		words := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", parts)
		if len(words) == parts {
			roots = append(roots, criu.Pair{Key: words[1], Value: words[2]})
		}
	}
	return roots, nil
}

// inheritStreams puts this container's streams into the place of the pipes that
// the standard streams were.
func (r *restoration) inheritStreams() ([]criu.Inherited, error) {
	const limit = 64 << 10
	text, err := sys.ReadFileAt(r.dirs.images, descriptorsName, limit)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Join(r.ro.ImagePath, descriptorsName), err)
	}
	var names []string
	if err := json.Unmarshal(text, &names); err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Join(r.ro.ImagePath, descriptorsName), err)
	}
	var list []criu.Inherited
	for fd, name := range names {
		if fd < len(r.stdio) && strings.HasPrefix(name, "pipe:") {
			list = append(list, criu.Inherited{Key: name, FD: fd})
		}
	}
	return list, nil
}

// inheritNamespace puts the namespace that the configuration joins into the place
// of the one that the container had joined.
func (r *restoration) inheritNamespace(kind specs.LinuxNamespaceType, key string) ([]criu.Inherited, error) {
	file := namespacePath(r.bundle.Spec, kind)
	if file == "" {
		return nil, nil
	}
	fd, err := sys.OpenAt(unix.AT_FDCWD, file, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	r.extra = append(r.extra, fd)
	return []criu.Inherited{{Key: key, FD: criu.FirstExtra + len(r.extra) - 1}}, nil
}

// mountSources says what is mounted where the images name an external mount. A name
// that they do not have does no harm.
func (r *restoration) mountSources() ([]criu.Pair, error) {
	root, err := sys.OpenAt(unix.AT_FDCWD, r.rootfs(), unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer closeAll(root)
	pairs := []criu.Pair{{Key: maskName, Value: maskName}}
	add := func(dest, source string) {
		dest = path.Join("/", dest)
		pairs = append(pairs, criu.Pair{Key: dest, Value: source})
		if resolved := resolveBelow(root, dest); resolved != dest {
			pairs = append(pairs, criu.Pair{Key: resolved, Value: source})
		}
	}
	for _, e := range r.plan.Entries {
		switch s := e.Step.(type) {
		case plan.Bind:
			if !s.SourceInRoot {
				add(s.Dest, s.Source)
			}
			if s.Recursive {
				if err := eachBelow(s.Source, func(point string) { add(s.Dest+strings.TrimPrefix(point, s.Source), point) }); err != nil {
					return nil, err
				}
			}
		case plan.Mount:
			if source := r.cgroupSource(s); source != "" {
				add(s.Dest, source)
			}
		}
	}
	return pairs, nil
}

// cgroupSource is the container's directory in the hierarchy that a step mounts.
func (r *restoration) cgroupSource(s plan.Mount) string {
	paths := r.cgroup.Paths()
	if s.Type == "cgroup2" {
		return paths[""]
	}
	if s.Type != "cgroup" {
		return ""
	}
	for _, option := range s.Data {
		for _, controller := range strings.Split(option, ",") {
			if dir, ok := paths[controller]; ok {
				return dir
			}
		}
	}
	return ""
}

// resolveBelow follows the links of a path below a root as far as it exists there.
func resolveBelow(root int, dest string) string {
	dir, base := path.Split(dest)
	fd, err := sys.OpenInRoot(root, dir, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return dest
	}
	defer closeAll(fd)
	name, err1 := sys.NameOf(fd)
	top, err2 := sys.NameOf(root)
	if err1 != nil || err2 != nil || (name != top && !strings.HasPrefix(name, top+"/")) {
		return dest
	}
	return path.Join("/", strings.TrimPrefix(name, top), base)
}

// eachBelow calls take for the mounts below a directory of the host.
func eachBelow(dir string, take func(point string)) error {
	table, err := sys.OpenMountTable()
	if err != nil {
		return err
	}
	defer table.Close()
	mounts, err := parseMounts(table)
	if err != nil {
		return err
	}
	for i := range mounts {
		if strings.HasPrefix(mounts[i].point, strings.TrimSuffix(dir, "/")+"/") {
			take(mounts[i].point)
		}
	}
	return nil
}

// makeMountPoints makes what CRIU mounts on and a root file system may lack that
// the container has not had yet, such as one made from an image anew. What is to be
// below a tmpfs comes with the content of that one.
func (r *restoration) makeMountPoints() error {
	root, err := sys.OpenAt(unix.AT_FDCWD, r.rootfs(), unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer closeAll(root)
	var covered []string
	for _, e := range r.plan.Entries {
		dest, kind, err := "", plan.Directory, error(nil)
		switch s := e.Step.(type) {
		case plan.Mount:
			dest = path.Join("/", s.Dest)
		case plan.Bind:
			dest, kind = path.Join("/", s.Dest), s.Kind
		default:
			continue
		}
		if !isBelow(covered, dest) {
			err = makeMountPoint(root, dest, kind)
		}
		if err != nil {
			return err
		}
		if _, ok := e.Step.(plan.Mount); ok {
			covered = append(covered, dest)
		}
	}
	return nil
}

func isBelow(dirs []string, name string) bool {
	for _, dir := range dirs {
		if strings.HasPrefix(name, dir+"/") {
			return true
		}
	}
	return false
}

// makeMountPoint makes a directory or an empty file, and the directories above it.
func makeMountPoint(root int, dest string, kind plan.Kind) error {
	fd, err := sys.OpenInRoot(root, dest, unix.O_PATH, 0)
	if err == nil {
		closeAll(fd)
		return nil
	}
	if !errors.Is(err, unix.ENOENT) {
		return err
	}
	dir, base := path.Split(dest)
	if dir = path.Clean(dir); dir != "/" {
		if err := makeMountPoint(root, dir, plan.Directory); err != nil {
			return err
		}
	}
	above, err := sys.OpenInRoot(root, dir, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer closeAll(above)
	if kind == plan.Directory {
		err = unix.Mkdirat(above, base, 0o755)
	} else {
		err = sys.CreateFileAt(above, base, nil, 0o644)
	}
	if err != nil {
		return fmt.Errorf("make mount point %s: %w", dest, err)
	}
	return nil
}
