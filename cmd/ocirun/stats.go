package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
	"github.com/ocirun/ocirun/libcontainer"
)

// statsFlags are the options of stats.
type statsFlags struct {
	format   string
	interval string
	once     bool
}

func statsCommand(a *app) *cli.Command {
	f := statsFlags{format: "table", interval: "2s"}
	return &cli.Command{
		Name: "stats", Args: "[container-id ...]", Max: cli.Unlimited, Completes: cli.Containers,
		Summary: "show what containers use, as a live table or as metrics",
		Doc: `
Without ids, the containers are all that have not ended. One that cannot be read
has a row that says why, and does not hide the others. The table is drawn anew
at each interval; where the output is no terminal, the tables follow one another.
Named containers end it by being deleted.

    ocirun stats
    ocirun stats --once web db

CPU is of one processor, MEM and PIDS what is used now, PEAK the most that was
used at a time, OOM how many processes the kernel has ended for want of memory.
READ and WRITE count devices, RX and TX the network devices of the container's
own. STALL is the part of the last ten seconds in which some process had to
wait for a processor, memory or a device (pressure stall information). A dash
stands for what this machine does not count.

With --format json, each container is an object on a line of its own: the data is
that of "ocirun events", with "extra" for what that lacks. With --format
openmetrics, the output is one exposition that Prometheus and others read, for a
textfile collector for instance:

    ocirun stats --format openmetrics > /var/lib/node-exporter/containers.prom
`,
		Flags: []cli.Flag{
			{
				Name: "format", Short: "f", Arg: "FORMAT", Default: "table", Values: cli.Values{Words: []string{"table", "json", "openmetrics"}},
				Help: "print a table, json lines, or an exposition of OpenMetrics, once", Into: cli.String(&f.format),
			},
			{Name: "interval", Arg: "DURATION", Default: "2s", Into: cli.String(&f.interval), Help: "look again at this interval, such as 500ms or 1m"},
			{Name: "once", Into: cli.Bool(&f.once), Help: "look once and end"},
		},
		Run: func(ids []string) error {
			every, err := parseInterval(f.interval)
			if err != nil {
				return err
			}
			e, err := a.engine()
			if err != nil {
				return err
			}
			w := watch{app: a, engine: e, ids: ids, every: every}
			switch f.format {
			case "table":
				return w.table(f.once)
			case "json":
				return w.json(f.once)
			case "openmetrics":
				return w.metrics()
			}
			return errors.New("invalid format option")
		},
	}
}

// parseInterval reads a time between two looks.
func parseInterval(text string) (time.Duration, error) {
	every, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("invalid value %q for flag -interval: parse error", text)
	}
	if every <= 0 {
		return 0, errors.New("duration interval must be greater than 0")
	}
	return every, nil
}

// watch looks at containers again and again.
type watch struct {
	*app
	engine engine
	ids    []string
	every  time.Duration
}

// json prints a line for each container and look.
func (w *watch) json(once bool) error {
	for {
		samples, err := w.look()
		if err != nil {
			return err
		}
		for i := range samples {
			if err := w.printJSONLine(samples[i].line()); err != nil {
				return err
			}
		}
		if once || w.isOver(samples) {
			return w.missing(samples)
		}
		time.Sleep(w.every)
	}
}

func (w *watch) metrics() error {
	samples, err := w.look()
	if err != nil {
		return err
	}
	if err := w.print(metricsText(samples)); err != nil {
		return err
	}
	return w.missing(samples)
}

// table draws at once, and so without the share of a processor, which takes two looks.
// If there is to be one table, it waits for that a little.
func (w *watch) table(once bool) error {
	const patience = 500 * time.Millisecond
	t := statsTable{screen: newScreen(w.out)}
	for look := 0; ; look++ {
		samples, err := w.look()
		if err != nil {
			return err
		}
		if once && look == 0 && len(samples) > 0 {
			t.remember(samples)
			time.Sleep(min(w.every, patience))
			continue
		}
		if err := w.print(t.frame(samples)); err != nil {
			return err
		}
		if once || w.isOver(samples) {
			return w.missing(samples)
		}
		time.Sleep(w.every)
	}
}

// isOver reports whether none of the named containers is there any more.
func (w *watch) isOver(samples []sample) bool {
	for i := range samples {
		if !errors.Is(samples[i].err, libcontainer.ErrNotExist) {
			return false
		}
	}
	return len(w.ids) > 0
}

// missing is the error of the first named container that could not be read.
func (w *watch) missing(samples []sample) error {
	if len(w.ids) == 0 {
		return nil
	}
	for i := range samples {
		err := samples[i].err
		if err != nil && len(w.ids) > 1 {
			return fmt.Errorf("%s: %w", samples[i].id, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
