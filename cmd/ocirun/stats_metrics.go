package main

import (
	"maps"
	"slices"
	"strconv"

	"github.com/ocirun/ocirun/cgroups"
	om "github.com/ocirun/ocirun/cmd/ocirun/internal/openmetrics"
	"github.com/ocirun/ocirun/libcontainer"
)

// metrics collects the families in the order of their first use.
type metrics struct {
	families []*om.Family
	byName   map[string]*om.Family
}

const (
	unitSeconds = "seconds"
	unitBytes   = "bytes"
	unitRatio   = "ratio"
	perSecond   = 1e9 // nanoseconds
	perMicro    = 1e6 // microseconds
)

// family finds or makes one. Its name gets the unit at its end.
func (m *metrics) family(kind om.Type, word, unit, help string) *om.Family {
	full := name + "_container_" + word
	if unit != "" {
		full += "_" + unit
	}
	f := m.byName[full]
	if f == nil {
		f = &om.Family{Name: full, Type: kind, Unit: unit, Help: help}
		m.byName[full], m.families = f, append(m.families, f)
	}
	return f
}

func (m *metrics) gauge(word, unit, help string) *om.Family {
	return m.family(om.Gauge, word, unit, help)
}

func (m *metrics) counter(word, unit, help string) *om.Family {
	return m.family(om.Counter, word, unit, help)
}

// metricsText gives the exposition of a look.
func metricsText(samples []sample) string {
	m := &metrics{byName: map[string]*om.Family{}}
	seen := map[string]bool{}
	for i := range samples {
		s := &samples[i]
		if seen[s.id] { // named twice
			continue
		}
		seen[s.id] = true
		m.status(s)
		if s.stats != nil {
			id := om.Label{Name: "id", Value: s.id}
			m.cpu(&s.stats.CPU, id)
			m.memory(&s.stats.Memory, id)
			m.pids(&s.stats.Pids, id)
			m.io(&s.stats.BlockIO, id)
			m.pressure(s.stats, id)
			m.hugetlb(s.stats.Hugetlb, id)
			m.network(s.stats.Networks, id)
			m.rest(s.stats, id)
		}
	}
	return om.Text(m.families)
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// status says of each container what it is doing, and whether it could be read.
func (m *metrics) status(s *sample) {
	id := om.Label{Name: "id", Value: s.id}
	m.gauge("readable", "", "Whether the container could be read (1) or not (0).").Add(truth(s.err == nil), id)
	if s.status == "" {
		return
	}
	f := m.family(om.StateSet, "status", "", "What the container is doing.")
	for _, status := range []libcontainer.Status{
		libcontainer.Creating, libcontainer.Created, libcontainer.Running, libcontainer.Paused, libcontainer.Stopped,
	} {
		f.Add(truth(s.status == status), id, om.Label{Name: f.Name, Value: string(status)})
	}
}

func (m *metrics) cpu(c *cgroups.CPUStats, id om.Label) {
	m.counter("cpu_usage", unitSeconds, "Processor time.").Add(float64(c.Usage.Total)/perSecond, id)
	m.counter("cpu_user", unitSeconds, "Processor time in user mode.").Add(float64(c.Usage.User)/perSecond, id)
	m.counter("cpu_system", unitSeconds, "Processor time in the kernel.").Add(float64(c.Usage.Kernel)/perSecond, id)
	m.counter("cpu_periods", "", "Periods of the quota that have passed.").Add(float64(c.Throttling.Periods), id)
	m.counter("cpu_throttled_periods", "", "Periods in which the quota was used up.").Add(float64(c.Throttling.ThrottledPeriods), id)
	m.counter("cpu_throttled", unitSeconds, "Time that processes had to wait for the next period.").Add(float64(c.Throttling.ThrottledTime)/perSecond, id)
}

func (m *metrics) memory(c *cgroups.MemoryStats, id om.Label) {
	if c.Raw == nil { // the machine does not count memory
		return
	}
	m.gauge("memory_usage", unitBytes, "Memory in use, the page cache included.").Add(float64(c.Usage.Usage), id)
	if c.Usage.Max > 0 {
		m.gauge("memory_peak", unitBytes, "The most memory that was in use at a time.").Add(float64(c.Usage.Max), id)
	}
	if limit, ok := limitOf(c.Usage.Limit); ok {
		m.gauge("memory_limit", unitBytes, "The limit of memory, if there is one.").Add(float64(limit), id)
	}
	m.gauge("memory_cache", unitBytes, "Memory in use as page cache.").Add(float64(c.Cache), id)
	m.gauge("memory_and_swap_usage", unitBytes, "Memory and swap in use together.").Add(float64(c.Swap.Usage), id)
	if limit, ok := limitOf(c.Swap.Limit); ok {
		m.gauge("memory_and_swap_limit", unitBytes, "The limit of memory and swap together, if there is one.").Add(float64(limit), id)
	}
	m.counter("memory_limit_hits", "", "How often the limit of memory was hit.").Add(float64(c.Usage.Failcnt), id)
	m.counter("memory_oom_kills", "", "Processes that the kernel ended for want of memory.").Add(float64(c.OOMKills), id)
}

func (m *metrics) pids(c *cgroups.PidsStats, id om.Label) {
	m.gauge("pids", "", "Tasks there are.").Add(float64(c.Current), id)
	if c.Peak > 0 {
		m.gauge("pids_peak", "", "The most tasks that there were at a time.").Add(float64(c.Peak), id)
	}
	if c.Limit > 0 {
		m.gauge("pids_limit", "", "The limit of tasks, if there is one.").Add(float64(c.Limit), id)
	}
}

// io adds up the entries of a device: a kernel may list one operation twice.
func (m *metrics) io(c *cgroups.BlockIOStats, id om.Label) {
	for _, operation := range []struct{ op, bytes, times string }{
		{"Read", "io_read", "io_reads"}, {"Write", "io_write", "io_writes"}, {"Discard", "io_discard", "io_discards"},
	} {
		for device, sum := range byDevice(c.ServiceBytes, operation.op) {
			m.counter(operation.bytes, unitBytes, operation.op+" operations on block devices, in bytes.").Add(float64(sum), id, device)
		}
		for device, sum := range byDevice(c.Serviced, operation.op) {
			m.counter(operation.times, "", operation.op+" operations on block devices.").Add(float64(sum), id, device)
		}
	}
}

func byDevice(list []cgroups.BlockIOEntry, operation string) func(yield func(om.Label, uint64) bool) {
	sums := map[string]uint64{}
	for _, e := range list {
		if e.Op == operation {
			sums[strconv.FormatUint(e.Major, 10)+":"+strconv.FormatUint(e.Minor, 10)] += e.Value
		}
	}
	return func(yield func(om.Label, uint64) bool) {
		for _, device := range slices.Sorted(maps.Keys(sums)) {
			if !yield(om.Label{Name: "device", Value: device}, sums[device]) {
				return
			}
		}
	}
}

func (m *metrics) pressure(s *libcontainer.Stats, id om.Label) {
	for _, r := range []struct {
		name string
		psi  *cgroups.PSI
	}{{"cpu", s.CPU.PSI}, {"memory", s.Memory.PSI}, {"io", s.BlockIO.PSI}} {
		if r.psi == nil {
			continue
		}
		for _, k := range []struct {
			kind string
			data cgroups.PSIData
		}{{"some", r.psi.Some}, {"full", r.psi.Full}} {
			labels := []om.Label{id, {Name: "resource", Value: r.name}, {Name: "kind", Value: k.kind}}
			m.counter("pressure", unitSeconds, "Time in which some or all processes waited for a resource.").Add(float64(k.data.Total)/perMicro, labels...)
			f := m.gauge("pressure", unitRatio, "The part of a window of time in which some or all processes waited for a resource.")
			for _, w := range []struct {
				window  string
				percent float64
			}{{"10s", k.data.Avg10}, {"60s", k.data.Avg60}, {"300s", k.data.Avg300}} {
				f.Add(w.percent/100, append(slices.Clone(labels), om.Label{Name: "window", Value: w.window})...)
			}
		}
	}
}

func (m *metrics) hugetlb(c map[string]cgroups.HugetlbStats, id om.Label) {
	for _, size := range slices.Sorted(maps.Keys(c)) {
		l := om.Label{Name: "page_size", Value: size}
		m.gauge("hugetlb_usage", unitBytes, "Huge pages in use.").Add(float64(c[size].Usage), id, l)
		if c[size].Max > 0 {
			m.gauge("hugetlb_peak", unitBytes, "The most of huge pages that was in use at a time.").Add(float64(c[size].Max), id, l)
		}
		m.counter("hugetlb_limit_hits", "", "How often the limit of huge pages was hit.").Add(float64(c[size].Failcnt), id, l)
	}
}

func (m *metrics) network(list []libcontainer.NetworkInterface, id om.Label) {
	for i := range list {
		n := &list[i]
		l := om.Label{Name: "interface", Value: n.Name}
		m.counter("network_receive", unitBytes, "Bytes received.").Add(float64(n.RxBytes), id, l)
		m.counter("network_receive_packets", "", "Packets received.").Add(float64(n.RxPackets), id, l)
		m.counter("network_receive_errors", "", "Errors in receiving.").Add(float64(n.RxErrors), id, l)
		m.counter("network_receive_dropped", "", "Received packets that were dropped.").Add(float64(n.RxDropped), id, l)
		m.counter("network_transmit", unitBytes, "Bytes sent.").Add(float64(n.TxBytes), id, l)
		m.counter("network_transmit_packets", "", "Packets sent.").Add(float64(n.TxPackets), id, l)
		m.counter("network_transmit_errors", "", "Errors in sending.").Add(float64(n.TxErrors), id, l)
		m.counter("network_transmit_dropped", "", "Packets to send that were dropped.").Add(float64(n.TxDropped), id, l)
	}
}

// rest is what few machines have: RDMA devices, other countable resources, and resource
// control.
func (m *metrics) rest(s *libcontainer.Stats, id om.Label) {
	for _, r := range s.Rdma {
		l := om.Label{Name: "device", Value: r.Device}
		m.gauge("rdma_handles", "", "Handles of an RDMA device.").Add(float64(r.Handles), id, l)
		m.gauge("rdma_objects", "", "Objects of an RDMA device.").Add(float64(r.Objects), id, l)
	}
	for _, resource := range slices.Sorted(maps.Keys(s.Misc)) {
		l := om.Label{Name: "resource", Value: resource}
		m.gauge("misc_usage", "", "What is in use of a resource of the controller misc.").Add(float64(s.Misc[resource].Usage), id, l)
		m.counter("misc_limit_hits", "", "How often the limit of a resource of the controller misc was hit.").Add(float64(s.Misc[resource].Events), id, l)
	}
	for i, c := range s.Resctrl.Occupancy {
		m.gauge("cache_occupancy", unitBytes, "The use of a last-level cache.").Add(float64(c.Bytes), id, om.Label{Name: "cache", Value: strconv.Itoa(i)})
	}
	for i, c := range s.Resctrl.Traffic {
		l := om.Label{Name: "cache", Value: strconv.Itoa(i)}
		m.counter("memory_traffic", unitBytes, "Bytes between a cache and memory.").Add(float64(c.Total), id, l)
		m.counter("memory_local_traffic", unitBytes, "Bytes between a cache and memory of the same node.").Add(float64(c.Local), id, l)
	}
}
