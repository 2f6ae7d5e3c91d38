package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
)

// Names of the contenders that ratios and checks refer to.
const (
	nameOcirun  = "ocirun"
	nameCompare = "compare"
	nameCrun    = "crun"
	nameRunc    = "runc"
	nameFloor   = "floor"
	nameBare    = "true"
)

var reservedNames = []string{nameOcirun, nameCompare, nameCrun, nameRunc, nameFloor, nameBare}

// ratio is the quotient of two medians of one bundle and variant.
type ratio struct {
	Bundle  string  `json:"bundle"`
	Variant string  `json:"variant,omitempty"`
	Runtime string  `json:"runtime"`
	Against string  `json:"against"`
	Value   float64 `json:"value"`
}

// report is all that a run found, in the form of the JSON file.
type report struct {
	Kernel       string        `json:"kernel"`
	Architecture string        `json:"architecture"`
	CPUs         int           `json:"cpus"`
	Rounds       int           `json:"rounds"`
	Seed         uint64        `json:"seed"`
	MemoryView   string        `json:"memory_view,omitempty"`
	Contenders   []contender   `json:"contenders"`
	Series       []series      `json:"series"`
	Ratios       []ratio       `json:"ratios"`
	Footprints   []footprint   `json:"footprints"`
	Limits       []memoryLimit `json:"limits"`
	Checks       []check       `json:"checks,omitempty"`
	Notes        []string      `json:"notes,omitempty"`

	options options
}

func newReport(o options) *report {
	return &report{
		Kernel: kernelRelease(), Architecture: runtime.GOARCH, CPUs: runtime.NumCPU(),
		Rounds: o.rounds, Seed: o.seed, options: o,
	}
}

func (r *report) add(o outcome) {
	if o.Contenders != nil {
		r.Contenders = o.Contenders
	}
	if o.Limits != nil {
		r.MemoryView = o.View
	}
	r.Series = append(r.Series, o.Series...)
	r.Footprints = append(r.Footprints, o.Footprints...)
	r.Limits = append(r.Limits, o.Limits...)
	r.Notes = append(r.Notes, o.Notes...)
}

// finish computes ratios and checks, prints the table, writes the JSON file,
// and returns an error when ocirun failed or did not keep its promises.
func (r *report) finish(out io.Writer) error {
	r.Ratios = ratios(r.Series)
	if r.options.assert {
		r.Checks = r.check()
	}
	if err := r.print(out); err != nil {
		return err
	}
	if r.options.jsonFile != "" {
		data, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(r.options.jsonFile, append(data, '\n'), 0o644); err != nil {
			return err
		}
	}
	return errors.Join(r.ownFailures(), failedChecks(r.Checks))
}

// ownFailures joins what went wrong with ocirun or the build compared with it;
// peers may fail, the table says so.
func (r *report) ownFailures() error {
	var all []error
	own := func(name string) bool { return name == nameOcirun || name == nameCompare }
	for _, c := range r.Contenders {
		if own(c.Name) && c.Absent != "" {
			all = append(all, fmt.Errorf("%s: %s", c.Name, c.Absent))
		}
	}
	for _, s := range r.Series {
		if own(s.Runtime) && s.Error != "" {
			all = append(all, fmt.Errorf("%s, %s bundle %s: %s", s.Runtime, s.Bundle, s.Variant, s.Error))
		}
	}
	for _, f := range r.Footprints {
		if own(f.Runtime) && f.Error != "" {
			all = append(all, fmt.Errorf("%s, created container: %s", f.Runtime, f.Error))
		}
	}
	for _, l := range r.Limits {
		if own(l.Runtime) && l.Error != "" {
			all = append(all, fmt.Errorf("%s, memory limit: %s", l.Runtime, l.Error))
		}
	}
	return errors.Join(all...)
}

// ratios compares every series with those of the same bundle and variant.
func ratios(all []series) []ratio {
	var found []ratio
	for _, s := range all {
		for _, against := range all {
			if s.Bundle != against.Bundle || s.Variant != against.Variant || s.Runtime == against.Runtime {
				continue
			}
			if s.Summary.Runs > 0 && against.Summary.Runs > 0 {
				found = append(found, ratio{s.Bundle, s.Variant, s.Runtime, against.Runtime, s.Summary.MedianUS / against.Summary.MedianUS})
			}
		}
	}
	return found
}

func (r *report) ratio(bundle, variant, name, against string) (float64, bool) {
	i := slices.IndexFunc(r.Ratios, func(x ratio) bool {
		return x.Bundle == bundle && x.Variant == variant && x.Runtime == name && x.Against == against
	})
	if i < 0 {
		return 0, false
	}
	return r.Ratios[i].Value, true
}

// print writes the text tables.
func (r *report) print(out io.Writer) error {
	fmt.Fprintf(out, "kernel %s, %s, %d CPUs, %d rounds, seed %d\n", r.Kernel, r.Architecture, r.CPUs, r.Rounds, r.Seed)
	for _, c := range r.Contenders {
		switch {
		case c.Absent != "":
			fmt.Fprintf(out, "  %-8s absent: %s\n", c.Name, c.Absent)
		case c.Version != "":
			fmt.Fprintf(out, "  %-8s %s\n", c.Name, c.Version)
		}
	}
	tables := []struct{ title, bundle, variant string }{
		{"default bundle", bundleDefault, anyCache},
		{"Docker-like bundle, cold", bundleDocker, coldCache},
		{"Docker-like bundle, warm", bundleDocker, warmCache},
		{"exec into the default bundle", bundleExec, anyCache},
	}
	for _, t := range tables {
		if err := r.printTimes(out, t.title, t.bundle, t.variant); err != nil {
			return err
		}
	}
	if err := r.printMemory(out); err != nil {
		return err
	}
	for _, note := range r.Notes {
		fmt.Fprintf(out, "note: %s\n", note)
	}
	for _, c := range r.Checks {
		fmt.Fprintf(out, "%s\n", c)
	}
	fmt.Fprint(out, legend)
	return nil
}

func (r *report) printTimes(out io.Writer, title, bundle, variant string) error {
	rows := slices.DeleteFunc(slices.Clone(r.Series), func(s series) bool { return s.Bundle != bundle || s.Variant != variant })
	if len(rows) == 0 {
		return nil
	}
	fmt.Fprintf(out, "\n%s\n", title)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	against := []string{nameFloor, nameCrun, nameRunc}
	fmt.Fprint(t, "runtime\tmedian ms\tmin ms\tp90 ms\tCPU ms\tfaults\tswitches\truns\t")
	for _, name := range against {
		fmt.Fprintf(t, "/%s\t", name)
	}
	fmt.Fprintln(t)
	for _, s := range rows {
		m := s.Summary
		if m.Runs == 0 {
			continue
		}
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.2f\t%.2f\t%.0f\t%.0f\t%d\t", s.Runtime, m.MedianUS/1000, m.MinUS/1000, m.P90US/1000, m.CPUUS/1000, m.Faults, m.Switches, m.Runs)
		for _, name := range against {
			if value, ok := r.ratio(bundle, variant, s.Runtime, name); ok {
				fmt.Fprintf(t, "%.2f\t", value)
			} else {
				fmt.Fprint(t, "-\t")
			}
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, s := range rows {
		if s.Error != "" {
			fmt.Fprintf(out, "  %s failed: %s\n", s.Runtime, s.Error)
		}
	}
	return nil
}

func (r *report) printMemory(out io.Writer) error {
	fmt.Fprintf(out, "\nmemory\n")
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "runtime\tinit private KiB\tinit RSS KiB\tinit PSS KiB\tsmallest limit KiB\t\n")
	var failures []string
	for _, f := range r.Footprints {
		limit := "-"
		for _, l := range r.Limits {
			if l.Runtime != f.Runtime {
				continue
			}
			limit = fmt.Sprint(l.Bytes >> 10)
			if l.Error != "" {
				limit = "-"
				failures = append(failures, fmt.Sprintf("  %s, memory limit: %s\n", l.Runtime, l.Error))
			}
		}
		if f.Error != "" {
			fmt.Fprintf(t, "%s\t-\t-\t-\t%s\t\n", f.Runtime, limit)
			failures = append(failures, fmt.Sprintf("  %s, created container: %s\n", f.Runtime, f.Error))
			continue
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%s\t\n", f.Runtime, f.PrivateKiB, f.RSSKiB, f.PSSKiB, limit)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(out, strings.Join(failures, "")+"\n")
	return err
}

const legend = `
Times are of one foreground "run" of /bin/true, from before fork to after wait, in the pure cgroup v2 view; all runtimes
run once a round, in random order. CPU, faults (minor) and switches are of the runtime and every process it waited for.
exec: of one "exec" of /bin/true into a container that sleeps, its start and end not counted.
"floor" makes the default container with the kernel's calls alone; "true" is the program without any container.
Cold: the runtime's --root, with the caches in it (crun keeps compiled seccomp filters there), is emptied before each
run; warm: it is kept. The page cache is warm in both. /floor, /crun, /runc: quotients of medians.
init: the container's process between create and start, from smaps_rollup; private = clean + dirty.
smallest limit: the least memory limit, in steps of 16 KiB from 128 KiB to 16 MiB, at which 5 runs of 5 succeed.
`
