package main

import (
	"errors"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
	"github.com/ocirun/ocirun/libcontainer"
)

func deleteCommand(a *app) *cli.Command {
	var force bool
	return &cli.Command{
		Name: "delete", Args: "<container-id>", Min: 1, Max: 1, Completes: cli.Containers,
		Summary: "remove all that is left of a container",
		Doc: `
The container must have ended, or not have been started: then it is killed. With
--force it is killed whatever it does, and what a killed runtime left behind is
removed too; it is no error then if the container does not exist.
`,
		Flags: []cli.Flag{{Name: "force", Short: "f", Into: cli.Bool(&force), Help: "kill the container if it has not ended"}},
		Run: func(args []string) error {
			e, err := a.engine()
			if err != nil {
				return err
			}
			err = e.Remove(args[0], force)
			if force && errors.Is(err, libcontainer.ErrNotExist) {
				return nil
			}
			return err
		},
	}
}
