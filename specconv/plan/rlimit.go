package plan

import "strconv"

// Rlimit sets a resource limit of the process (setrlimit(2)).
type Rlimit struct {
	// Type is the name, such as "RLIMIT_NOFILE", Resource its number.
	Type       string
	Resource   int
	Soft, Hard uint64
	// Raise only makes the hard limit as high as it has to be, for the step that sets
	// it when the right to raise it is gone.
	Raise bool
}

// Lane is Init.
func (Rlimit) Lane() Lane { return Init }

// Name is "rlimit".
func (Rlimit) Name() string { return "rlimit" }

// Action describes the step.
func (s Rlimit) Action() string {
	if s.Raise {
		return "raise the maximum of " + s.Type
	}
	return "set " + s.Type
}

// Detail gives the soft and the hard limit.
func (s Rlimit) Detail() string {
	if s.Raise {
		return rlim(s.Hard)
	}
	return rlim(s.Soft) + ":" + rlim(s.Hard)
}

func rlim(n uint64) string {
	if n == ^uint64(0) {
		return "unlimited"
	}
	return strconv.FormatUint(n, 10)
}
