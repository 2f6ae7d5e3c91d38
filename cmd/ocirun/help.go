package main

import (
	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
)

// unknownTopicError is a command that does not exist.
type unknownTopicError string

func (e unknownTopicError) Error() string { return "No help topic for '" + string(e) + "'" }

func helpCommand(a *app) *cli.Command {
	return &cli.Command{
		Name: "help", Alias: "h", Args: "[command]", Max: cli.Unlimited, Completes: cli.CommandNames,
		Summary: "show the commands, or how to use one",
		Doc: `
Without an argument, the commands and the global options are listed. With the
name of a command, that command is explained; "ocirun COMMAND --help" does the
same.
`,
		Run: func(args []string) error {
			if len(args) == 0 {
				return a.print(program(a).Help())
			}
			c := lookup(a, args[0])
			if c == nil {
				return unknownTopicError(args[0])
			}
			return a.print(c.Help(name))
		},
	}
}
