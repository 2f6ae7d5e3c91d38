package hostcheck

import (
	"errors"
	"os/user"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// subordinateIDs are the ranges of ids that a user's containers may use beside the user's
// own (subuid(5)).
func (e *examiner) subordinateIDs() {
	if e.uid == 0 {
		e.ok("users", "subordinate ids", "root needs none")
		return
	}
	names := []string{strconv.Itoa(e.uid)}
	name := names[0]
	if u, err := user.LookupId(name); err == nil {
		names, name = append(names, u.Username), u.Username
	}
	uids, gids := countIDs(setting("/etc/subuid"), names), countIDs(setting("/etc/subgid"), names)
	if uids == 0 || gids == 0 {
		e.bad(Warn, Check{
			Area: "users", Name: "subordinate ids", Found: strconv.Itoa(uids) + " user ids in /etc/subuid, " + strconv.Itoa(gids) + " group ids in /etc/subgid",
			Effect: "a container has one user and one group, the caller's", Remedy: "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 " + name,
		})
		return
	}
	for _, helper := range []string{"newuidmap", "newgidmap"} {
		if why := helperProblem(helper); why != "" {
			e.bad(Warn, Check{
				Area: "users", Name: "subordinate ids", Found: helper + ": " + why,
				Effect: "a container has one user and one group, the caller's", Remedy: `install the package "uidmap" or "shadow-utils"; the program is setuid root or has the capability`,
			})
			return
		}
	}
	e.ok("users", "subordinate ids", strconv.Itoa(uids)+" user ids, "+strconv.Itoa(gids)+" group ids, newuidmap and newgidmap")
}

// countIDs adds up the ranges of a user in a file of lines such as "name:100000:65536".
func countIDs(text string, names []string) (count int) {
	for line := range strings.Lines(text) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) != 3 || !isOneOf(fields[0], names) {
			continue
		}
		if n, err := strconv.ParseUint(fields[2], 10, 32); err == nil {
			count += int(n)
		}
	}
	return count
}

func isOneOf(word string, list []string) bool {
	for _, w := range list {
		if w == word {
			return true
		}
	}
	return false
}

// helperProblem says why newuidmap(1) or newgidmap(1) would not work, or "".
func helperProblem(name string) string {
	path := sys.FindPrivileged(name)
	if path == "" {
		return "not found"
	}
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return err.Error()
	}
	if st.Mode&unix.S_ISUID != 0 {
		var fs unix.Statfs_t
		if err := unix.Statfs(path, &fs); err == nil && fs.Flags&unix.ST_NOSUID != 0 {
			return path + " is on a file system that is mounted nosuid"
		}
		return ""
	}
	if n, err := unix.Getxattr(path, "security.capability", nil); err == nil && n > 0 || errors.Is(err, unix.ERANGE) {
		return ""
	}
	return path + " is neither setuid root nor has it a capability"
}
