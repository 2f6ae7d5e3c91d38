package main

import "github.com/ocirun/ocirun/cmd/ocirun/internal/cli"

func pauseCommand(a *app) *cli.Command {
	return &cli.Command{
		Name: "pause", Args: "<container-id>", Min: 1, Max: 1, Completes: cli.Containers,
		Summary: "stop all processes of a container where they are",
		Doc: `
The processes get no time until "ocirun resume".
`,
		Run: func(args []string) error {
			c, err := a.load(args[0])
			if err != nil {
				return err
			}
			return c.Pause()
		},
	}
}
