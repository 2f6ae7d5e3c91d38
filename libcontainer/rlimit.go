package libcontainer

import (
	"fmt"

	"golang.org/x/sys/unix"
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
