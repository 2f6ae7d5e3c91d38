//go:build !amd64

package entry

// CPUs is nil: nothing was changed.
func CPUs() []uint64 { return nil }

// TimerSlack is 0: nothing was changed.
func TimerSlack() int64 { return 0 }
