package libcontainer

import "golang.org/x/sys/unix"

// hardLimit is the limit on a resource that this process may not pass, 0 if it
// cannot be told.
func hardLimit(resource int) uint64 {
	var limit unix.Rlimit
	if unix.Getrlimit(resource, &limit) != nil {
		return 0
	}
	return limit.Max
}
