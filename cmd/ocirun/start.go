package main

import (
	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
	"github.com/ocirun/ocirun/libcontainer"
)

func startCommand(a *app) *cli.Command {
	var trace string
	return &cli.Command{
		Name: "start", Args: "<container-id>", Min: 1, Max: 1, Completes: cli.Containers,
		Summary: "start the program of a created container",
		Doc: `
The command returns when the program runs, or fails with the reason why it does
not.
`,
		Flags: []cli.Flag{traceFlag(&trace)},
		Run: func(args []string) error {
			c, err := a.load(args[0])
			if err != nil {
				return err
			}
			t, err := a.newTrace(trace)
			if err != nil {
				return err
			}
			return a.endTrace(trace, t, c.Start(libcontainer.StartOptions{
				NotifySocket: a.host.getenv("NOTIFY_SOCKET"), Trace: t, Warn: a.log.warn,
			}))
		},
	}
}
