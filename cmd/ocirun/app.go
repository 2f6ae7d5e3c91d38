package main

import (
	"errors"
	"io"
	"os"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
	"github.com/ocirun/ocirun/libcontainer"
	"github.com/ocirun/ocirun/libcontainer/hostcheck"
)

// name is what the program calls itself in messages and paths.
const name = "ocirun"

// The exit codes beside those of a container's program.
const (
	exitOK      = 0
	exitFailure = 1
	exitUnknown = 3
)

// app is one call of the program.
type app struct {
	// argv0 is the name that it was called by.
	argv0    string
	in       io.Reader
	out, err io.Writer
	host     host
	global   globals
	log      logger
	// open gives the containers below a state root.
	open func(a *app, root string) (engine, error)
	// examine looks at the machine.
	examine func(hostcheck.Options) []hostcheck.Check
}

func newApp() *app {
	return &app{
		in: os.Stdin, out: os.Stdout, err: os.Stderr,
		host: newHost(), global: newGlobals(), log: newLogger(os.Stderr), open: openStore, examine: hostcheck.Run,
	}
}

// statusError ends the program with the exit status of a container's program.
type statusError int

func (statusError) Error() string { return "the program of the container failed" }

// main does everything and gives the exit code.
func (a *app) main(args []string) int {
	a.argv0, args = args[0], args[1:]
	rest, err := cli.Parse(a.global.flags(), true, args)
	switch {
	case errors.Is(err, cli.ErrHelp), err == nil && len(rest) == 0 && !a.global.version:
		return a.finish(a.print(program(a).Help()))
	case err != nil:
		return a.usage(err, program(a).Help())
	case a.global.version:
		return a.finish(a.print(versionText()))
	}
	if err := a.log.open(&a.global); err != nil {
		return a.finish(err)
	}
	if err := a.global.resolveRoot(a.host); err != nil {
		return a.finish(err)
	}
	c := lookup(a, rest[0])
	if c == nil {
		a.log.fail("No help topic for '" + rest[0] + "'")
		return exitUnknown
	}
	return a.command(c, rest[1:])
}

// command parses the arguments of one command and runs it.
func (a *app) command(c *cli.Command, args []string) int {
	args, err := cli.Parse(c.Flags, c.FirstStops, args)
	if errors.Is(err, cli.ErrHelp) {
		return a.finish(a.print(c.Help(name)))
	}
	if err != nil {
		return a.usage(err, c.Help(name))
	}
	if err := c.CheckCount(args); err != nil {
		return a.misuse(c, err)
	}
	a.log.debug("command " + c.Name + " on state root " + a.global.root)
	a.announce()
	return a.finish(c.Run(args))
}

// finish reports an error and gives the exit code.
func (a *app) finish(err error) int {
	var status statusError
	var unknown unknownTopicError
	var exec execError
	switch {
	case err == nil:
		a.log.flush()
		return exitOK
	case errors.As(err, &status):
		a.log.flush()
		return int(status)
	case errors.As(err, &unknown):
		a.log.fail(err.Error())
		return exitUnknown
	case errors.As(err, &exec):
		a.log.fail(err.Error())
		a.log.hint(libcontainer.Hint(err))
		return exitExec
	}
	a.log.fail(err.Error())
	a.log.hint(libcontainer.Hint(err))
	return exitFailure
}

// usage reports arguments that cannot be understood.
func (a *app) usage(err error, help string) int {
	_ = a.print("Incorrect Usage: " + err.Error() + "\n\n" + help)
	a.log.fail(err.Error())
	return exitFailure
}

// misuse reports a wrong number of arguments.
func (a *app) misuse(c *cli.Command, err error) int {
	_ = a.print("Incorrect Usage.\n\n" + c.Help(name))
	a.log.fail(a.argv0 + `: "` + c.Name + `" ` + err.Error())
	return exitFailure
}

// print writes to standard output.
func (a *app) print(text string) error {
	_, err := io.WriteString(a.out, text)
	return err
}

// newTrace gives a trace if there is a file to write it to, or a log that it is of use for;
// otherwise nil, which costs nothing. It stands here, with what every command needs: to bring
// the code of traces into memory takes longer than to find out that there is none.
func (a *app) newTrace(path string) (*libcontainer.Trace, error) {
	if path == "" && !a.log.isDebug {
		return nil, nil
	}
	return openTrace(path)
}

// endTrace is writeTrace if there is a trace.
func (a *app) endTrace(path string, t *libcontainer.Trace, err error) error {
	if t == nil {
		return err
	}
	return a.writeTrace(path, t, err)
}
