package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"
)

const (
	warmupRounds = 3
	maxFailures  = 3 // of one series; then it is given up
)

// truePayload is what every timed container runs.
var truePayload = []string{"/bin/true"}

// timeAll measures every series: all of one bundle once a round, in random order within the round.
func (r *runner) timeAll() []series {
	// A collection of ours must not fall into somebody's run.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	all := r.timeBundle(bundleDefault, anyCache)
	if r.job.Docker {
		all = append(all, r.timeBundle(bundleDocker, coldCache, warmCache)...)
	}
	return append(all, r.timeExec()...)
}

// entry is one contender with one variant while it is being measured.
type entry struct {
	contender contender
	series    series
	// command is given every time; without one every time is a new container.
	command  []string
	failures int
}

func (r *runner) timeBundle(bundle string, variants ...string) []series {
	return r.timeEntries(r.entries(bundle, variants))
}

func (r *runner) timeEntries(entries []*entry) []series {
	rng := rand.New(rand.NewPCG(r.job.Seed, uint64(len(entries))))
	for round := range warmupRounds + r.job.Rounds {
		for _, i := range rng.Perm(len(entries)) {
			r.timeOnce(entries[i], round >= warmupRounds)
		}
	}
	done := make([]series, len(entries))
	for i, e := range entries {
		e.series.Summary = summarize(e.series.Samples)
		e.series.WallUS = column(e.series.Samples, func(s sample) float64 { return micros(s.Wall) })
		done[i] = e.series
	}
	return done
}

func (r *runner) entries(bundle string, variants []string) []*entry {
	var entries []*entry
	for _, c := range r.job.Contenders {
		if c.Absent != "" || (c.Kind != kindOCI && bundle != bundleDefault) {
			continue
		}
		for _, variant := range variants {
			entries = append(entries, &entry{contender: c, series: series{Bundle: bundle, Variant: variant, Runtime: c.Name}})
		}
	}
	return entries
}

func (r *runner) timeOnce(e *entry, counts bool) {
	if e.failures >= maxFailures {
		return
	}
	variant := e.series.Variant
	if err := r.prepareState(e.contender, variant); err != nil {
		e.series.Error, e.failures = err.Error(), maxFailures
		return
	}
	id, args := "", e.command
	if args == nil {
		id = r.newID()
		args = r.runArgs(e.contender, e.series.Bundle, variant, id, truePayload...)
	}
	// The kernel tears namespaces down behind our back; let it finish with those of the run before.
	time.Sleep(r.job.Settle)
	s, err := r.measure(args)
	if err != nil {
		e.failures++
		e.series.Error = err.Error()
		if id != "" {
			r.discard(e.contender, variant, id)
		}
		return
	}
	if counts {
		e.series.Samples = append(e.series.Samples, s)
	}
}

// prepareState makes the --root of a contender and, for cold runs, empties it
// with all the caches in it.
func (r *runner) prepareState(c contender, variant string) error {
	if c.Kind != kindOCI {
		return nil
	}
	root := r.stateRoot(c, variant)
	if variant == coldCache {
		children, err := os.ReadDir(root)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, child := range children {
			if err := os.RemoveAll(filepath.Join(root, child.Name())); err != nil {
				return err
			}
		}
	}
	return os.MkdirAll(root, 0o711)
}

// probeScript prints what the payload sees, one fact a line.
const probeScript = `echo "hostname $(hostname)"
echo "pid $$"
grep -E '^(CapBnd|CapEff|NoNewPrivs|Seccomp):' /proc/self/status
echo "lo $(cat /sys/class/net/lo/flags)"
echo "dev $(echo $(ls /dev))"
echo "mounts $(awk '{split($4, o, ","); print $2 "=" $3 "," o[1]}' /proc/self/mounts | sort | tr '\n' ' ')"
`

// prove runs the probe bundles once with every contender, so that no figure
// comes from a program that does not make the container. What it cannot prove
// makes the contender absent; the notes tell where contenders differ.
func (r *runner) prove() []string {
	var notes []string
	var reference map[string]string
	for i := range r.job.Contenders {
		c := &r.job.Contenders[i]
		if c.Absent != "" || c.Kind == kindBare {
			continue
		}
		facts, err := r.probe(*c, bundleProbe)
		if err == nil {
			err = expect(facts, map[string]string{"hostname": "ocirun", "pid": "1", "NoNewPrivs:": "1", "lo": "0x9"})
		}
		if err == nil && c.Kind == kindOCI && r.job.Docker {
			var docker map[string]string
			if docker, err = r.probe(*c, bundleDockerProbe); err == nil {
				err = expect(docker, map[string]string{"hostname": "web", "pid": "1", "Seccomp:": "2"})
			}
		}
		if err != nil {
			c.Absent = "cannot run the bundle: " + err.Error()
			continue
		}
		if c.Kind == kindOCI {
			c.Version = r.version(*c)
		}
		if reference == nil {
			reference = facts
			continue
		}
		notes = append(notes, differences(c.Name, facts, reference)...)
	}
	return notes
}

func (r *runner) version(c contender) string {
	out, err := r.output([]string{c.Path, "--version"})
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(out, "\n")
	return first
}

func (r *runner) probe(c contender, bundle string) (map[string]string, error) {
	if err := r.prepareState(c, anyCache); err != nil {
		return nil, err
	}
	id := r.newID()
	out, err := r.output(r.runArgs(c, bundle, anyCache, id, "/bin/sh", "-c", probeScript))
	if err != nil {
		r.discard(c, anyCache, id)
		return nil, err
	}
	return parseFacts(out), nil
}

func parseFacts(out string) map[string]string {
	facts := map[string]string{}
	for line := range strings.Lines(out) {
		if name, value, ok := strings.Cut(strings.TrimSpace(strings.Replace(line, "\t", " ", 1)), " "); ok {
			facts[name] = strings.TrimSpace(value)
		}
	}
	return facts
}

func expect(facts, want map[string]string) error {
	for name, value := range want {
		if facts[name] != value {
			return fmt.Errorf("the payload saw %s %q, want %q", name, facts[name], value)
		}
	}
	return nil
}

// differences tells which facts of a contender are not those of the first one.
func differences(name string, facts, reference map[string]string) []string {
	var notes []string
	for _, fact := range []string{"CapBnd:", "CapEff:", "Seccomp:", "dev", "mounts"} {
		have, want := strings.Fields(facts[fact]), strings.Fields(reference[fact])
		extra, missing := without(have, want), without(want, have)
		if len(extra)+len(missing) > 0 {
			notes = append(notes, fmt.Sprintf("%s: %s: more %v, less %v", name, strings.TrimSuffix(fact, ":"), extra, missing))
		}
	}
	return notes
}

func without(words, others []string) []string {
	left := []string{}
	seen := map[string]bool{}
	for _, w := range others {
		seen[w] = true
	}
	for _, w := range words {
		if !seen[w] {
			left = append(left, w)
		}
	}
	return left
}
