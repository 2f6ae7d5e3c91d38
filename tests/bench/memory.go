package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	lowestLimit   = 128 << 10
	highestLimit  = 16 << 20
	limitStep     = 16 << 10
	limitTries    = 5
	footprintRuns = 3
)

// footprints measures the init of a created container of every contender.
func (r *runner) footprints() []footprint {
	var all []footprint
	for _, c := range r.job.Contenders {
		if c.Absent != "" || c.Kind != kindOCI {
			continue
		}
		f := footprint{Runtime: c.Name}
		var private, rss, pss []float64
		for range footprintRuns {
			m, err := r.created(c, bundleDefault)
			if err != nil {
				f.Error = err.Error()
				break
			}
			private = append(private, float64(m["Private_Clean"]+m["Private_Dirty"]))
			rss, pss = append(rss, float64(m["Rss"])), append(pss, float64(m["Pss"]))
		}
		if f.Error == "" {
			f.PrivateKiB, f.RSSKiB, f.PSSKiB = int64(median(private)), int64(median(rss)), int64(median(pss))
		}
		all = append(all, f)
	}
	return all
}

// created creates a container, reads the memory map totals of its init in KiB, and deletes it.
func (r *runner) created(c contender, bundle string) (map[string]int64, error) {
	if err := r.prepareState(c, anyCache); err != nil {
		return nil, err
	}
	id := r.newID()
	defer r.discard(c, anyCache, id)
	pidFile := filepath.Join("/tmp", id+".pid")
	defer os.Remove(pidFile)
	args := []string{c.Path, "--root", r.stateRoot(c, anyCache), "create", "--bundle", r.bundle(bundle), "--pid-file", pidFile, id}
	if _, err := r.measure(args); err != nil {
		return nil, err
	}
	pid, err := os.ReadFile(pidFile)
	if err != nil {
		return nil, err
	}
	rollup, err := os.ReadFile(filepath.Join("/proc", strings.TrimSpace(string(pid)), "smaps_rollup"))
	if err != nil {
		return nil, err
	}
	return parseRollup(string(rollup))
}

// parseRollup reads the "Name:  N kB" lines of smaps_rollup.
func parseRollup(text string) (map[string]int64, error) {
	values := map[string]int64{}
	for line := range strings.Lines(text) {
		field := strings.Fields(line)
		if len(field) != 3 || field[2] != "kB" {
			continue
		}
		n, err := strconv.ParseInt(field[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("smaps_rollup: %q: %w", strings.TrimSpace(line), err)
		}
		values[strings.TrimSuffix(field[0], ":")] = n
	}
	if _, ok := values["Private_Dirty"]; !ok {
		return nil, errors.New("smaps_rollup: no Private_Dirty line")
	}
	return values, nil
}

// limits finds the smallest memory limit of every contender.
func (r *runner) limits(view string) []memoryLimit {
	var all []memoryLimit
	for _, c := range r.job.Contenders {
		if c.Absent != "" || c.Kind != kindOCI {
			continue
		}
		var last error
		limit := memoryLimit{Runtime: c.Name}
		limit.Bytes = bisect(lowestLimit, highestLimit, limitStep, func(bytes int64) bool {
			for range limitTries {
				if err := r.runLimited(c, view, bytes); err != nil {
					last = err
					return false
				}
			}
			return true
		})
		if limit.Bytes == 0 {
			limit.Error = fmt.Sprintf("not even with %d MiB: %v", highestLimit>>20, last)
		}
		all = append(all, limit)
	}
	return all
}

func (r *runner) runLimited(c contender, view string, bytes int64) error {
	if err := r.prepareState(c, anyCache); err != nil {
		return err
	}
	id := r.newID()
	if err := r.limitBundle(view, id, bytes); err != nil {
		return err
	}
	_, err := r.measure(r.runArgs(c, bundleMemory, anyCache, id))
	if err != nil {
		r.discard(c, anyCache, id)
	}
	return err
}

// limitBundle writes the memory bundle's config for one try.
func (r *runner) limitBundle(view, id string, bytes int64) error {
	config, err := readConfig(filepath.Join(r.bundle(bundleDefault), "config.json"))
	if err != nil {
		return err
	}
	linux := config.section("linux")
	linux["cgroupsPath"] = "/" + id
	linux.section("resources")["memory"] = object{"limit": bytes}
	if view == viewV1 {
		// As `spec` writes it on such a host: the cgroup namespace belongs to v2.
		linux.dropNamespace("cgroup")
	}
	data, err := json.Marshal(config)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.bundle(bundleMemory), "config.json"), data, 0o644)
}
