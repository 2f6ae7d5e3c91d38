package hostcheck

import (
	"errors"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// fileSystems looks for those that engines mount in every container.
func (e *examiner) fileSystems() {
	list := parseFileSystems(setting("/proc/filesystems"))
	var missing []string
	fails := false
	for _, f := range []struct {
		name   string
		needed bool
	}{{"proc", true}, {"sysfs", true}, {"tmpfs", true}, {"devpts", true}, {"mqueue", false}, {"overlay", false}} {
		if !slices.Contains(list, f.name) {
			missing, fails = append(missing, f.name), fails || f.needed
		}
	}
	if len(missing) == 0 {
		e.ok("file systems", "types", "proc sysfs tmpfs devpts mqueue overlay")
		return
	}
	e.bad(verdict(fails), Check{
		Area: "file systems", Name: "types", Found: "missing: " + strings.Join(missing, " "), Effect: "containers with such mounts cannot be made",
		Remedy: `load the modules ("modprobe overlay"), or a kernel that has them`,
	})
}

func parseFileSystems(text string) (names []string) {
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); len(fields) > 0 {
			names = append(names, fields[len(fields)-1])
		}
	}
	return names
}

// idmaps tries mounts with id maps on the file systems where images and volumes are.
func (e *examiner) idmaps() {
	if !e.privileged() {
		e.ok("file systems", "id-mapped mounts", "are for root")
		return
	}
	namespace, err := mappedNamespace()
	if err != nil {
		e.bad(Warn, Check{
			Area: "file systems", Name: "id-mapped mounts", Found: "cannot try: " + err.Error(), Effect: "mounts with id maps may not work",
			Remedy: "see the check of user namespaces",
		})
		return
	}
	defer unix.Close(namespace)
	var can, cannot []string
	for _, dir := range []string{"/", "/var/lib", "/var/lib/docker", "/var/lib/containers", "/home", "/tmp", "/dev/shm"} {
		name, err := typeOf(dir)
		if err != nil || slices.Contains(can, name) || slices.Contains(cannot, name) {
			continue
		}
		if idmap(dir, namespace) == nil {
			can = append(can, name)
		} else {
			cannot = append(cannot, name)
		}
	}
	if len(cannot) == 0 {
		e.ok("file systems", "id-mapped mounts", "on "+strings.Join(can, " "))
		return
	}
	e.bad(Warn, Check{
		Area: "file systems", Name: "id-mapped mounts", Found: "not on " + strings.Join(cannot, " ") + ", but on " + strings.Join(can, " "),
		Effect: `mounts with "idmap" or uidMappings on these file systems are refused`, Remedy: "keep what is to be mapped on ext4, xfs or btrfs, or use a newer kernel (tmpfs: Linux 6.3)",
	})
}

func idmap(dir string, namespace int) error {
	tree, err := unix.OpenTree(unix.AT_FDCWD, dir, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return err
	}
	defer unix.Close(tree)
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(namespace)}
	return unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH, &attr)
}

// mappedNamespace makes a user namespace with a map. It belongs to a process that is held
// where it would execute a program, and then ended.
func mappedNamespace() (fd int, err error) {
	runtime.LockOSThread() // only the thread that traces a process may wait for its stop
	defer runtime.UnlockOSThread()
	ids := []syscall.SysProcIDMap{{Size: 1}} // root stays root, so that the program can be executed
	pid, err := sys.ForkExec("/proc/self/exe", []string{"ocirun"}, &syscall.ProcAttr{
		Sys: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids, Ptrace: true},
	})
	if err != nil {
		return -1, err
	}
	defer func() {
		_ = unix.Kill(pid, unix.SIGKILL)
		_, _ = unix.Wait4(pid, nil, 0, nil)
	}()
	return sys.Process{Pid: pid}.OpenUserNamespace()
}

// fileSystemNames are those that images, volumes and states are kept on.
var fileSystemNames = [...]struct {
	magic uint32
	name  string
}{
	{unix.EXT4_SUPER_MAGIC, "ext4"},
	{unix.XFS_SUPER_MAGIC, "xfs"},
	{unix.BTRFS_SUPER_MAGIC, "btrfs"},
	{unix.TMPFS_MAGIC, "tmpfs"},
	{unix.OVERLAYFS_SUPER_MAGIC, "overlay"},
	{unix.NFS_SUPER_MAGIC, "nfs"},
	{unix.F2FS_SUPER_MAGIC, "f2fs"},
	{0x2fc12fc1, "zfs"},
	{unix.RAMFS_MAGIC, "ramfs"},
	{unix.FUSE_SUPER_MAGIC, "fuse"},
	{unix.V9FS_MAGIC, "9p"},
	{unix.EROFS_SUPER_MAGIC_V1, "erofs"},
	{unix.SQUASHFS_MAGIC, "squashfs"},
}

func typeOf(dir string) (string, error) {
	var st unix.Statfs_t
	if err := sys.Retry(func() error { return unix.Statfs(dir, &st) }); err != nil {
		return "", err
	}
	for _, f := range fileSystemNames {
		if f.magic == uint32(st.Type) {
			return f.name, nil
		}
	}
	return "another", nil
}

// stateRoot is where the records of containers are.
func (e *examiner) stateRoot() {
	name, err := typeOf(e.dir)
	if err == nil {
		err = sys.Retry(func() error { return unix.Faccessat(unix.AT_FDCWD, e.dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS) })
	}
	switch {
	case errors.Is(err, unix.EROFS), errors.Is(err, fs.ErrPermission), err != nil:
		e.bad(Fail, Check{
			Area: "state", Name: "directory", Found: e.Root + ": " + err.Error(), Effect: "no container can be made",
			Remedy: "set XDG_RUNTIME_DIR to a directory of this user, or use --root",
		})
	case name == "nfs" || name == "9p" || name == "fuse":
		e.bad(Warn, Check{
			Area: "state", Name: "directory", Found: e.Root + " is on " + name, Effect: "locks and sockets may not work there",
			Remedy: "use --root with a directory on a tmpfs",
		})
	case name != "tmpfs" && name != "ramfs":
		e.bad(Warn, Check{
			Area: "state", Name: "directory", Found: e.Root + " is on " + name, Effect: "the records of containers outlive a reboot, and the containers do not",
			Remedy: "use --root with a directory on a tmpfs, such as /run",
		})
	default:
		e.ok("state", "directory", e.Root+" is on "+name)
	}
}
