package systemd

import (
	"math"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/cgroups"
)

// converter turns resources into properties.
type converter struct {
	// v1: the controllers are those of version 1.
	v1 bool
	// version is systemd's. What it does not know yet is only written to the files.
	version int
	list    []Property
	// quota and period are what holds already, for an update of one of the two; 0: not known.
	quota  int64
	period uint64
}

// The versions of systemd that brought a property (org.freedesktop.systemd1(5), "History", and NEWS).
const (
	sinceQuotaPeriod = 242
	sinceCpuset      = 244
	sinceIdle        = 252
	sinceOOMPolicy   = 253 // for scopes
	sinceZswap       = 253
)

func (c *converter) add(p ...Property) { c.list = append(c.list, p...) }

// convert gives the properties of resources, but for devices.
func (c *converter) convert(r *specs.LinuxResources) error {
	if r == nil {
		return nil
	}
	if err := c.memory(r.Memory); err != nil {
		return err
	}
	if err := c.cpu(r.CPU); err != nil {
		return err
	}
	if r.BlockIO != nil {
		c.blockIO(r.BlockIO)
	}
	if r.Pids != nil && r.Pids.Limit != nil {
		c.tasks(*r.Pids.Limit)
	}
	return c.unified(r.Unified)
}

// tasks: systemd takes no limit of 0, the file does.
func (c *converter) tasks(n int64) {
	if n == 0 {
		n = 1
	}
	c.add(limit("TasksMax", n))
}

func (c *converter) memory(m *specs.LinuxMemory) error {
	if m == nil {
		return nil
	}
	if c.v1 {
		if n := value(m.Limit); n != 0 {
			c.add(limit("MemoryLimit", n))
		}
		return nil
	}
	if n := value(m.Limit); n != 0 {
		c.add(limit("MemoryMax", n))
	}
	if n := value(m.Reservation); n != 0 {
		c.add(limit("MemoryLow", n))
	}
	swap, err := cgroups.SwapMax(value(m.Swap), value(m.Limit))
	if err != nil {
		return &cgroups.FieldError{Pointer: "/memory/swap", Err: err}
	}
	if swap != 0 || value(m.Swap) > 0 {
		c.add(limit("MemorySwapMax", swap))
	}
	return nil
}

func (c *converter) cpu(cpu *specs.LinuxCPU) error {
	if cpu == nil {
		return nil
	}
	switch {
	case value(cpu.Idle) == 1 && !c.v1:
		if c.version >= sinceIdle {
			c.add(number("CPUWeight", 0)) // "idle"
		}
	case value(cpu.Shares) != 0 && c.v1:
		c.add(number("CPUShares", *cpu.Shares))
	case value(cpu.Shares) != 0:
		c.add(number("CPUWeight", cgroups.CPUWeight(*cpu.Shares)))
	}
	c.bandwidth(value(cpu.Quota), value(cpu.Period))
	if err := c.set("AllowedCPUs", "/cpu/cpus", cpu.Cpus); err != nil {
		return err
	}
	return c.set("AllowedMemoryNodes", "/cpu/mems", cpu.Mems)
}

// bandwidth sets how much time there is in a period, both in microseconds; 0 leaves either as it is.
func (c *converter) bandwidth(quota int64, period uint64) {
	const defaultPeriod, percent, second = 100000, 10000, 1000000
	if quota == 0 && period == 0 {
		return
	}
	if quota == 0 {
		quota = c.quota
	}
	if period == 0 {
		period = c.period
	}
	if period != 0 && c.version >= sinceQuotaPeriod {
		c.add(number("CPUQuotaPeriodUSec", period))
	}
	if period == 0 {
		period = defaultPeriod
	}
	if quota <= 0 || uint64(quota) > math.MaxUint64/second {
		c.add(number("CPUQuotaPerSecUSec", math.MaxUint64))
		return
	}
	// systemd keeps it in percent: rounded up, since the exact value in the file is the lower one.
	perSecond := uint64(quota) * second / period
	c.add(number("CPUQuotaPerSecUSec", (perSecond+percent-1)/percent*percent))
}

// set adds a set of CPUs or memory nodes.
func (c *converter) set(name, pointer, list string) error {
	if list == "" || c.version < sinceCpuset {
		return nil
	}
	bits, err := bitmask(list)
	if err != nil {
		return &cgroups.FieldError{Pointer: pointer, Err: err}
	}
	c.add(bytesProperty(name, bits))
	return nil
}

// blockIO sets weights and rates. Devices are given by their numbers, below /dev, where systemd finds those.
func (c *converter) blockIO(b *specs.LinuxBlockIO) {
	weight := func(n uint16) uint64 { return cgroups.IOWeight(n) }
	group, device := "IOWeight", "IODeviceWeight"
	if c.v1 {
		weight = func(n uint16) uint64 { return uint64(n) }
		group, device = "BlockIOWeight", "BlockIODeviceWeight"
	}
	if n := value(b.Weight); n != 0 {
		c.add(number(group, weight(n)))
	}
	var weights []any
	for _, d := range b.WeightDevice {
		if n := value(d.Weight); n != 0 {
			weights = append(weights, perDevice(d.Major, d.Minor, weight(n)))
		}
	}
	c.devices(device, weights)
	if c.v1 {
		c.devices("BlockIOReadBandwidth", rates(b.ThrottleReadBpsDevice))
		c.devices("BlockIOWriteBandwidth", rates(b.ThrottleWriteBpsDevice))
		return
	}
	c.devices("IOReadBandwidthMax", rates(b.ThrottleReadBpsDevice))
	c.devices("IOWriteBandwidthMax", rates(b.ThrottleWriteBpsDevice))
	c.devices("IOReadIOPSMax", rates(b.ThrottleReadIOPSDevice))
	c.devices("IOWriteIOPSMax", rates(b.ThrottleWriteIOPSDevice))
}

func (c *converter) devices(name string, list []any) {
	if len(list) > 0 {
		c.add(listProperty(name, "a(st)", list))
	}
}

func rates(devices []specs.LinuxThrottleDevice) []any {
	var list []any
	for _, d := range devices {
		rate := d.Rate
		if rate == 0 { // lifts the limit
			rate = math.MaxUint64
		}
		list = append(list, perDevice(d.Major, d.Minor, rate))
	}
	return list
}

func perDevice(major, minor int64, n uint64) any {
	return []any{"/dev/block/" + strconv.FormatInt(major, 10) + ":" + strconv.FormatInt(minor, 10), n}
}

// deviceRules gives the rules for devices, which systemd needs to know on v1, where it writes to the same file. On v2 each
// has a program of its own, and systemd has none as long as it knows no rules.
func deviceRules(rules []specs.LinuxDeviceCgroup) ([]Property, error) {
	allowed, all, err := cgroups.AllowedDevices(rules)
	if err != nil {
		return nil, err
	}
	if all {
		return []Property{text("DevicePolicy", "auto"), listProperty("DeviceAllow", "a(ss)", []any{})}, nil
	}
	list := make([]any, 0, len(allowed))
	for _, d := range allowed {
		name := "char"
		if d.Block {
			name = "block"
		}
		switch {
		case d.Major < 0 && d.Minor >= 0:
			continue // systemd has no words for it
		case d.Major < 0:
			name += "-*"
		case d.Minor < 0:
			name += "-" + strconv.FormatInt(d.Major, 10)
		default:
			name = "/dev/" + name + "/" + strconv.FormatInt(d.Major, 10) + ":" + strconv.FormatInt(d.Minor, 10)
		}
		list = append(list, []any{name, d.Access})
	}
	return []Property{text("DevicePolicy", "strict"), listProperty("DeviceAllow", "a(ss)", list)}, nil
}

// bitmask turns a list such as "0-3,7" into what AllowedCPUs is made of, the lowest number in the lowest bit.
func bitmask(list string) ([]byte, error) {
	const most = 1 << 16
	var bits []byte
	for part := range strings.SplitSeq(list, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		first, err := strconv.ParseUint(strings.TrimSpace(low), 10, 16)
		if err != nil {
			return nil, err
		}
		last, err := strconv.ParseUint(strings.TrimSpace(high), 10, 16)
		if err != nil {
			return nil, err
		}
		for n := first; n <= last && n < most; n++ {
			for uint64(len(bits)) <= n/8 {
				bits = append(bits, 0)
			}
			bits[n/8] |= 1 << (n % 8)
		}
	}
	return bits, nil
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
