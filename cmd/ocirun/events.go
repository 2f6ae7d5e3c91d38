package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
	"github.com/ocirun/ocirun/libcontainer"
)

func eventsCommand(a *app) *cli.Command {
	interval, stats := "5s", false
	return &cli.Command{
		Name: "events", Args: "<container-id>", Min: 1, Max: 1, Completes: cli.Containers,
		Summary: "print what a container uses, and when its memory runs out",
		Doc: `
Each event is a JSON object on a line of its own, with "type", "id" and, for
the type "stats", "data": what the kernel counts for the container's cgroup. The
type "oom" says that the kernel has ended a process of the container for want of
memory. The command ends when the container is deleted.

    ocirun events --stats web
`,
		Flags: []cli.Flag{
			{
				Name: "interval", Arg: "DURATION", Default: "5s", Into: cli.String(&interval),
				Help: "print statistics at this interval, such as 500ms or 1m",
			},
			{Name: "stats", Into: cli.Bool(&stats), Help: "print statistics once and end"},
		},
		Run: func(args []string) error {
			every, err := parseInterval(interval)
			if err != nil {
				return err
			}
			c, err := a.load(args[0])
			if err != nil {
				return err
			}
			if stats {
				return notRunning(args[0], a.printStats(c, args[0]))
			}
			return notRunning(args[0], a.printEvents(c, args[0], every))
		},
	}
}

// event is one line of the output.
type event struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	Data any    `json:"data,omitempty"`
}

func (a *app) printStats(c container, id string) error {
	stats, err := c.Stats()
	if err != nil {
		return err
	}
	return a.printJSONLine(event{Type: "stats", ID: id, Data: stats})
}

// printEvents ends with the container. That it has none between two looks, or no
// statistics that could be read, is no reason to.
func (a *app) printEvents(c container, id string, every time.Duration) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ooms, err := c.NotifyOOM(ctx)
	if err != nil {
		return err
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case _, ok := <-ooms:
			if !ok {
				return nil
			}
			err = a.printJSONLine(event{Type: "oom", ID: id})
		case <-ticker.C:
			err = a.printStats(c, id)
			if errors.Is(err, libcontainer.ErrNotRunning) || errors.Is(err, libcontainer.ErrNotExist) {
				err = nil
			}
		}
		if err != nil {
			return err
		}
	}
}

// notRunning words the error of a container that has ended.
func notRunning(id string, err error) error {
	if errors.Is(err, libcontainer.ErrNotRunning) {
		return fmt.Errorf("container with id %s is not running", id)
	}
	return err
}
