package docgen

import "github.com/ocirun/ocirun/cmd/ocirun/internal/cli"

// names lists the commands and their aliases.
func names(p *cli.Program) []string {
	var list []string
	for _, c := range p.Commands {
		list = append(list, c.Name)
		if c.Alias != "" {
			list = append(list, c.Alias)
		}
	}
	return list
}

// spellings lists the ways in which flags are typed.
func spellings(flags []cli.Flag) []string {
	var list []string
	for i := range flags {
		list = append(list, "--"+flags[i].Name)
		if flags[i].Short != "" {
			list = append(list, "-"+flags[i].Short)
		}
	}
	return list
}

// withValue picks the flags that have a value.
func withValue(flags []cli.Flag) []cli.Flag {
	var list []cli.Flag
	for i := range flags {
		if flags[i].Arg != "" {
			list = append(list, flags[i])
		}
	}
	return list
}
