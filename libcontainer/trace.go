package libcontainer

import (
	"time"

	"golang.org/x/sys/unix"
)

// Trace records how long each step took. The zero of a pointer, nil, records
// nothing and costs nothing.
type Trace struct {
	spans []Span
}

// Span is one step in time.
type Span struct {
	// Name is what was done, such as "mount tmpfs on /dev/shm".
	Name string
	// Category is who did it: "host", "init" or "wait".
	Category string
	// Start is the time on the kernel's monotonic clock (clock_gettime(2)).
	Start time.Duration
	// Duration is how long it took.
	Duration time.Duration
	// Pid is the process that did it, as the host sees it.
	Pid int
}

// NewTrace gives an empty trace.
func NewTrace() *Trace { return &Trace{spans: make([]Span, 0, 128)} }

// Add records a span.
func (t *Trace) Add(s Span) {
	if t != nil {
		t.spans = append(t.spans, s)
	}
}

// Spans gives what was recorded, in the order of recording.
func (t *Trace) Spans() []Span {
	if t == nil {
		return nil
	}
	return t.spans
}

// begin starts a span of the host; what it gives is for end.
func (t *Trace) begin() time.Duration {
	if t == nil {
		return 0
	}
	return monotonic()
}

// end records the span that began at start.
func (t *Trace) end(start time.Duration, name string) {
	if t != nil {
		t.Add(Span{Name: name, Category: "host", Start: start, Duration: monotonic() - start, Pid: unix.Getpid()})
	}
}

// monotonic is the clock that the init stamps its steps with.
func monotonic() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return 0
	}
	return time.Duration(now.Nano())
}
