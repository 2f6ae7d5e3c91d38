package libcontainer

import (
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// initialUserNS is the inode of the machine's first user namespace
// (PROC_USER_INIT_INO of linux/proc_ns.h). The id maps do not tell: identity maps
// are made for other namespaces as well.
const initialUserNS = 0xEFFFFFFD

// userNamespace remembers the answer, which never changes for a process of Go: 0 is
// not asked yet, 1 is the machine's first namespace, 2 is another.
var userNamespace atomic.Int32

// InUserNamespace reports whether the calling process is in a user namespace other
// than the machine's first one, and so lacks the rights of the host's root.
func InUserNamespace() bool {
	if known := userNamespace.Load(); known != 0 {
		return known == 2
	}
	var st unix.Stat_t
	err := sys.Retry(func() error { return unix.Stat("/proc/self/ns/user", &st) })
	if err == nil && st.Ino != initialUserNS {
		userNamespace.Store(2)
		return true
	}
	userNamespace.Store(1)
	return false
}

// hostUID is the effective user id of the process as the parent of its user namespace
// numbers it.
func hostUID() int {
	uid := unix.Geteuid()
	if !InUserNamespace() {
		return uid
	}
	const limit = 1 << 16
	text, err := sys.ReadFileAt(unix.AT_FDCWD, "/proc/self/uid_map", limit)
	if err != nil {
		return uid
	}
	maps, err := parseIDMap(text)
	if err != nil {
		return uid
	}
	for _, m := range maps {
		if n := uint32(uid); n >= m.ContainerID && n-m.ContainerID < m.Size {
			return int(m.HostID + n - m.ContainerID)
		}
	}
	return uid
}
