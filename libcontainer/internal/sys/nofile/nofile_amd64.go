package nofile

import _ "github.com/ocirun/ocirun/libcontainer/internal/sys/entry" // it changes the limit until it is initialised

// Limit is a soft and a hard limit (getrlimit(2)).
type Limit struct{ Cur, Max uint64 }

var started = read()

func getrlimit(l *Limit) (r uintptr)

func read() *Limit {
	l := new(Limit)
	if getrlimit(l) != 0 {
		return nil
	}
	return l
}

// Started gives the limit, or nil if it is not known. It is on the heap: system calls may
// read it by its address.
func Started() *Limit { return started }
