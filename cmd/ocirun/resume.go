package main

import "github.com/ocirun/ocirun/cmd/ocirun/internal/cli"

func resumeCommand(a *app) *cli.Command {
	return &cli.Command{
		Name: "resume", Args: "<container-id>", Min: 1, Max: 1, Completes: cli.Containers,
		Summary: "let the processes of a paused container go on",
		Run: func(args []string) error {
			c, err := a.load(args[0])
			if err != nil {
				return err
			}
			return c.Resume()
		},
	}
}
