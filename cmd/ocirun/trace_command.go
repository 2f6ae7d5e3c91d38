package main

import (
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"time"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
	"github.com/ocirun/ocirun/libcontainer"
)

// traceFlags are the options of trace.
type traceFlags struct {
	bundle         *string
	format, output string
}

func traceCommand(a *app) *cli.Command {
	f := traceFlags{format: "table"}
	return &cli.Command{
		Name: "trace", Args: "[file ...]", Max: cli.Unlimited, Completes: cli.Files,
		Summary: "show how long each step of making a container took",
		Doc: `
The files are those that "--trace FILE" of other commands wrote; several become
one, as those of "create" and "start" of the same container. With --bundle, a
container is made from the bundle and run to its end instead, and its trace
shown; the exit status is then that of its program.

    ocirun create --trace create.json web; ocirun start --trace start.json web
    ocirun trace create.json start.json
    ocirun trace --bundle /srv/web --format perfetto --output web.json

The table has the longest step first, with its share of the whole time. The
format perfetto is the Trace Event Format, which https://ui.perfetto.dev shows.
`,
		Flags: []cli.Flag{
			{
				Name: "bundle", Short: "b", Arg: "DIR", Values: cli.Values{Dirs: true}, Into: cli.Maybe(&f.bundle),
				Help: "run a container from the bundle in this directory and trace it",
			},
			{
				Name: "format", Short: "f", Arg: "FORMAT", Default: "table", Values: cli.Values{Words: []string{"table", "json", "perfetto"}}, Into: cli.String(&f.format),
				Help: "print a table, a list as json, or what Perfetto reads",
			},
			{
				Name: "output", Short: "o", Arg: "FILE", Default: "standard output", Values: cli.Values{Files: true}, Into: cli.String(&f.output),
				Help: "write to a file, which keeps apart what the program of the container prints",
			},
		},
		Run: func(files []string) error {
			if f.format != "table" && f.format != "json" && f.format != "perfetto" {
				return errors.New("invalid format option")
			}
			switch {
			case f.bundle == nil && len(files) == 0:
				return errors.New("either files of traces or --bundle are needed")
			case f.bundle != nil && len(files) > 0:
				return errors.New("with --bundle there are no files of traces, such as " + strconv.Quote(files[0]))
			case f.bundle != nil:
				return f.run(a)
			}
			t, err := readTraces(files)
			if err != nil {
				return err
			}
			return f.show(a, t)
		},
	}
}

// readTraces puts traces together. All have the machine's clock.
func readTraces(files []string) (*libcontainer.Trace, error) {
	all := libcontainer.NewTrace()
	for _, file := range files {
		t, err := libcontainer.ReadTrace(file)
		if err != nil {
			return nil, err
		}
		for _, s := range t.Spans() {
			all.Add(s)
		}
	}
	return all, nil
}

// run traces a container of its own, whose name nobody else takes. The trace of one that
// could not be made is shown too.
func (f *traceFlags) run(a *app) error {
	create := createFlags{bundle: *f.bundle}
	o, err := create.options(a)
	if err != nil {
		return err
	}
	e, err := a.engineForNew()
	if err != nil {
		return err
	}
	o.Trace = libcontainer.NewTrace()
	status, err := e.Run("trace-"+strconv.Itoa(a.host.pid), libcontainer.RunOptions{CreateOptions: o})
	showErr := f.show(a, o.Trace)
	switch {
	case err != nil:
		return prefix("run", err)
	case showErr != nil:
		return showErr
	case status != 0:
		return statusError(status)
	}
	return nil
}

func (f *traceFlags) show(a *app, t *libcontainer.Trace) error {
	text := t.Table()
	switch f.format {
	case "json":
		out, err := json.MarshalIndent(traceList(t), "", "  ")
		if err != nil {
			return err
		}
		text = string(out) + "\n"
	case "perfetto":
		text = string(t.Encode())
	}
	if f.output == "" {
		return a.print(text)
	}
	return os.WriteFile(f.output, []byte(text), 0o644)
}

// traceStep is one entry of the list; times are in microseconds.
type traceStep struct {
	Name     string  `json:"name"`
	Lane     string  `json:"lane"`
	Pid      int     `json:"pid"`
	Start    float64 `json:"start"`
	Duration float64 `json:"duration"`
}

// traceList gives the steps in the order in which they were recorded; the first one that
// began is at 0.
func traceList(t *libcontainer.Trace) []traceStep {
	spans := t.Spans()
	list := make([]traceStep, 0, len(spans))
	var begin time.Duration
	for i, s := range spans {
		if i == 0 || s.Start < begin {
			begin = s.Start
		}
	}
	for _, s := range spans {
		list = append(list, traceStep{Name: s.Name, Lane: s.Category, Pid: s.Pid, Start: micro(s.Start - begin), Duration: micro(s.Duration)})
	}
	return list
}

func micro(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
