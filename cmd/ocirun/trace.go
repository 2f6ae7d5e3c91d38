package main

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
	"github.com/ocirun/ocirun/libcontainer"
)

func traceFlag(p *string) cli.Flag {
	return cli.Flag{
		Name: "trace", Arg: "FILE", Values: cli.Values{Files: true}, Into: cli.String(p),
		Help: `write the time of every step to a file, for Perfetto or "` + name + ` explain --timing"`,
	}
}

// openTrace gives a trace. A file that cannot be written is an error now, not when all is
// done.
func openTrace(path string) (*libcontainer.Trace, error) {
	if path == "" {
		return libcontainer.NewTrace(), nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|unix.O_NONBLOCK, 0o644)
	if err != nil {
		return nil, err
	}
	return libcontainer.NewTrace(), f.Close()
}

// writeTrace writes the trace of a command that ended in err, which matters more
// than an error here.
func (a *app) writeTrace(path string, t *libcontainer.Trace, err error) error {
	if a.log.isDebug {
		for _, s := range t.Spans() {
			a.log.debug(s.Category + ": " + s.Name + ": " + strconv.FormatInt(s.Duration.Microseconds(), 10) + " us")
		}
	}
	if path == "" {
		return err
	}
	if writeErr := t.WriteFile(path); err == nil {
		return writeErr
	}
	return err
}
