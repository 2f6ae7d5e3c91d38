package libcontainer

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/specconv/plan"
)

// leastFiles is how many open files it takes to make a container and, if that fails,
// to undo it: one for each hierarchy of cgroups, and what the init is given.
const leastFiles = 48

// hardLimit is the limit on a resource that this process may not pass, 0 if it
// cannot be told.
func hardLimit(resource int) uint64 {
	var limit unix.Rlimit
	if unix.Getrlimit(resource, &limit) != nil {
		return 0
	}
	return limit.Max
}

// checkFiles refuses to begin what could neither be finished nor undone. The Go runtime
// has raised the soft limit to the hard one.
func checkFiles(more int) error {
	limit := hardLimit(unix.RLIMIT_NOFILE)
	if least := uint64(leastFiles + more); limit != 0 && limit < least {
		return fmt.Errorf("the limit on open files (RLIMIT_NOFILE) is %d, the runtime needs %d: %w", limit, least, unix.EMFILE)
	}
	return nil
}

// mostFiles gives fs.nr_open (proc_sys_fs(5)), which no limit on open files may be
// above, or 0 if it cannot be told. Tests have one of their own.
var mostFiles = func() uint64 {
	const digits = 64
	text, err := sys.ReadFileAt(unix.AT_FDCWD, "/proc/sys/fs/nr_open", digits)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// rlimitHint says why a limit may not be set. That on open files has a bound that
// no capability lifts.
func rlimitHint(s plan.Rlimit) string {
	if s.Resource == unix.RLIMIT_NOFILE {
		if most := mostFiles(); most != 0 && s.Hard > most {
			return fmt.Sprintf("it may not be above the sysctl fs.nr_open, which is %d", most)
		}
	}
	return "raising a hard limit needs CAP_SYS_RESOURCE"
}
