package main

import (
	"encoding/json"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
	"github.com/ocirun/ocirun/specconv"
)

func featuresCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:    "features",
		Summary: "print what this program supports as JSON",
		Doc: `
The format is that of the runtime specification ("features.md"). What is printed
is what the program can do; whether the kernel can is another matter.
`,
		Run: func([]string) error {
			v, _ := buildVersion()
			out, err := json.MarshalIndent(specconv.Features(v), "", "    ")
			if err != nil {
				return err
			}
			return a.print(string(out) + "\n")
		},
	}
}
