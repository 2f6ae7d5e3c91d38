package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os/user"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
)

func listCommand(a *app) *cli.Command {
	var format string
	var quiet bool
	format = "table"
	return &cli.Command{
		Name:    "list",
		Summary: "list the containers of a state root",
		Doc: `
The containers are those below the directory that the global option --root
names. One that cannot be read is reported on standard error; the others are
listed all the same.
`,
		Flags: []cli.Flag{
			{
				Name: "format", Short: "f", Arg: "FORMAT", Default: "table", Values: cli.Values{Words: []string{"table", "json"}},
				Help: "print a table or json", Into: cli.String(&format),
			},
			{Name: "quiet", Short: "q", Help: "print only the ids", Into: cli.Bool(&quiet)},
		},
		Run: func([]string) error {
			if format != "table" && format != "json" {
				return errors.New("invalid format option")
			}
			states, err := a.states()
			if err != nil {
				return err
			}
			switch {
			case quiet:
				return a.print(listIDs(states))
			case format == "json":
				return a.printJSONLine(states)
			}
			return a.print(listTable(states))
		},
	}
}

// states reads all containers and reports the broken ones.
func (a *app) states() ([]stateJSON, error) {
	e, err := a.engine()
	if err != nil {
		return nil, err
	}
	entries, err := e.List()
	if errors.Is(err, fs.ErrNotExist) {
		if a.global.explicit {
			return nil, fmt.Errorf("open %s: no such file or directory", a.global.root)
		}
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var states []stateJSON
	var owners owners
	for _, entry := range entries {
		if entry.Err != nil {
			fmt.Fprintf(a.err, "load container %s: %v\n", entry.ID, entry.Err)
			continue
		}
		states = append(states, newStateJSON(entry.State, owners.name(entry.State.OwnerUID)))
	}
	return states, nil
}

// owners names users, and remembers the last one.
type owners struct {
	uid   int
	known string
}

func (o *owners) name(uid int) string {
	if o.known != "" && o.uid == uid {
		return o.known
	}
	o.uid, o.known = uid, "#"+strconv.Itoa(uid)
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		o.known = u.Username
	}
	return o.known
}

func listIDs(states []stateJSON) string {
	var b strings.Builder
	for i := range states {
		b.WriteString(states[i].ID + "\n")
	}
	return b.String()
}

func listTable(states []stateJSON) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 12, 1, 3, ' ', 0)
	fmt.Fprint(w, "ID\tPID\tSTATUS\tBUNDLE\tCREATED\tOWNER\n")
	for i := range states {
		s := &states[i]
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\n", s.ID, s.Pid, s.Status, s.Bundle, s.Created.Format(time.RFC3339Nano), s.Owner)
	}
	_ = w.Flush() // into memory
	return b.String()
}

// printJSONLine prints a value on one line. A nil list is null, which callers
// know.
func (a *app) printJSONLine(v any) error {
	out, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return a.print(string(out) + "\n")
}
