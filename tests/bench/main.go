package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// options are the flags.
type options struct {
	ocirun, compare string
	add             []string
	rounds          int
	settle          time.Duration
	seed            uint64
	noDocker        bool
	noMemory        bool
	jsonFile        string
	assert          bool
}

func parseOptions(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.ocirun, "ocirun", "bin/ocirun", "the `binary` to measure; empty: measure only the others")
	flags.StringVar(&o.compare, "compare", "", "another static build of ocirun, measured beside the first (`binary`)")
	flags.Func("add", "another static runtime, `NAME=BINARY`; may be repeated", func(v string) error {
		name, path, ok := strings.Cut(v, "=")
		if !ok || name == "" || path == "" || strings.ContainsAny(name, "/ ") {
			return errors.New("want NAME=BINARY")
		}
		if slices.Contains(reservedNames, name) {
			return fmt.Errorf("the name %s is taken", name)
		}
		o.add = append(o.add, v)
		return nil
	})
	flags.IntVar(&o.rounds, "rounds", 60, "measured rounds; every runtime runs once a round")
	flags.DurationVar(&o.settle, "settle", 5*time.Millisecond, "pause before each run, in which the kernel ends what the run before left")
	flags.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "of the order within the rounds")
	flags.BoolVar(&o.noDocker, "no-docker", false, "leave the Docker-like bundle out")
	flags.BoolVar(&o.noMemory, "no-memory", false, "leave the smallest memory limit out")
	flags.StringVar(&o.jsonFile, "json", "", "also write everything to this `file`")
	flags.BoolVar(&o.assert, "assert", false, "fail unless ocirun keeps its promises")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if o.rounds < 1 {
		return o, errors.New("-rounds must be at least 1")
	}
	return o, nil
}

func main() {
	// The inner half dies with the thread that started it.
	runtime.LockOSThread()
	if len(os.Args) == 3 && os.Args[1] == stageFlag {
		if err := innerMain(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	o, err := parseOptions(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err = benchmark(ctx, o)
		stop()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// benchmark measures, cleans up, and only then prints: a closed pipe must leave nothing behind.
func benchmark(ctx context.Context, o options) error {
	if os.Geteuid() != 0 {
		return errors.New("run it as root")
	}
	rep := newReport(o)
	if err := prepareAndMeasure(ctx, o, rep); err != nil {
		return err
	}
	return rep.finish(os.Stdout)
}

func prepareAndMeasure(ctx context.Context, o options, rep *report) error {
	tree, err := findTree()
	if err != nil {
		return err
	}
	root, err := privateRoot(ctx)
	if err != nil {
		rep.Notes = append(rep.Notes, err.Error())
		empty, emptyErr := emptyRoot()
		defer os.RemoveAll(empty)
		if emptyErr != nil {
			return emptyErr
		}
		root = empty
	}
	work, err := newWorkFolder(root)
	defer os.RemoveAll(work.outside)
	if err != nil {
		return err
	}
	j := job{
		Root: root, Work: work.inside, Prefix: fmt.Sprintf("ocirun-bench-%d", os.Getpid()),
		Rounds: o.rounds, Seed: o.seed, Settle: o.settle, Docker: !o.noDocker && runtime.GOARCH == "amd64",
	}
	if !o.noDocker && !j.Docker {
		rep.Notes = append(rep.Notes, "the Docker-like bundle is not measured: its configuration was written on amd64")
	}
	if j.Contenders, err = contenders(ctx, o, root, work); err != nil {
		return err
	}
	maker := bundleMaker{
		configs: filepath.Join(tree, "specconv/testdata/configs"), busybox: filepath.Join(root, "bin/busybox"),
		outside: work.outside, inside: work.inside, prefix: j.Prefix,
	}
	if err := maker.makeAll(); err != nil {
		return err
	}
	return measure(ctx, o, j, rep)
}

// contenders lists who takes part, in the order of the table.
func contenders(ctx context.Context, o options, root string, work workFolder) ([]contender, error) {
	var all []contender
	install := func(name, binary string) error {
		c, err := work.install(name, binary)
		all = append(all, c)
		return err
	}
	if o.ocirun != "" {
		if err := install(nameOcirun, o.ocirun); err != nil {
			return nil, err
		}
	}
	if o.compare != "" {
		if err := install(nameCompare, o.compare); err != nil {
			return nil, err
		}
	}
	all = append(all, peer(root, nameCrun), peer(root, nameRunc))
	for _, pair := range o.add {
		name, binary, _ := strings.Cut(pair, "=")
		if err := install(name, binary); err != nil {
			return nil, err
		}
	}
	return append(all, work.floor(ctx), contender{Name: nameBare, Kind: kindBare, Path: "/bin/true"}), nil
}

// measure runs the stages and, whatever happens, removes the cgroups that a killed one left.
func measure(ctx context.Context, o options, j job, rep *report) error {
	stages := []struct{ name, sweep string }{{stageTime, stageSweep}, {stageMemory, stageSweepMemory}}
	for _, stage := range stages {
		if stage.name == stageMemory && o.noMemory {
			rep.Notes = append(rep.Notes, "memory limits are not measured: -no-memory")
			continue
		}
		j.Stage = stage.name
		result, err := startStage(ctx, j)
		if err != nil {
			j.Stage = stage.sweep
			_, sweepErr := startStage(context.WithoutCancel(ctx), j)
			return errors.Join(err, sweepErr)
		}
		if result.Contenders != nil {
			j.Contenders = result.Contenders
		}
		rep.add(result)
	}
	return nil
}

func kernelRelease() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(name.Release[:])
}
