package main

import (
	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
	"github.com/ocirun/ocirun/libcontainer"
)

func runCommand(a *app) *cli.Command {
	var f createFlags
	var o libcontainer.RunOptions
	return &cli.Command{
		Name: "run", Args: "<container-id>", Min: 1, Max: 1,
		Summary: "create and start a container, and wait for its end",
		Doc: `
The command does what "create", "start" and, at the end, "delete" do. Meanwhile
it hands signals on to the container, and exits with the status of the
container's program, or with 128 plus the number of the signal that ended it.

With --detach it returns as soon as the program runs:

    ocirun run --detach --bundle /srv/web --pid-file /run/web.pid web
`,
		Flags: append(f.flags(),
			cli.Flag{Name: "detach", Short: "d", Into: cli.Bool(&o.Detach), Help: "return when the program runs"},
			cli.Flag{Name: "keep", Into: cli.Bool(&o.Keep), Help: `leave the state and the cgroup of the ended container to "` + name + ` delete"`},
			cli.Flag{Name: "no-subreaper", Into: cli.Bool(&o.NoSubreaper), Help: "leave orphaned processes of the container to the reaper of the caller"},
		),
		Run: func(args []string) error {
			status, err := f.run(a, args[0], &o)
			if err != nil {
				return prefix("run", err)
			}
			if status != 0 {
				return statusError(status)
			}
			return nil
		},
	}
}

// run is the work of the command.
func (f *createFlags) run(a *app, id string, o *libcontainer.RunOptions) (status int, err error) {
	if o.CreateOptions, err = f.options(a); err != nil {
		return 0, err
	}
	e, err := a.engineForNew()
	if err != nil {
		return 0, err
	}
	o.Exits = true
	status, err = e.Run(id, *o)
	return status, a.endTrace(f.trace, o.Trace, err)
}
