package cgroups

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Stats is what the kernel counts for a cgroup and all below it. What the machine does not count is zero or nil. The JSON
// form is that of the data of an `events` line.
type Stats struct {
	CPU     CPUStats                `json:"cpu"`
	CPUSet  CPUSetStats             `json:"cpuset"`
	Memory  MemoryStats             `json:"memory"`
	Pids    PidsStats               `json:"pids"`
	BlockIO BlockIOStats            `json:"blkio"`
	Hugetlb map[string]HugetlbStats `json:"hugetlb"` // by page size, "2MB"
	// Rdma and Misc have no place in an `events` line.
	Rdma []RdmaStats          `json:"-"`
	Misc map[string]MiscStats `json:"-"`
}

// CPUStats counts processor time in nanoseconds.
type CPUStats struct {
	Usage      CPUUsage   `json:"usage"`
	Throttling Throttling `json:"throttling"`
	PSI        *PSI       `json:"psi,omitempty"`
}

// CPUUsage is processor time in nanoseconds; the lists are by processor, and v1 alone has them.
type CPUUsage struct {
	Total        uint64   `json:"total,omitempty"`
	PerCPU       []uint64 `json:"percpu,omitempty"`
	PerCPUKernel []uint64 `json:"percpu_kernel,omitempty"`
	PerCPUUser   []uint64 `json:"percpu_user,omitempty"`
	Kernel       uint64   `json:"kernel"`
	User         uint64   `json:"user"`
}

// Throttling counts what the quota did; the time is in nanoseconds.
type Throttling struct {
	Periods          uint64 `json:"periods,omitempty"`
	ThrottledPeriods uint64 `json:"throttledPeriods,omitempty"`
	ThrottledTime    uint64 `json:"throttledTime,omitempty"`
}

// CPUSetStats has the values of the v1 files of the same names; on v2 the two lists, as far as they are in effect.
type CPUSetStats struct {
	CPUs                  []uint16 `json:"cpus,omitempty"`
	CPUExclusive          uint64   `json:"cpu_exclusive"`
	Mems                  []uint16 `json:"mems,omitempty"`
	MemHardwall           uint64   `json:"mem_hardwall"`
	MemExclusive          uint64   `json:"mem_exclusive"`
	MemoryMigrate         uint64   `json:"memory_migrate"`
	MemorySpreadPage      uint64   `json:"memory_spread_page"`
	MemorySpreadSlab      uint64   `json:"memory_spread_slab"`
	MemoryPressure        uint64   `json:"memory_pressure"`
	SchedLoadBalance      uint64   `json:"sched_load_balance"`
	SchedRelaxDomainLevel int64    `json:"sched_relax_domain_level"`
}

// MemoryStats is in bytes. Swap is memory and swap together, on v2 too.
type MemoryStats struct {
	Cache     uint64            `json:"cache,omitempty"`
	Usage     MemoryUsage       `json:"usage"`
	Swap      MemoryUsage       `json:"swap"`
	Kernel    MemoryUsage       `json:"kernel"`
	KernelTCP MemoryUsage       `json:"kernelTCP"`
	Raw       map[string]uint64 `json:"raw,omitempty"` // memory.stat
	PSI       *PSI              `json:"psi,omitempty"`
	// OOMKills counts processes that the OOM killer ended.
	OOMKills uint64 `json:"-"`
}

// MemoryUsage is in bytes; on v2 no limit is the greatest number. Failcnt counts how often the limit was hit.
type MemoryUsage struct {
	Limit   uint64 `json:"limit"`
	Usage   uint64 `json:"usage,omitempty"`
	Max     uint64 `json:"max,omitempty"`
	Failcnt uint64 `json:"failcnt"`
}

// PidsStats counts tasks; a limit of 0 is none. Without the controller Current counts processes.
type PidsStats struct {
	Current uint64 `json:"current,omitempty"`
	Limit   uint64 `json:"limit,omitempty"`
	// Peak is the most there have been at a time, as Linux 6.1 counts them.
	Peak uint64 `json:"-"`
}

// BlockIOStats counts by device and operation: bytes, requests, nanoseconds or sectors.
type BlockIOStats struct {
	ServiceBytes []BlockIOEntry `json:"ioServiceBytesRecursive,omitempty"`
	Serviced     []BlockIOEntry `json:"ioServicedRecursive,omitempty"`
	Queued       []BlockIOEntry `json:"ioQueueRecursive,omitempty"`
	ServiceTime  []BlockIOEntry `json:"ioServiceTimeRecursive,omitempty"`
	WaitTime     []BlockIOEntry `json:"ioWaitTimeRecursive,omitempty"`
	Merged       []BlockIOEntry `json:"ioMergedRecursive,omitempty"`
	Time         []BlockIOEntry `json:"ioTimeRecursive,omitempty"`
	Sectors      []BlockIOEntry `json:"sectorsRecursive,omitempty"`
	PSI          *PSI           `json:"psi,omitempty"`
}

// BlockIOEntry is one number; Op is Read, Write, Sync, Async, Discard or Total.
type BlockIOEntry struct {
	Major uint64 `json:"major,omitempty"`
	Minor uint64 `json:"minor,omitempty"`
	Op    string `json:"op,omitempty"`
	Value uint64 `json:"value,omitempty"`
}

// HugetlbStats is in bytes: reservations where the kernel counts them (Linux 5.7), else usage.
type HugetlbStats struct {
	Usage   uint64 `json:"usage,omitempty"`
	Max     uint64 `json:"max,omitempty"`
	Failcnt uint64 `json:"failcnt"`
}

// RdmaStats is the use of one RDMA device; no limit is the greatest number.
type RdmaStats struct {
	Device                 string
	Handles, Objects       uint64
	HandlesMax, ObjectsMax uint64
}

// MiscStats is the use of one resource of the misc controller; Events counts how often the limit was hit.
type MiscStats struct{ Usage, Events uint64 }

// PSI is pressure stall information: the share of time in percent, and the total in microseconds.
type PSI struct {
	Some PSIData `json:"some"`
	Full PSIData `json:"full"`
}

// PSIData is one line of a pressure file.
type PSIData struct {
	Avg10  float64 `json:"avg10"`
	Avg60  float64 `json:"avg60"`
	Avg300 float64 `json:"avg300"`
	Total  uint64  `json:"total"`
}

// Stats reads what the kernel counts.
func (m *cgroupfs) Stats() (*Stats, error) {
	s := &Stats{}
	var errs []error
	for i := range m.trees {
		t := &m.trees[i]
		if t.absent != nil {
			continue
		}
		r := &counters{tree: t}
		if t.v2() {
			r.unified(s, m)
		} else {
			for _, c := range t.controllers {
				r.controller(c, s)
			}
		}
		errs = append(errs, r.err)
	}
	if s.Pids.Current == 0 {
		pids, err := m.Pids()
		s.Pids.Current, errs = uint64(len(pids)), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return s, nil
}

// counters reads the files of one cgroup. Errors stick; a file that is not there holds zero.
type counters struct {
	*tree
	err error
}

// text reads a file.
func (r *counters) text(name string) string {
	if r.err != nil {
		return ""
	}
	text, err := read(r.file(name))
	if gone(err) || errors.Is(err, unix.EOPNOTSUPP) { // pressure files where PSI is off
		return ""
	}
	r.err = err
	return text
}

// number reads a file with one number, or "max" for the greatest.
func (r *counters) number(name string) uint64 { return parseCount(r.text(name)) }

func parseCount(text string) uint64 {
	if text == "max" {
		return math.MaxUint64
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil && strings.HasPrefix(text, "-") { // -1 is how some v1 files say "no limit"
		return 0
	}
	return n
}

// keyed reads a flat keyed file.
func (r *counters) keyed(name string) map[string]uint64 {
	text := r.text(name)
	if text == "" {
		return nil
	}
	values := make(map[string]uint64, 64)
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if ok {
			values[key] = parseCount(value)
		}
	}
	return values
}

// pressure reads a pressure file: lines such as "some avg10=0.12 avg60=0.00 avg300=0.00 total=5".
func (r *counters) pressure(name string) *PSI { return parsePSI(r.text(name)) }

func parsePSI(text string) *PSI {
	if text == "" {
		return nil
	}
	p := &PSI{}
	for line := range strings.Lines(text) {
		kind, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		d := &p.Some
		if kind == "full" {
			d = &p.Full
		}
		for pair := range strings.SplitSeq(rest, " ") {
			key, value, _ := strings.Cut(pair, "=")
			switch key {
			case "avg10":
				d.Avg10, _ = strconv.ParseFloat(value, 64)
			case "avg60":
				d.Avg60, _ = strconv.ParseFloat(value, 64)
			case "avg300":
				d.Avg300, _ = strconv.ParseFloat(value, 64)
			case "total":
				d.Total = parseCount(value)
			}
		}
	}
	return p
}

// parseList parses "0-3,7".
func parseList(text string) []uint16 {
	var list []uint16
	for part := range strings.SplitSeq(text, ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		a, err1 := strconv.ParseUint(from, 10, 16)
		b, err2 := strconv.ParseUint(to, 10, 16)
		for ; err1 == nil && err2 == nil && a <= b; a++ {
			list = append(list, uint16(a))
		}
	}
	return list
}
