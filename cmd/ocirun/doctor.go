package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
	"github.com/ocirun/ocirun/libcontainer/hostcheck"
)

func doctorCommand(a *app) *cli.Command {
	format := "table"
	return &cli.Command{
		Name: "doctor", Summary: "look whether this machine can run containers, and say how it is mended",
		Doc: `
Each line is a check of the kernel, of its settings or of programs, made for the
user who asks: "ok", "warn" for what some containers will miss, "fail" for what
none can do without. What can be tried is tried: the container's init is
executed, a cgroup is made and removed. Nothing is changed.

The exit status is 0 if containers can run, else 1.

    ocirun doctor
    ocirun doctor --format json
`,
		Flags: []cli.Flag{{
			Name: "format", Short: "f", Arg: "FORMAT", Default: "table", Values: cli.Values{Words: []string{"table", "json"}},
			Help: "print a table or json", Into: cli.String(&format),
		}},
		Run: func([]string) error {
			if format != "table" && format != "json" {
				return errors.New("invalid format option")
			}
			checks := a.examine(hostcheck.Options{Root: a.global.root, LookPath: a.host.lookPath, RuntimeDir: a.host.getenv("XDG_RUNTIME_DIR")})
			out := doctorTable(checks)
			if format == "json" {
				text, err := json.MarshalIndent(map[string]any{"canRun": hostcheck.CanRun(checks), "checks": checks}, "", "  ")
				if err != nil {
					return err
				}
				out = string(text) + "\n"
			}
			if err := a.print(out); err != nil {
				return err
			}
			if n := countVerdict(checks, hostcheck.Fail); n > 0 {
				return errors.New("no container can run here: " + plural(n, "check") + " failed")
			}
			return nil
		},
	}
}

func countVerdict(checks []hostcheck.Check, v hostcheck.Verdict) (n int) {
	for i := range checks {
		if checks[i].Verdict == v {
			n++
		}
	}
	return n
}

func plural(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return strconv.Itoa(n) + " " + word
}

func doctorTable(checks []hostcheck.Check) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 1, 2, ' ', 0)
	fmt.Fprint(w, "VERDICT\tAREA\tCHECK\tFOUND\n")
	for i := range checks {
		c := &checks[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", c.Verdict, c.Area, c.Name, printable(c.Found))
		if c.Effect != "" {
			fmt.Fprintf(w, "\t\t\t-> %s\n", c.Effect)
		}
		if c.Remedy != "" {
			fmt.Fprintf(w, "\t\t\tmend: %s\n", c.Remedy)
		}
	}
	_ = w.Flush() // into memory
	if hostcheck.CanRun(checks) {
		return b.String() + "\ncontainers can run, with " + plural(countVerdict(checks, hostcheck.Warn), "warning") + "\n"
	}
	return b.String()
}
