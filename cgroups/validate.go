package cgroups

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Validate tells everything that is wrong with resources as far as it can be said without an effect. On v1 a resource
// whose controller has no hierarchy is an error; on v2 the kernel decides that later.
func Validate(r *specs.LinuxResources, h *Host) []*FieldError {
	if r == nil {
		return nil
	}
	v := validator{host: h}
	for i := range r.Devices {
		v.check("", deviceError(i, &r.Devices[i]))
	}
	v.memory(r.Memory)
	v.cpu(r.CPU)
	v.blockIO(r.BlockIO)
	v.others(r)
	v.unified(r.Unified)
	return v.errors
}

type validator struct {
	host   *Host
	errors []*FieldError
}

func (v *validator) add(pointer, format string, args ...any) {
	v.errors = append(v.errors, &FieldError{pointer, fmt.Errorf(format, args...)})
}

func (v *validator) check(pointer string, err error) {
	if f, ok := err.(*FieldError); ok { //nolint:errorlint // made here, never wrapped
		v.errors = append(v.errors, f)
	} else if err != nil {
		v.errors = append(v.errors, &FieldError{pointer, err})
	}
}

// needs reports a controller that pure v1 does not have.
func (v *validator) needs(pointer, controller string) {
	if v.host.Mode == ModeV1 && v.host.Controller(controller) == "" {
		v.add(pointer, "controller %q is not available: no cgroup v1 hierarchy has it below %s (enable it in the kernel and mount it)",
			controller, v.host.Root)
	}
}

func deviceError(i int, r *specs.LinuxDeviceCgroup) error {
	_, err := parseDeviceAt(i, r)
	return err
}

func (v *validator) memory(m *specs.LinuxMemory) {
	if m == nil {
		return
	}
	for _, n := range []struct {
		pointer string
		value   *int64
	}{{"/memory/limit", m.Limit}, {"/memory/reservation", m.Reservation}, {"/memory/swap", m.Swap}} {
		if value(n.value) < -1 {
			v.add(n.pointer, "invalid memory value: %d (-1 means unlimited)", *n.value)
		}
		if value(n.value) != 0 {
			v.needs(n.pointer, "memory")
		}
	}
	if m.Swappiness != nil && *m.Swappiness > 100 {
		v.add("/memory/swappiness", "invalid memory swappiness value: %d (valid range is 0-100)", *m.Swappiness)
	}
	if swap, memory := value(m.Swap), value(m.Limit); swap >= -1 && memory >= -1 {
		_, err := SwapMax(swap, memory)
		v.check("/memory/swap", err)
	}
}

func (v *validator) cpu(c *specs.LinuxCPU) {
	if c == nil {
		return
	}
	for _, n := range []struct {
		pointer string
		set     bool
	}{
		{"/cpu/shares", value(c.Shares) != 0},
		{"/cpu/quota", value(c.Quota) != 0},
		{"/cpu/period", value(c.Period) != 0},
	} {
		if n.set {
			v.needs(n.pointer, "cpu")
		}
	}
	if p := value(c.Period); p != 0 && (p < 1000 || p > 1000000) {
		v.add("/cpu/period", "invalid cpu period %d: it must be between 1000 and 1000000 microseconds", p)
	}
	if q := value(c.Quota); q < -1 || q > 0 && q < 1000 {
		v.add("/cpu/quota", "invalid cpu quota %d: it must be at least 1000 microseconds, or -1 for unlimited", q)
	}
	if q := value(c.Quota); q > 0 && value(c.Burst) > uint64(q) {
		v.add("/cpu/burst", "invalid cpu burst %d: it is greater than the quota %d", *c.Burst, q)
	}
	if i := value(c.Idle); i != 0 && i != 1 {
		v.add("/cpu/idle", "invalid cpu idle value %d: it must be 0 or 1", i)
	}
	for _, n := range [...]struct{ pointer, value string }{{"/cpu/cpus", c.Cpus}, {"/cpu/mems", c.Mems}} {
		if n.value != "" {
			v.needs(n.pointer, "cpuset")
			v.check(n.pointer, checkList(n.value))
		}
	}
}

// checkList checks a list such as "0-3,7" (cpuset(7), list format).
func checkList(list string) error {
	for part := range strings.SplitSeq(list, ",") {
		part = strings.TrimSpace(part)
		part, stride, strided := strings.Cut(part, ":") // a-b:used/group
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		a, err1 := strconv.ParseUint(from, 10, 16)
		b, err2 := strconv.ParseUint(to, 10, 16)
		if err1 != nil || err2 != nil || a > b || strided && !strings.Contains(stride, "/") {
			return fmt.Errorf("invalid list %q: %q is not a number or a range of numbers", list, part)
		}
	}
	return nil
}

func (v *validator) blockIO(b *specs.LinuxBlockIO) {
	if b == nil {
		return
	}
	weight := func(pointer string, w *uint16) {
		if n := value(w); n != 0 && (n < 10 || n > 1000) {
			v.add(pointer, "invalid weight %d: it must be between 10 and 1000", n)
		} else if n != 0 {
			v.needs(pointer, "blkio")
		}
	}
	weight("/blockIO/weight", b.Weight)
	weight("/blockIO/leafWeight", b.LeafWeight)
	for i := range b.WeightDevice {
		d, pointer := &b.WeightDevice[i], "/blockIO/weightDevice/"+strconv.Itoa(i)
		weight(pointer+"/weight", d.Weight)
		weight(pointer+"/leafWeight", d.LeafWeight)
		if d.Weight == nil && d.LeafWeight == nil {
			v.add(pointer, "weight or leafWeight must be given for device %d:%d", d.Major, d.Minor)
		}
		v.number(pointer, d.Major, d.Minor)
	}
	for _, t := range throttles(b) {
		for i := range t.devices {
			pointer := "/blockIO/" + t.field + "/" + strconv.Itoa(i)
			v.needs(pointer, "blkio")
			v.number(pointer, t.devices[i].Major, t.devices[i].Minor)
		}
	}
}

func (v *validator) number(pointer string, major, minor int64) {
	if major < 0 || minor < 0 {
		v.add(pointer, "invalid device number %d:%d", major, minor)
	}
}

func (v *validator) others(r *specs.LinuxResources) {
	if r.Pids != nil && r.Pids.Limit != nil {
		v.needs("/pids/limit", "pids")
	}
	for i, h := range r.HugepageLimits {
		pointer := "/hugepageLimits/" + strconv.Itoa(i)
		digits := strings.TrimRight(h.Pagesize, "KMGB")
		unit := h.Pagesize[len(digits):]
		if _, err := strconv.ParseUint(digits, 10, 32); err != nil || unit != "KB" && unit != "MB" && unit != "GB" {
			v.add(pointer+"/pageSize", "invalid huge page size %q: it must be a number followed by KB, MB or GB", h.Pagesize)
		}
		v.needs(pointer, "hugetlb")
	}
	for _, name := range sortedKeys(r.Rdma) {
		pointer, e := "/rdma/"+escape(name), r.Rdma[name]
		if e.HcaHandles == nil && e.HcaObjects == nil {
			v.add(pointer, "hcaHandles or hcaObjects must be given for %q", name)
		}
		if name == "" || strings.ContainsAny(name, " \n\x00") {
			v.add(pointer, "invalid RDMA device name %q", name)
		}
		v.needs(pointer, "rdma")
	}
	if n := r.Network; n != nil {
		if value(n.ClassID) != 0 {
			v.needs("/network/classID", "net_cls")
		}
		for i, p := range n.Priorities {
			pointer := "/network/priorities/" + strconv.Itoa(i)
			if p.Name == "" || strings.ContainsAny(p.Name, " \n\x00/") {
				v.add(pointer+"/name", "invalid network interface name %q", p.Name)
			}
			v.needs(pointer, "net_prio")
		}
	}
}

func (v *validator) unified(u map[string]string) {
	if len(u) > 0 && v.host.Mode != ModeV2 {
		v.add("/unified", "invalid configuration: cannot use unified on cgroup v1")
		return
	}
	for _, key := range sortedKeys(u) {
		switch {
		case strings.Contains(key, "/"):
			v.add("/unified/"+escape(key), "unified resource %q must be a file name (no slashes)", key)
		case !strings.Contains(key, ".") || strings.HasPrefix(key, ".") || strings.ContainsRune(key, 0):
			v.add("/unified/"+escape(key), "unified resource %q must be in the form CONTROLLER.PARAMETER", key)
		}
	}
}

// escape escapes a key for a JSON pointer (RFC 6901).
func escape(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}

// value gives what an optional field holds, or zero.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func sortedKeys[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
