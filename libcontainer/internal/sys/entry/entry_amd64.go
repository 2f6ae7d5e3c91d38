package entry

import "runtime"

// What begin in entry_amd64.s leaves behind. The masks have a bit for each CPU that any
// kernel knows (NR_CPUS is 8192 at most).
var (
	// size is that of the masks in bytes, or 0: the affinity is untouched.
	size int64
	// cpus is the affinity that the process was started with.
	cpus [128]uint64
	// few is that of its threads until now, cpu the one that it was started on.
	few [128]uint64
	cpu uint32
	// slack is the timer slack that the process was started with in nanoseconds, or 0: it is untouched.
	slack int64
	// files is the limit on open files, a soft and a hard one, that the process was started with
	// if isLimited, and fewFiles what it has until now.
	files, fewFiles [2]uint64 //nolint:unused // used by entry_amd64.s
	isLimited       int64     //nolint:unused // used by entry_amd64.s
)

// memProfileRate is set to 0, as the Go runtime itself does in a program that makes no use of
// it, but only after it has taken a first sample.
var memProfileRate = &runtime.MemProfileRate //nolint:unused // used by entry_amd64.s

func init() { restore() }

// choose is how begin chooses among cpus, for the test of machines that have many.
func choose(wanted, size int) (limits bool)

func restore()

// CPUs gives the mask of the CPUs that the process was started with, if threads that began
// early may have another one (sched_setaffinity(2)), or nil.
func CPUs() []uint64 {
	if size == 0 {
		return nil
	}
	return cpus[:size/8]
}

// TimerSlack gives the timer slack that the process was started with in nanoseconds
// (PR_SET_TIMERSLACK, prctl(2)), if threads that began early have another one, or 0.
func TimerSlack() int64 { return slack }
