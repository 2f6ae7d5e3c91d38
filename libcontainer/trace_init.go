package libcontainer

import (
	"time"

	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
	"github.com/ocirun/ocirun/specconv/plan"
)

// addInitSpans adds the init's steps to a trace. The init notes when each
// operation begins; a step lasts from its first operation to the first of the
// next step, and the last one until the given time.
func addInitSpans(t *Trace, p *plan.Plan, program *initproc.Program, progress initproc.Progress, pid int, until time.Duration) {
	done := min(progress.Op+1, len(progress.Stamps))
	for from := 0; from < done; {
		step := program.Step(from)
		to := from + 1
		for to < done && program.Step(to) == step {
			to++
		}
		end := until
		if to < done {
			end = time.Duration(progress.Stamps[to])
		}
		span := Span{Name: "begin", Category: "init", Start: time.Duration(progress.Stamps[from]), Pid: pid}
		if step >= 0 {
			entry := p.Entries[step]
			span.Name, span.Category = entry.Step.Action(), entry.Step.Lane().String()
			if !entry.Cause.IsDefault() {
				span.Name = string(entry.Cause) + ": " + span.Name
			}
		}
		span.Duration = end - span.Start
		t.Add(span)
		from = to
	}
}
