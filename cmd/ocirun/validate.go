package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
	"github.com/ocirun/ocirun/libcontainer"
	"github.com/ocirun/ocirun/specconv"
)

// validateFlags are the options of validate.
type validateFlags struct {
	bundle, format string
	strict         bool
}

func validateCommand(a *app) *cli.Command {
	f := validateFlags{format: "text"}
	return &cli.Command{
		Name:    "validate",
		Summary: "check a bundle without making a container",
		Doc: `
Everything that is wrong with the bundle is listed at once: the place in the text
of config.json, the place in the document, what is wrong, and the part of the
runtime specification that says so. What depends on this host, such as the
sources of mounts and the programs of hooks, is looked at as well. Nothing is
made.

    ocirun validate --bundle /srv/web

The exit status is 1 if a container could not be made. Warnings are about what
has no effect, or is only recommended; with --strict they count as errors.
`,
		Flags: []cli.Flag{
			{
				Name: "bundle", Short: "b", Arg: "DIR", Default: "the working directory", Values: cli.Values{Dirs: true}, Into: cli.String(&f.bundle),
				Help: "the directory of config.json",
			},
			{
				Name: "format", Short: "f", Arg: "FORMAT", Default: "text", Values: cli.Values{Words: []string{"text", "json"}}, Into: cli.String(&f.format),
				Help: "print the list as text or json",
			},
			{Name: "strict", Into: cli.Bool(&f.strict), Help: "take warnings for errors"},
		},
		Run: func([]string) error { return f.run(a) },
	}
}

func (f *validateFlags) run(a *app) error {
	if f.format != "text" && f.format != "json" {
		return errors.New("invalid format option")
	}
	create := createFlags{bundle: f.bundle}
	o, err := create.options(a)
	if err != nil {
		return err
	}
	e, err := a.engine()
	if err != nil {
		return err
	}
	findings, err := e.Review(o)
	if err != nil {
		return err
	}
	wrong := 0
	for i := range findings {
		if f.strict {
			findings[i].Warning = false
		}
		if !findings[i].Warning {
			wrong++
		}
	}
	file := filepath.Join(create.bundle, specconv.ConfigFile)
	if err := f.print(a, file, findings, wrong); err != nil {
		return err
	}
	switch wrong {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("%s has an error", file)
	}
	return fmt.Errorf("%s has %d errors", file, wrong)
}

func (f *validateFlags) print(a *app, file string, findings []libcontainer.Finding, wrong int) error {
	if f.format == "json" {
		if findings == nil {
			findings = []libcontainer.Finding{}
		}
		out, err := json.MarshalIndent(struct {
			File     string                 `json:"file"`
			Valid    bool                   `json:"valid"`
			Findings []libcontainer.Finding `json:"findings"`
		}{file, wrong == 0, findings}, "", "  ")
		if err != nil {
			return err
		}
		return a.print(string(out) + "\n")
	}
	var text strings.Builder
	for _, finding := range findings {
		text.WriteString(findingLine(file, finding))
	}
	if wrong == 0 {
		text.WriteString(file + ": valid\n")
	}
	return a.print(text.String())
}

// findingLine has the form of a compiler's message, which editors can follow.
func findingLine(file string, f libcontainer.Finding) string {
	kind := "error"
	if f.Warning {
		kind = "warning"
	}
	line := fmt.Sprintf("%s:%d:%d: %s: ", file, f.Line, f.Column, kind)
	if f.Pointer != "" {
		line += f.Pointer + ": "
	}
	line += f.Message
	if f.Reference != "" {
		line += " [" + f.Reference + "]"
	}
	return line + "\n"
}
