package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
)

func psCommand(a *app) *cli.Command {
	format := "table"
	return &cli.Command{
		Name: "ps", Args: "<container-id> [ps options]", Min: 1, Max: cli.Unlimited, FirstStops: true, Completes: cli.Containers,
		Summary: "list the processes of a container",
		Doc: `
The table is that of ps(1), which must be installed, reduced to the processes of
the container. Options behind the container's id are those of ps(1); without any
it is "-ef". The process ids are those of the host.

    ocirun ps web -o pid,rss,args
`,
		Flags: []cli.Flag{{
			Name: "format", Short: "f", Arg: "FORMAT", Default: "table", Values: cli.Values{Words: []string{"table", "json"}},
			Help: "print a table, or the process ids as json", Into: cli.String(&format),
		}},
		Run: func(args []string) error {
			if format != "table" && format != "json" {
				return errors.New("invalid format option")
			}
			c, err := a.load(args[0])
			if err != nil {
				return err
			}
			pids, err := c.Pids()
			if err != nil {
				return err
			}
			if format == "json" {
				if len(pids) == 0 {
					pids = nil
				}
				return a.printJSONLine(pids)
			}
			options := args[1:]
			if len(options) == 0 {
				options = []string{"-ef"}
			}
			out, err := a.runPs(options)
			if err != nil {
				return err
			}
			table, err := filterPs(out, pids)
			if err != nil {
				return err
			}
			return a.print(table)
		},
	}
}

// runPs runs ps(1) and gives what it prints.
func (a *app) runPs(options []string) (string, error) {
	path, err := a.host.lookPath("ps")
	if err != nil {
		return "", err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer r.Close()
	p, err := os.StartProcess(path, append([]string{"ps"}, options...), &os.ProcAttr{Files: []*os.File{nil, w, os.Stderr}})
	w.Close()
	if err != nil {
		return "", err
	}
	out, readErr := io.ReadAll(r)
	state, err := p.Wait()
	switch {
	case err != nil:
		return "", err
	case readErr != nil:
		return "", readErr
	case !state.Success():
		return "", fmt.Errorf("ps: %s", state)
	}
	return string(out), nil
}

// lookPath finds a program in the absolute directories of PATH.
func (h host) lookPath(program string) (string, error) {
	for _, dir := range filepath.SplitList(h.getenv("PATH")) {
		path := filepath.Join(dir, program)
		info, err := os.Stat(path)
		if filepath.IsAbs(dir) && err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("exec: %q: executable file not found in $PATH", program)
}

// filterPs keeps the header of what ps(1) printed and the lines of the given
// processes.
func filterPs(out string, pids []int) (string, error) {
	header, lines, _ := strings.Cut(out, "\n")
	column := slices.Index(strings.Fields(header), "PID")
	if column < 0 {
		return "", errors.New("couldn't find PID field in ps output")
	}
	var b strings.Builder
	b.WriteString(header + "\n")
	for line := range strings.Lines(lines) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if column >= len(fields) {
			return "", fmt.Errorf("unexpected line in ps output: %q", line)
		}
		pid, err := strconv.Atoi(fields[column])
		if err != nil {
			return "", fmt.Errorf("unexpected pid in ps output: %w", err)
		}
		if slices.Contains(pids, pid) {
			b.WriteString(strings.TrimSuffix(line, "\n") + "\n")
		}
	}
	return b.String(), nil
}
