package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
	"github.com/ocirun/ocirun/libcontainer"
	"github.com/ocirun/ocirun/specconv"
)

func updateCommand(a *app) *cli.Command {
	var f updateFlags
	return &cli.Command{
		Name: "update", Args: "<container-id>", Min: 1, Max: 1, Completes: cli.Containers,
		Summary: "change the resource limits of a container",
		Doc: `
Limits that are not given stay as they are; if one is refused, all do. With
--resources they come from a file, or from standard input if that is "-": the
object "resources" of a configuration. The other options are ignored then, but
the two schemata. Device rules in it change nothing without --devices.

    ocirun update --memory 512m --pids-limit 100 web
    echo '{"cpu": {"quota": 50000, "period": 100000}}' | ocirun update --resources - web

Sizes are in bytes, or with the suffix k, m, g, t or p for powers of 1024; -1
means no limit. The schemata are lines for the class of service that the
container was made with, such as "L3:0=f" and "MB:0=50".
`,
		Flags: f.flags(),
		Run: func(args []string) error {
			c, err := a.load(args[0])
			if err != nil {
				return err
			}
			o, err := f.options(a)
			if err != nil {
				return err
			}
			return c.Update(o)
		},
	}
}

// updateFlags are the texts of the options; what is nil was not given.
type updateFlags struct {
	resources *string

	blkioWeight, cpuPeriod, cpuQuota, cpuBurst, cpuShare, cpuRTPeriod, cpuRTRuntime *string
	cpus, mems, cpuIdle                                                             *string
	memory, memoryReservation, memorySwap                                           *string
	kernelMemory, kernelMemoryTCP                                                   *string
	l3Cache, memBandwidth                                                           *string
	pids                                                                            *string
	devices                                                                         bool
}

func (f *updateFlags) flags() []cli.Flag {
	flag := func(name, arg, help string, p **string) cli.Flag {
		return cli.Flag{Name: name, Arg: arg, Help: help, Into: cli.Maybe(p)}
	}
	flags := []cli.Flag{
		{
			Name: "resources", Short: "r", Arg: "FILE", Values: cli.Values{Files: true}, Into: cli.Maybe(&f.resources),
			Help: `take the limits from a file, or from standard input if it is "-"`,
		},
		flag("blkio-weight", "N", "the weight of block IO, from 10 to 1000", &f.blkioWeight),
		flag("cpu-period", "US", "the period of the CPU quota in microseconds", &f.cpuPeriod),
		flag("cpu-quota", "US", "how long the container may run in a period, in microseconds", &f.cpuQuota),
		flag("cpu-burst", "US", "how much unused quota may be saved up, in microseconds", &f.cpuBurst),
		flag("cpu-share", "N", "the weight of the container when CPUs are short", &f.cpuShare),
		flag("cpu-rt-period", "US", "the period of the realtime budget in microseconds", &f.cpuRTPeriod),
		flag("cpu-rt-runtime", "US", "the realtime budget of a period in microseconds", &f.cpuRTRuntime),
		flag("cpuset-cpus", "LIST", "the CPUs that may be used, such as 0-3,7", &f.cpus),
		flag("cpuset-mems", "LIST", "the memory nodes that may be used", &f.mems),
		flag("cpu-idle", "0|1", "run the container only when nobody else wants to (1)", &f.cpuIdle),
		flag("memory", "SIZE", "the limit of memory", &f.memory),
		flag("memory-reservation", "SIZE", "what the container keeps when memory is short", &f.memoryReservation),
		flag("memory-swap", "SIZE", "the limit of memory and swap together", &f.memorySwap),
		flag("pids-limit", "N", "how many tasks there may be; -1 for no limit", &f.pids),
		{
			Name: "devices", Into: cli.Bool(&f.devices),
			Help: "also replace the device rules that hold, by those of --resources",
		},
		flag("l3-cache-schema", "SCHEMA", "the schema of Intel RDT/CAT", &f.l3Cache),
		flag("mem-bw-schema", "SCHEMA", "the schema of Intel RDT/MBA", &f.memBandwidth),
		flag("kernel-memory", "SIZE", "ignored", &f.kernelMemory),
		flag("kernel-memory-tcp", "SIZE", "ignored", &f.kernelMemoryTCP),
	}
	for i := len(flags) - 2; i < len(flags); i++ {
		flags[i].Hidden = true
	}
	return flags
}

// options says what changes.
func (f *updateFlags) options(a *app) (o libcontainer.UpdateOptions, err error) {
	if f.devices && f.resources == nil {
		return o, errors.New("--devices is about the rules in --resources, which is not given")
	}
	if o.Resources, err = f.limits(a); err != nil {
		return o, err
	}
	o.Devices = f.devices
	if f.l3Cache != nil {
		o.L3CacheSchema = *f.l3Cache
	}
	if f.memBandwidth != nil {
		o.MemBwSchema = *f.memBandwidth
	}
	return o, nil
}

// limits makes resources of the options.
func (f *updateFlags) limits(a *app) (*specs.LinuxResources, error) {
	if f.resources != nil {
		return a.readResources(*f.resources)
	}
	if f.kernelMemory != nil || f.kernelMemoryTCP != nil {
		a.log.warn("the kernel has no limit of kernel memory any more: --kernel-memory and --kernel-memory-tcp are ignored")
	}
	r := &specs.LinuxResources{}
	p := limitParser{}
	f.cpu(&p, r)
	f.memoryAndPids(&p, r)
	if w := p.unsigned("blkio-weight", f.blkioWeight); w != nil {
		weight := uint16(min(*w, 1<<16-1))
		r.BlockIO = &specs.LinuxBlockIO{Weight: &weight}
	}
	return r, p.err
}

func (f *updateFlags) cpu(p *limitParser, r *specs.LinuxResources) {
	cpu := specs.LinuxCPU{
		Period: p.unsigned("cpu-period", f.cpuPeriod), Quota: p.integer("cpu-quota", f.cpuQuota), Burst: p.unsigned("cpu-burst", f.cpuBurst),
		Shares: p.unsigned("cpu-share", f.cpuShare), RealtimePeriod: p.unsigned("cpu-rt-period", f.cpuRTPeriod),
		RealtimeRuntime: p.integer("cpu-rt-runtime", f.cpuRTRuntime), Idle: p.integer("cpu-idle", f.cpuIdle),
	}
	if f.cpus != nil {
		cpu.Cpus = *f.cpus
	}
	if f.mems != nil {
		cpu.Mems = *f.mems
	}
	r.CPU = &cpu
}

func (f *updateFlags) memoryAndPids(p *limitParser, r *specs.LinuxResources) {
	r.Memory = &specs.LinuxMemory{
		Limit: p.size("memory", f.memory), Reservation: p.size("memory-reservation", f.memoryReservation), Swap: p.size("memory-swap", f.memorySwap),
	}
	if n := p.integer("pids-limit", f.pids); n != nil {
		r.Pids = &specs.LinuxPids{Limit: n}
	}
}

// readResources reads the object "resources" of a configuration.
func (a *app) readResources(name string) (*specs.LinuxResources, error) {
	const limit = 16 << 20
	in := a.in
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	raw, err := io.ReadAll(io.LimitReader(in, limit))
	if err != nil {
		return nil, fmt.Errorf("read resources: %w", err)
	}
	if name == "-" {
		name = "standard input"
	}
	return specconv.DecodeResources(name, raw)
}

// limitParser reads the values of options. The first error stays.
type limitParser struct{ err error }

func (p *limitParser) fail(option string, err error) {
	if p.err == nil {
		p.err = fmt.Errorf("invalid value for %s: %w", option, err)
	}
}

func (p *limitParser) integer(option string, text *string) *int64 {
	if text == nil || *text == "" {
		return nil
	}
	n, err := strconv.ParseInt(*text, 10, 64)
	if err != nil {
		p.fail(option, err)
		return nil
	}
	return &n
}

func (p *limitParser) unsigned(option string, text *string) *uint64 {
	if text == nil || *text == "" {
		return nil
	}
	n, err := strconv.ParseUint(*text, 10, 64)
	if err != nil {
		p.fail(option, err)
		return nil
	}
	return &n
}

func (p *limitParser) size(option string, text *string) *int64 {
	if text == nil || *text == "" {
		return nil
	}
	n, err := parseSize(*text)
	if err != nil {
		p.fail(option, err)
		return nil
	}
	return &n
}
