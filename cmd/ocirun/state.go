package main

import (
	"encoding/json"
	"time"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
	"github.com/ocirun/ocirun/libcontainer"
)

func stateCommand(a *app) *cli.Command {
	return &cli.Command{
		Name: "state", Args: "<container-id>", Min: 1, Max: 1, Completes: cli.Containers,
		Summary: "print the state of a container as JSON",
		Doc: `
The status is one of "creating", "created", "running", "paused" and "stopped".
The process id is that of the container's first process as the host sees it, or
0 when it has ended.
`,
		Run: func(args []string) error {
			c, err := a.load(args[0])
			if err != nil {
				return err
			}
			s, err := c.State()
			if err != nil {
				return err
			}
			// Without a newline at the end, as callers know it.
			out, err := json.MarshalIndent(newStateJSON(s, ""), "", "  ")
			if err != nil {
				return err
			}
			return a.print(string(out))
		},
	}
}

// stateJSON is the state as it is printed: that of runtime-spec (runtime.md,
// "State") and more.
type stateJSON struct {
	OCIVersion  string              `json:"ociVersion"`
	ID          string              `json:"id"`
	Pid         int                 `json:"pid"`
	Status      libcontainer.Status `json:"status"`
	Bundle      string              `json:"bundle"`
	Rootfs      string              `json:"rootfs"`
	Created     time.Time           `json:"created"`
	Annotations map[string]string   `json:"annotations,omitempty"`
	Owner       string              `json:"owner"`
}

func newStateJSON(s *libcontainer.State, owner string) stateJSON {
	return stateJSON{
		OCIVersion: s.OCIVersion, ID: s.ID, Pid: s.Pid, Status: s.Status, Bundle: s.Bundle, Rootfs: s.Rootfs,
		Created: s.Created.UTC(), Annotations: s.Annotations, Owner: owner,
	}
}
