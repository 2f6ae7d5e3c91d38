package docgen

import (
	"strings"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
)

// Fish is the completion for fish(1).
func Fish(p *cli.Program) string {
	var b strings.Builder
	b.WriteString("# " + notice + "\n# Completion of " + p.Name + " for fish; install it as\n# /usr/share/fish/vendor_completions.d/" + p.Name + ".fish\n\n")
	b.WriteString("function __" + p.Name + "_containers\n    " + p.Name + " list --quiet 2>/dev/null\nend\n\n")
	all := strings.Join(names(p), " ")
	none := "not __fish_seen_subcommand_from " + all
	b.WriteString("complete -c " + p.Name + " -f\n")
	fishFlags(&b, p, none, p.AllFlags())
	for _, c := range p.Commands {
		b.WriteString("\ncomplete -c " + p.Name + " -n '" + none + "' -a " + c.Name + " -d " + single(c.Summary) + "\n")
		seen := "__fish_seen_subcommand_from " + c.Name
		if c.Alias != "" {
			seen += " " + c.Alias
		}
		switch c.Completes {
		case cli.Containers:
			b.WriteString("complete -c " + p.Name + " -n '" + seen + "' -a '(__" + p.Name + "_containers)'\n")
		case cli.CommandNames:
			b.WriteString("complete -c " + p.Name + " -n '" + seen + "' -a '" + all + "'\n")
		case cli.Files:
			b.WriteString("complete -c " + p.Name + " -n '" + seen + "' -F\n")
		case cli.Nothing:
		}
		fishFlags(&b, p, seen, c.AllFlags())
	}
	return b.String()
}

func fishFlags(b *strings.Builder, p *cli.Program, condition string, flags []cli.Flag) {
	for i := range flags {
		f := &flags[i]
		b.WriteString("complete -c " + p.Name + " -n '" + condition + "' -l " + f.Name)
		if f.Short != "" {
			b.WriteString(" -s " + f.Short)
		}
		switch {
		case f.Arg == "":
		case len(f.Values.Words) > 0:
			b.WriteString(" -x -a '" + strings.Join(f.Values.Words, " ") + "'")
		case f.Values.Dirs:
			b.WriteString(" -x -a '(__fish_complete_directories)'")
		case f.Values.Files:
			b.WriteString(" -r -F")
		default:
			b.WriteString(" -x")
		}
		b.WriteString(" -d " + single(f.Help) + "\n")
	}
}

// single quotes a text for a shell.
func single(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
}
