package systemd

import (
	"errors"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/cgroups"
)

func join(list []Property) string {
	parts := make([]string, len(list))
	for i, p := range list {
		parts[i] = p.String()
	}
	return strings.Join(parts, " ")
}

func TestAnnotations(t *testing.T) {
	list, err := annotated(map[string]string{
		"other": "x", "org.systemd.property": "x",
		"org.systemd.property.TimeoutStopUSec": "uint64 5",
		"org.systemd.property.CollectMode":     "'inactive'",
		"org.systemd.property.RuntimeMaxSec":   "2.5",
		"org.systemd.property.ABCSec":          "uint32 3",
		"org.systemd.property.After":           "['x.service', 'y.target']",
	})
	const want = "ABCUSec=3000000 After=[x.service y.target] CollectMode=inactive RuntimeMaxUSec=2500000 TimeoutStopUSec=5"
	if err != nil || join(list) != want {
		t.Errorf("%s, %v, want %s", join(list), err, want)
	}
}

func TestAnnotationsRefuse(t *testing.T) {
	for name, want := range map[string]string{
		"ab=1":                           "name incorrect: too short",
		"=1":                             "name incorrect: too short",
		"Abc1=1":                         "name incorrect: contains non-alphabetic character",
		"A.b.c=1":                        "name incorrect: contains non-alphabetic character",
		"Abc=":                           "value parse error: a value is missing",
		"Abc=x":                          `value parse error: unexpected "x"`,
		"AbcSec='1'":                     "is not a number of seconds",
		"AbcSec=-1":                      "out of range",
		"AbcSec=uint64 18446744073709":   "",
		"AbcSec=uint64 18446744073710":   "out of range",
		"AbcSec=1e300":                   "out of range",
		"AbcSec=int64 9223372036854":     "",
		"AbcSec=int64 9223372036855":     "out of range",
		"TimeoutUSec=uint64 99999999999": "",
	} {
		key, value, _ := strings.Cut(name, "=")
		_, err := annotated(map[string]string{annotationPrefix + key: value})
		var a *AnnotationError
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case want == "":
		case !errors.As(err, &a) || a.Annotation != annotationPrefix+key || !strings.Contains(err.Error(), want):
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

func p[T any](v T) *T { return &v }

func TestLimits(t *testing.T) {
	device := specs.LinuxThrottleDevice{Rate: 1000}
	device.Major, device.Minor = 8, 16
	weight := specs.LinuxWeightDevice{Weight: p(uint16(1000))}
	weight.Major = 8
	for _, c := range []struct {
		name    string
		r       specs.LinuxResources
		v2, v1  string
		version int
	}{
		{name: "nothing"},
		{
			name: "memory",
			r:    specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: p(int64(100)), Reservation: p(int64(50)), Swap: p(int64(150))}},
			v2:   "MemoryMax=100 MemoryLow=50 MemorySwapMax=50", v1: "MemoryLimit=100",
		},
		{
			name: "no swap",
			r:    specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: p(int64(100)), Swap: p(int64(100))}},
			v2:   "MemoryMax=100 MemorySwapMax=0", v1: "MemoryLimit=100",
		},
		{
			name: "unlimited",
			r:    specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: p(int64(-1))}, Pids: &specs.LinuxPids{Limit: p(int64(-1))}},
			v2:   "MemoryMax=infinity MemorySwapMax=infinity TasksMax=infinity", v1: "MemoryLimit=infinity TasksMax=infinity",
		},
		{
			name: "cpu",
			r:    specs.LinuxResources{CPU: &specs.LinuxCPU{Shares: p(uint64(1024)), Quota: p(int64(150000)), Period: p(uint64(100000)), Cpus: "0-2,9", Mems: "0"}},
			v2:   "CPUWeight=100 CPUQuotaPeriodUSec=100000 CPUQuotaPerSecUSec=1500000 AllowedCPUs=0x0702 AllowedMemoryNodes=0x01",
			v1:   "CPUShares=1024 CPUQuotaPeriodUSec=100000 CPUQuotaPerSecUSec=1500000 AllowedCPUs=0x0702 AllowedMemoryNodes=0x01",
		},
		{
			name: "an old systemd", version: 239,
			r:  specs.LinuxResources{CPU: &specs.LinuxCPU{Idle: p(int64(1)), Quota: p(int64(33333)), Period: p(uint64(100000)), Cpus: "0"}},
			v2: "CPUQuotaPerSecUSec=340000", v1: "CPUQuotaPerSecUSec=340000",
		},
		{
			name: "idle", r: specs.LinuxResources{CPU: &specs.LinuxCPU{Idle: p(int64(1)), Shares: p(uint64(2))}},
			v2: "CPUWeight=0", v1: "CPUShares=2",
		},
		{
			name: "no quota", r: specs.LinuxResources{CPU: &specs.LinuxCPU{Quota: p(int64(-1))}},
			v2: "CPUQuotaPerSecUSec=infinity", v1: "CPUQuotaPerSecUSec=infinity",
		},
		{name: "no pids", r: specs.LinuxResources{Pids: &specs.LinuxPids{Limit: p(int64(0))}}, v2: "TasksMax=1", v1: "TasksMax=1"},
		{
			name: "io",
			r: specs.LinuxResources{BlockIO: &specs.LinuxBlockIO{
				Weight: p(uint16(10)), WeightDevice: []specs.LinuxWeightDevice{weight},
				ThrottleReadBpsDevice: []specs.LinuxThrottleDevice{device}, ThrottleWriteIOPSDevice: []specs.LinuxThrottleDevice{device},
			}},
			v2: "IOWeight=1 IODeviceWeight=[[/dev/block/8:0 10000]] IOReadBandwidthMax=[[/dev/block/8:16 1000]] IOWriteIOPSMax=[[/dev/block/8:16 1000]]",
			v1: "BlockIOWeight=10 BlockIODeviceWeight=[[/dev/block/8:0 1000]] BlockIOReadBandwidth=[[/dev/block/8:16 1000]]",
		},
		{
			name: "unified",
			r: specs.LinuxResources{Unified: map[string]string{
				"cpu.max": "max 50000", "cpu.weight": "7", "memory.high": "max", "memory.oom.group": "1", "io.max": "8:0 rbps=5 wiops=max",
				"io.weight": "default 20", "pids.max": "9", "hugetlb.2MB.max": "1", "cpuset.cpus": "1", "memory.swap.max": "4",
			}},
			v2: "CPUQuotaPeriodUSec=50000 CPUQuotaPerSecUSec=infinity CPUWeight=7 AllowedCPUs=0x02 IOReadBandwidthMax=[[/dev/block/8:0 5]] " +
				"IOWriteIOPSMax=[[/dev/block/8:0 infinity]] IOWeight=20 MemoryHigh=infinity OOMPolicy=kill MemorySwapMax=4 TasksMax=9",
		},
	} {
		for _, v1 := range []bool{false, true} {
			conv := converter{v1: v1, version: 254}
			if c.version != 0 {
				conv.version = c.version
			}
			want := c.v2
			if v1 {
				want = c.v1
			}
			if err := conv.convert(&c.r); err != nil || join(conv.list) != want {
				t.Errorf("%s (v1 %v): %v\n got %s\nwant %s", c.name, v1, err, join(conv.list), want)
			}
		}
	}
}

func TestLimitsRefuse(t *testing.T) {
	for _, c := range []struct {
		pointer string
		r       specs.LinuxResources
	}{
		{"/memory/swap", specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: p(int64(100)), Swap: p(int64(50))}}},
		{"/cpu/cpus", specs.LinuxResources{CPU: &specs.LinuxCPU{Cpus: "x"}}},
		{"/cpu/mems", specs.LinuxResources{CPU: &specs.LinuxCPU{Mems: "0-99999999"}}},
		{"/unified/memory.max", specs.LinuxResources{Unified: map[string]string{"memory.max": "x"}}},
		{"/unified/cpu.max", specs.LinuxResources{Unified: map[string]string{"cpu.max": "1 2 3"}}},
		{"/unified/pids.max", specs.LinuxResources{Unified: map[string]string{"pids.max": "-1"}}},
		{"/unified/io.max", specs.LinuxResources{Unified: map[string]string{"io.max": "8:0 rbps=x"}}},
	} {
		var f *cgroups.FieldError
		if err := (&converter{version: 254}).convert(&c.r); !errors.As(err, &f) || f.Pointer != c.pointer {
			t.Errorf("%s: %v", c.pointer, err)
		}
	}
}

// TestHalfBandwidth: an update of one of quota and period keeps the other.
func TestHalfBandwidth(t *testing.T) {
	conv := converter{version: 254, quota: 20000, period: 50000}
	conv.bandwidth(0, 100000)
	conv.bandwidth(25000, 0)
	const want = "CPUQuotaPeriodUSec=100000 CPUQuotaPerSecUSec=200000 CPUQuotaPeriodUSec=50000 CPUQuotaPerSecUSec=500000"
	if join(conv.list) != want {
		t.Errorf("got %s, want %s", join(conv.list), want)
	}
}

func TestDeviceRules(t *testing.T) {
	rule := func(allow bool, kind string, major, minor *int64, access string) specs.LinuxDeviceCgroup {
		return specs.LinuxDeviceCgroup{Allow: allow, Type: kind, Major: major, Minor: minor, Access: access}
	}
	const defaults = "[char-* m] [block-* m] [/dev/char/1:3 rw] [/dev/char/1:5 rw] [/dev/char/1:7 rw] [/dev/char/1:8 rw] " +
		"[/dev/char/1:9 rw] [/dev/char/5:0 rw] [/dev/char/5:2 rw] [char-136 rw] [/dev/char/10:200 rw]"
	for _, c := range []struct {
		name  string
		rules []specs.LinuxDeviceCgroup
		want  string
	}{
		{"everything", []specs.LinuxDeviceCgroup{rule(true, "a", nil, nil, "rwm")}, "DevicePolicy=auto DeviceAllow=[]"},
		{
			"some",
			[]specs.LinuxDeviceCgroup{
				rule(false, "", nil, nil, "rwm"), rule(true, "b", p(int64(8)), p(int64(0)), "r"),
				rule(true, "b", nil, p(int64(1)), "r"), // no words for it
			},
			"DevicePolicy=strict DeviceAllow=[[/dev/block/8:0 r] " + strings.ReplaceAll(defaults, " rw]", " mrw]") + "]",
		},
	} {
		list, err := deviceRules(c.rules)
		if got := join(list); err != nil || got != c.want {
			t.Errorf("%s: %v\n got %s\nwant %s", c.name, err, got, c.want)
		}
	}
	if _, err := deviceRules([]specs.LinuxDeviceCgroup{rule(true, "x", nil, nil, "r")}); err == nil {
		t.Error("a rule of an unknown kind is taken")
	}
}
