package systemd

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ocirun/ocirun/cgroups"
	"github.com/ocirun/ocirun/cgroups/internal/dbus"
)

// unified gives the properties of those files of the cgroup that systemd knows; the others are only written.
func (c *converter) unified(files map[string]string) error {
	if c.v1 {
		return nil
	}
	keys := make([]string, 0, len(files))
	for key := range files {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		if err := c.file(key, strings.TrimSpace(files[key])); err != nil {
			return &cgroups.FieldError{Pointer: "/unified/" + key, Err: fmt.Errorf("unified resource %q: %w", key, err)}
		}
	}
	return nil
}

// memoryFiles have a property that takes the same number.
var memoryFiles = [...]struct{ file, property string }{
	{"memory.high", "MemoryHigh"},
	{"memory.low", "MemoryLow"},
	{"memory.min", "MemoryMin"},
	{"memory.max", "MemoryMax"},
	{"memory.swap.max", "MemorySwapMax"},
	{"memory.zswap.max", "MemoryZSwapMax"},
	{"pids.max", "TasksMax"},
}

func (c *converter) file(key, text string) error {
	for _, m := range memoryFiles {
		if m.file != key {
			continue
		}
		if key == "memory.zswap.max" && c.version < sinceZswap {
			return nil
		}
		n, err := maximum(text)
		if err == nil {
			c.add(number(m.property, n))
		}
		return err
	}
	switch key {
	case "cpu.idle":
		if text == "1" && c.version >= sinceIdle {
			c.add(number("CPUWeight", 0))
		}
	case "cpu.weight":
		return c.weight("CPUWeight", text)
	case "io.weight":
		fields := strings.Fields(text)
		if len(fields) == 2 && fields[0] == "default" {
			return c.weight("IOWeight", fields[1])
		}
		if len(fields) == 1 {
			return c.weight("IOWeight", text)
		}
	case "cpu.max":
		return c.cpuMax(text)
	case "cpuset.cpus":
		return c.set("AllowedCPUs", "/unified/"+key, text)
	case "cpuset.mems":
		return c.set("AllowedMemoryNodes", "/unified/"+key, text)
	case "io.max":
		return c.ioMax(text)
	case "memory.oom.group":
		c.oomPolicy(text)
	}
	return nil
}

func maximum(text string) (uint64, error) {
	if text == "max" {
		return math.MaxUint64, nil
	}
	return strconv.ParseUint(text, 10, 64)
}

func (c *converter) weight(name, text string) error {
	n, err := strconv.ParseUint(text, 10, 64)
	if err == nil {
		c.add(number(name, n))
	}
	return err
}

// cpuMax reads "QUOTA" or "QUOTA PERIOD".
func (c *converter) cpuMax(text string) error {
	fields := strings.Fields(text)
	if len(fields) == 0 || len(fields) > 2 {
		return fmt.Errorf("%q is not a quota and a period", text)
	}
	quota := int64(-1)
	var period uint64
	var err error
	if fields[0] != "max" {
		if quota, err = strconv.ParseInt(fields[0], 10, 64); err != nil {
			return err
		}
	}
	if len(fields) == 2 {
		if period, err = strconv.ParseUint(fields[1], 10, 64); err != nil {
			return err
		}
	}
	c.bandwidth(quota, period)
	return nil
}

// ioMax reads a line such as "8:0 rbps=1048576 wiops=max".
func (c *converter) ioMax(text string) error {
	fields := strings.Fields(text)
	if len(fields) == 0 {
		return nil
	}
	for _, field := range fields[1:] {
		key, number, _ := strings.Cut(field, "=")
		name := ""
		switch key {
		case "rbps":
			name = "IOReadBandwidthMax"
		case "wbps":
			name = "IOWriteBandwidthMax"
		case "riops":
			name = "IOReadIOPSMax"
		case "wiops":
			name = "IOWriteIOPSMax"
		default:
			continue
		}
		rate, err := maximum(number)
		if err != nil {
			return err
		}
		c.devices(name, []any{[]any{"/dev/block/" + fields[0], rate}})
	}
	return nil
}

// oomPolicy: systemd writes memory.oom.group itself, as the unit's policy says.
func (c *converter) oomPolicy(value string) {
	if c.version < sinceOOMPolicy {
		return
	}
	switch value {
	case "0":
		c.add(text("OOMPolicy", "continue"))
	case "1":
		c.add(text("OOMPolicy", "kill"))
	}
}

func listProperty(name, sig string, list []any) Property {
	return Property{name, dbus.Variant{Sig: sig, Value: list}}
}

func bytesProperty(name string, data []byte) Property {
	return Property{name, dbus.Variant{Sig: "ay", Value: data}}
}
