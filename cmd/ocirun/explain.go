package main

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
	"github.com/ocirun/ocirun/libcontainer"
)

// explainFlags are the options of explain.
type explainFlags struct {
	bundle  *string
	format  string
	timing  string
	seccomp bool
	ask     []string
}

func explainCommand(a *app) *cli.Command {
	f := explainFlags{format: "text"}
	return &cli.Command{
		Name: "explain", Args: "[container-id]", Max: 1, Completes: cli.Containers,
		Summary: "print what will be done, or was done, to make a container",
		Doc: `
Without a container's id, the plan for the bundle is printed: every step with the
place in config.json that asked for it. Nothing is done. With an id, it is the
plan that the container was made by; with an id and --bundle, the plan for the
bundle as a container of that id.

    ocirun explain --bundle /srv/web
    ocirun explain web

With --timing, a file that "--trace FILE" of another command wrote is printed as
a table, the longest step first:

    ocirun run --trace /tmp/trace.json web
    ocirun explain --timing /tmp/trace.json

With --seccomp, the filter of system calls is printed. With --ask, only what it
does with a system call is: the call's name or number, perhaps its arguments,
and perhaps the architecture behind "@":

    ocirun explain --ask "socket 40" --ask "ptrace @x86" web
`,
		Flags: f.flags(),
		Run: func(args []string) error {
			if f.format != "text" && f.format != "json" {
				return errors.New("invalid format option")
			}
			if f.timing != "" {
				return f.printTiming(a)
			}
			e, err := f.explanation(a, args)
			if err != nil {
				return err
			}
			if f.seccomp || len(f.ask) > 0 {
				return f.printSeccomp(a, e)
			}
			return f.printPlan(a, e)
		},
	}
}

func (f *explainFlags) flags() []cli.Flag {
	return []cli.Flag{
		{
			Name: "bundle", Short: "b", Arg: "DIR", Default: "the working directory", Values: cli.Values{Dirs: true}, Into: cli.Maybe(&f.bundle),
			Help: "the directory of config.json",
		},
		{
			Name: "format", Short: "f", Arg: "FORMAT", Default: "text", Values: cli.Values{Words: []string{"text", "json"}}, Into: cli.String(&f.format),
			Help: "print the plan as text or json",
		},
		{Name: "timing", Arg: "FILE", Values: cli.Values{Files: true}, Into: cli.String(&f.timing), Help: "print the table of a trace"},
		{Name: "ask", Arg: "CALL", Into: cli.List(&f.ask), Help: "say what the filter does with a system call; may be given many times"},
		{Name: "seccomp", Into: cli.Bool(&f.seccomp), Help: "print the filter of system calls"},
	}
}

// explanation compiles the bundle, or asks the container.
func (f *explainFlags) explanation(a *app, args []string) (*libcontainer.Explanation, error) {
	if len(args) == 1 && f.bundle == nil {
		c, err := a.load(args[0])
		if err != nil {
			return nil, err
		}
		return c.Explain()
	}
	e, err := a.engine()
	if err != nil {
		return nil, err
	}
	id := "container"
	if len(args) == 1 {
		id = args[0]
	}
	create := createFlags{}
	if f.bundle != nil {
		create.bundle = *f.bundle
	}
	o, err := create.options(a)
	if err != nil {
		return nil, err
	}
	return e.Explain(id, o)
}

func (f *explainFlags) printPlan(a *app, e *libcontainer.Explanation) error {
	if f.format == "text" {
		text := e.Plan.String()
		for _, w := range e.Warnings {
			text += "\nwarning: " + w + "\n"
		}
		return a.print(text)
	}
	steps, err := json.Marshal(e.Plan)
	if err != nil {
		return err
	}
	// The plan's own form, with the warnings as one more key.
	doc := map[string]json.RawMessage{}
	if err := json.Unmarshal(steps, &doc); err != nil {
		return err
	}
	warnings := e.Warnings
	if warnings == nil {
		warnings = []string{}
	}
	if doc["warnings"], err = json.Marshal(warnings); err != nil {
		return err
	}
	out, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	return a.print(string(out) + "\n")
}

func (f *explainFlags) printTiming(a *app) error {
	t, err := libcontainer.ReadTrace(f.timing)
	if err != nil {
		return err
	}
	return a.print(strings.TrimRight(t.Table(), "\n") + "\n")
}
