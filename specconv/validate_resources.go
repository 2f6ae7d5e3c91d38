package specconv

import (
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

const (
	refAllowed = "config-linux.md#allowed-device-list"
	refMemory  = "config-linux.md#memory"
	refCPU     = "config-linux.md#cpu"
	refBlockIO = "config-linux.md#block-io"
)

// resources checks the form of the limits of a container.
func (v *validator) resources() {
	if r := v.linux.Resources; r != nil {
		v.problems = append(v.problems, ValidateResources(r, v.o.Host.CgroupMode)...)
	}
}

// ValidateResources checks the form of limits, for a version of cgroups as
// Host.CgroupMode has it. What depends on the controllers that are there is not
// looked at. Pointers begin with "/linux/resources".
func ValidateResources(r *specs.LinuxResources, mode string) []Problem {
	v := &validator{}
	v.deviceRules(r.Devices)
	v.memory(r.Memory, mode)
	v.cpu(r.CPU, mode)
	v.blockIO(r.BlockIO, mode)
	v.hugepages(r.HugepageLimits)
	for _, name := range sortedKeys(r.Rdma) {
		if limit := r.Rdma[name]; limit.HcaHandles == nil && limit.HcaObjects == nil {
			v.failf(member("/linux/resources/rdma", name), "config-linux.md#rdma",
				"rdma limit for %q needs hcaHandles or hcaObjects", name)
		}
	}
	if n := r.Network; n != nil && mode == cgroupV2 && (n.ClassID != nil && *n.ClassID != 0 || len(n.Priorities) > 0) {
		v.warnf("/linux/resources/network", "config-linux.md#network",
			"ignoring network limits: cgroup v2 has no controller for them")
	}
	v.unified(r.Unified, mode)
	return v.problems
}

func (v *validator) deviceRules(rules []specs.LinuxDeviceCgroup) {
	for i := range rules {
		r := &rules[i]
		switch r.Type {
		case "", "a", "b", "c":
		default:
			v.failf(element("/linux/resources/devices", i)+"/type", refAllowed, "invalid cgroup device type %q", r.Type)
		}
		switch {
		case r.Access == "":
			v.failf(element("/linux/resources/devices", i)+"/access", refAllowed,
				"device access at %d field cannot be empty", i)
		case strings.Trim(r.Access, "rwm") != "":
			v.failf(element("/linux/resources/devices", i)+"/access", refAllowed,
				"invalid device access %q: only r, w and m are known", r.Access)
		}
		// -1 stands for all, as the absent number does.
		for _, n := range [...]*int64{r.Major, r.Minor} {
			if n != nil && *n != -1 && !deviceNumber(*n) {
				v.failf(element("/linux/resources/devices", i), refAllowed, "invalid device number %d", *n)
			}
		}
	}
}

// set reads a limit of which 0 means none.
func set(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

func (v *validator) memory(m *specs.LinuxMemory, mode string) {
	if m == nil {
		return
	}
	limit, swap := set(m.Limit), set(m.Swap)
	for _, field := range [...]struct {
		name  string
		value int64
	}{{"limit", limit}, {"reservation", set(m.Reservation)}, {"swap", swap}} {
		if field.value < -1 {
			v.failf(plan.Cause("/linux/resources/memory/"+field.name), refMemory,
				"memory.%s %d: invalid argument: -1 stands for no limit", field.name, field.value)
		}
	}
	switch {
	case swap <= 0:
	case limit == 0:
		v.failf("/linux/resources/memory/swap", refMemory, "unable to set swap limit without memory limit")
	case swap < limit || limit == -1:
		v.failf("/linux/resources/memory/swap", refMemory, "memory+swap limit should be >= memory limit")
	}
	if m.Swappiness != nil && *m.Swappiness > 100 {
		v.failf("/linux/resources/memory/swappiness", refMemory,
			"invalid memory swappiness value: %d (valid range is 0-100)", *m.Swappiness)
	}
	//nolint:staticcheck // deprecated fields are warned of.
	if set(m.Kernel) != 0 || set(m.KernelTCP) != 0 {
		v.warnf("/linux/resources/memory/kernel", refMemory, "Kernel memory settings are ignored and will be removed")
	}
	if m.Swappiness != nil && mode == cgroupV2 {
		v.warnf("/linux/resources/memory/swappiness", refMemory, "ignoring swappiness: cgroup v2 has no such setting")
	}
	if m.DisableOOMKiller != nil && *m.DisableOOMKiller && mode == cgroupV2 {
		v.warnf("/linux/resources/memory/disableOOMKiller", refMemory,
			"ignoring disableOOMKiller: cgroup v2 has no such switch")
	}
}

// The bounds in microseconds that the kernel sets to the period of the CPU
// controller (sched-bwc.rst).
const (
	minPeriod = 1_000
	maxPeriod = 1_000_000
)

func (v *validator) cpu(c *specs.LinuxCPU, mode string) {
	if c == nil {
		return
	}
	if c.Period != nil && *c.Period != 0 && (*c.Period < minPeriod || *c.Period > maxPeriod) {
		v.failf("/linux/resources/cpu/period", refCPU, "cpu.period %d: invalid argument: the range is %d...%d",
			*c.Period, minPeriod, maxPeriod)
	}
	quota := set(c.Quota)
	if quota > 0 && quota < minPeriod {
		v.failf("/linux/resources/cpu/quota", refCPU, "cpu.quota %d: invalid argument: the least is %d", quota, minPeriod)
	}
	if c.Burst != nil && quota > 0 && *c.Burst > uint64(quota) {
		v.failf("/linux/resources/cpu/burst", refCPU, "cpu.burst %d is above the quota %d: invalid argument", *c.Burst, quota)
	}
	if c.Idle != nil && *c.Idle != 0 && *c.Idle != 1 {
		v.failf("/linux/resources/cpu/idle", refCPU, "cpu.idle %d: invalid argument: it is 0 or 1", *c.Idle)
	}
	if mode == cgroupV2 && (set(c.RealtimeRuntime) != 0 || c.RealtimePeriod != nil && *c.RealtimePeriod != 0) {
		v.warnf("/linux/resources/cpu/realtimeRuntime", refCPU,
			"ignoring realtimeRuntime and realtimePeriod: cgroup v2 has no such limits")
	}
	if !isNumberList(c.Cpus) {
		v.failf("/linux/resources/cpu/cpus", refCPU, "cpu.cpus %q is no list of numbers and ranges", c.Cpus)
	}
	if !isNumberList(c.Mems) {
		v.failf("/linux/resources/cpu/mems", refCPU, "cpu.mems %q is no list of numbers and ranges", c.Mems)
	}
}

// isNumberList checks the form of cpuset(7): "0-4,9", also "0-31:2/8".
func isNumberList(list string) bool {
	for part := range strings.SplitSeq(strings.TrimSpace(list), ",") {
		if strings.Trim(part, "0123456789-:/ ") != "" {
			return false
		}
		low, high, ranged := strings.Cut(part, "-")
		if ranged && (strings.Trim(low, "0123456789") != "" || low == "" || high == "" || high[0] == '-') {
			return false
		}
	}
	return true
}

func (v *validator) blockIO(b *specs.LinuxBlockIO, mode string) {
	if b == nil {
		return
	}
	leaf := func(w *uint16) bool { return w != nil && *w != 0 }
	if mode == cgroupV2 && (leaf(b.LeafWeight) || slices.ContainsFunc(b.WeightDevice, func(d specs.LinuxWeightDevice) bool { return leaf(d.LeafWeight) })) {
		v.warnf("/linux/resources/blockIO/leafWeight", refBlockIO, "ignoring leafWeight: cgroup v2 has no such setting")
	}
	v.weight("/linux/resources/blockIO/weight", b.Weight)
	v.weight("/linux/resources/blockIO/leafWeight", b.LeafWeight)
	for i := range b.WeightDevice {
		d := &b.WeightDevice[i]
		pointer := element("/linux/resources/blockIO/weightDevice", i)
		if d.Weight == nil && d.LeafWeight == nil {
			v.failf(pointer, refBlockIO, "weightDevice needs weight or leafWeight")
		}
		v.weight(pointer+"/weight", d.Weight)
		v.weight(pointer+"/leafWeight", d.LeafWeight)
		v.blockDevice(pointer, &d.LinuxBlockIODevice)
	}
	for _, list := range [...]struct {
		name    string
		devices []specs.LinuxThrottleDevice
	}{
		{"throttleReadBpsDevice", b.ThrottleReadBpsDevice},
		{"throttleWriteBpsDevice", b.ThrottleWriteBpsDevice},
		{"throttleReadIOPSDevice", b.ThrottleReadIOPSDevice},
		{"throttleWriteIOPSDevice", b.ThrottleWriteIOPSDevice},
	} {
		for i := range list.devices {
			v.blockDevice(element("/linux/resources/blockIO/"+list.name, i), &list.devices[i].LinuxBlockIODevice)
		}
	}
}

func (v *validator) blockDevice(where plan.Cause, d *specs.LinuxBlockIODevice) {
	if !deviceNumber(d.Major) || !deviceNumber(d.Minor) {
		v.failf(where, refBlockIO, "invalid device number %d:%d", d.Major, d.Minor)
	}
}

// weight checks a weight of the block IO controller; 0 means unset.
func (v *validator) weight(where plan.Cause, weight *uint16) {
	if weight != nil && *weight != 0 && (*weight < 10 || *weight > 1000) {
		v.failf(where, refBlockIO, "block IO weight %d: invalid argument: the range is 10...1000", *weight)
	}
}

func (v *validator) hugepages(list []specs.LinuxHugepageLimit) {
	for i := range list {
		size := list[i].Pagesize
		number := strings.TrimRight(size, "KMGB")
		unit := size[len(number):]
		if number == "" || number[0] == '0' || strings.Trim(number, "0123456789") != "" ||
			unit != "KB" && unit != "MB" && unit != "GB" {
			v.failf(element("/linux/resources/hugepageLimits", i)+"/pageSize", "config-linux.md#huge-page-limits",
				"invalid page size %q: it has the form of 64KB, 2MB or 1GB", size)
		}
	}
}

func (v *validator) unified(files map[string]string, mode string) {
	const ref = "config-linux.md#unified"
	if len(files) > 0 && (mode == cgroupV1 || mode == cgroupHybrid) {
		v.failf("/linux/resources/unified", ref, "invalid configuration: cannot use unified on cgroup v1")
	}
	for _, name := range sortedKeys(files) {
		switch {
		case strings.Contains(name, "/"):
			v.failf(member("/linux/resources/unified", name), ref,
				"unified resource %q must be a file name (no slashes)", name)
		case strings.IndexByte(name, '.') <= 0 || hasNUL(name) || name == "..":
			v.failf(member("/linux/resources/unified", name), ref,
				"unified resource %q must be in the form CONTROLLER.PARAMETER", name)
		case hasNUL(files[name]):
			v.fail(member("/linux/resources/unified", name), ref, errNUL)
		}
	}
}
