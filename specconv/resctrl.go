package specconv

import (
	"strings"

	"github.com/ocirun/ocirun/specconv/plan"
)

const (
	pointerRdt = "/linux/intelRdt"
	refRdt     = "config-linux.md#intelrdt"
)

// resctrlRow gives the container its class of service before there is a process.
func (c *compiler) resctrlRow() {
	if r := c.linux.IntelRdt; r != nil {
		c.add(plan.Prepare, pointerRdt, plan.Resctrl{
			Class: r.ClosID, L3: r.L3CacheSchema, Bandwidth: r.MemBwSchema, More: r.Schemata, Monitored: r.EnableMonitoring,
		})
	}
}

// resctrlPoint lets the runtime put the process there before it starts others.
func (c *compiler) resctrlPoint() {
	if c.linux.IntelRdt != nil {
		c.add(plan.Namespaces, pointerRdt, plan.Rendezvous{Point: plan.PointResctrl})
	}
}

// resctrl checks what is asked of caches and memory bandwidth.
func (v *validator) resctrl() {
	r := v.linux.IntelRdt
	if r == nil {
		return
	}
	has := v.o.Host.Resctrl
	if !has.Mounted {
		v.failf(pointerRdt, refRdt, "intelRdt is specified in config, but Intel RDT is not enabled: no resctrl file system is mounted")
	}
	if r.ClosID != "/" && !isClassName(r.ClosID) {
		v.failf(pointerRdt+"/closID", refRdt, "invalid intelRdt.ClosID %q", r.ClosID)
	}
	v.schema("/l3CacheSchema", "L3:", r.L3CacheSchema, has.Mounted && !has.L3,
		"intelRdt.l3CacheSchema is specified in config, but Intel RDT/CAT is not enabled")
	v.schema("/memBwSchema", "MB:", r.MemBwSchema, has.Mounted && !has.Bandwidth,
		"intelRdt.memBwSchema is specified in config, but Intel RDT/MBA is not enabled")
	for i, line := range r.Schemata {
		if strings.ContainsAny(line, "\n\x00") {
			v.failf(element(pointerRdt+"/schemata", i), refRdt, "a schema is one line: %q", line)
		}
	}
	if r.EnableMonitoring && has.Mounted && !has.Monitoring {
		v.failf(pointerRdt+"/enableMonitoring", refRdt, "intelRdt.enableMonitoring is specified in config, but the hardware has no monitoring")
	}
}

// schema checks one of the lines for the schemata. Of the one for the cache the
// specification only recommends its form.
func (v *validator) schema(field plan.Cause, prefix, line string, lacking bool, lack string) {
	where := pointerRdt + field
	odd := !strings.HasPrefix(line, prefix) || strings.Contains(line, "\n")
	switch {
	case line == "":
	case lacking:
		v.failf(where, refRdt, "%s", lack)
	case hasNUL(line):
		v.fail(where, refRdt, errNUL)
	case odd && prefix == "MB:":
		v.failf(where, refRdt, "%q must start with %q and be one line", line, prefix)
	case odd:
		v.warnf(where, refRdt, "%q should start with %q and be one line", line, prefix)
	}
}

// isClassName reports whether a class of service may have that name: it is the name of a
// directory beside those that are always there. Empty stands for the container's own.
func isClassName(name string) bool {
	switch name {
	case ".", "..", "info", "mon_groups", "mon_data":
		return false
	}
	return !strings.ContainsAny(name, "/\n\x00")
}
