package main

import (
	"fmt"
	"slices"
)

// What ocirun promises; -assert holds it to them.
const (
	maxOfCrun      = 0.60 // default bundle
	maxOfFloor     = 2.3  // default bundle
	maxOfCrunCold  = 0.35 // Docker-like bundle, cold
	maxOfCrunExec  = 0.55 // exec
	maxLimitKiB    = 1024
	maxInitPrivate = 200 // KiB
)

// check is one promise and how it went. What could not be measured is not kept.
type check struct {
	Promise  string  `json:"promise"`
	Most     float64 `json:"most"`
	Measured float64 `json:"measured"`
	Known    bool    `json:"known"`
}

func (c check) kept() bool { return c.Known && c.Measured <= c.Most }

func (c check) String() string {
	switch {
	case !c.Known:
		return fmt.Sprintf("FAIL %s: not measured, at most %g", c.Promise, c.Most)
	case !c.kept():
		return fmt.Sprintf("FAIL %s: %.4g, at most %g", c.Promise, c.Measured, c.Most)
	default:
		return fmt.Sprintf("ok   %s: %.4g, at most %g", c.Promise, c.Measured, c.Most)
	}
}

func (r *report) check() []check {
	quotient := func(promise, bundle, variant, against string, most float64) check {
		value, known := r.ratio(bundle, variant, nameOcirun, against)
		return check{promise, most, value, known}
	}
	checks := []check{
		quotient("default bundle, of crun's time", bundleDefault, anyCache, nameCrun, maxOfCrun),
		quotient("default bundle, of the floor's time", bundleDefault, anyCache, nameFloor, maxOfFloor),
		quotient("Docker-like bundle, cold, of crun's time", bundleDocker, coldCache, nameCrun, maxOfCrunCold),
		quotient("exec, of crun's time", bundleExec, anyCache, nameCrun, maxOfCrunExec),
	}
	limit := check{Promise: "smallest memory limit in KiB", Most: maxLimitKiB}
	if i := slices.IndexFunc(r.Limits, func(l memoryLimit) bool { return l.Runtime == nameOcirun && l.Error == "" }); i >= 0 {
		limit.Measured, limit.Known = float64(r.Limits[i].Bytes)/1024, true
	}
	private := check{Promise: "private memory of a created container's init in KiB", Most: maxInitPrivate}
	if i := slices.IndexFunc(r.Footprints, func(f footprint) bool { return f.Runtime == nameOcirun && f.Error == "" }); i >= 0 {
		private.Measured, private.Known = float64(r.Footprints[i].PrivateKiB), true
	}
	return append(checks, limit, private)
}

func failedChecks(checks []check) error {
	failed := 0
	for _, c := range checks {
		if !c.kept() {
			failed++
		}
	}
	if failed == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d promises not kept", failed, len(checks))
}
