package docgen

import (
	"strings"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
)

// Zsh is the completion for zsh(1).
func Zsh(p *cli.Program) string {
	var b strings.Builder
	b.WriteString("#compdef " + p.Name + "\n# " + notice + "\n# Completion of " + p.Name + " for zsh; install it in a directory of $fpath.\n\n")
	b.WriteString("_" + p.Name + "_containers() {\n\tlocal -a ids\n\tids=(${(f)\"$(" + p.Name + " list --quiet 2>/dev/null)\"})\n\tcompadd -a ids\n}\n\n")
	b.WriteString("_" + p.Name + "_commands() {\n\tlocal -a commands=(\n")
	for _, c := range p.Commands {
		b.WriteString("\t\t" + quote(c.Name+":"+c.Summary) + "\n")
	}
	b.WriteString("\t)\n\t_describe command commands\n}\n\n_" + p.Name + "() {\n\tlocal curcontext=$curcontext state line\n\t_arguments -C \\\n")
	zshFlags(&b, "\t\t", p.AllFlags())
	b.WriteString("\t\t'1: :_" + p.Name + "_commands' \\\n\t\t'*:: :->arguments'\n\n\t[[ $state == arguments ]] || return\n\tcase $words[1] in\n")
	for _, c := range p.Commands {
		label := c.Name
		if c.Alias != "" {
			label += "|" + c.Alias
		}
		b.WriteString("\t" + label + ")\n\t\t_arguments \\\n")
		zshFlags(&b, "\t\t\t", c.AllFlags())
		switch c.Completes {
		case cli.Containers:
			b.WriteString("\t\t\t'1: :_" + p.Name + "_containers'\n")
		case cli.CommandNames:
			b.WriteString("\t\t\t'1: :_" + p.Name + "_commands'\n")
		case cli.Files:
			b.WriteString("\t\t\t'*:file:_files'\n")
		case cli.Nothing:
			b.WriteString("\t\t\t'1: :'\n")
		}
		b.WriteString("\t\t;;\n")
	}
	b.WriteString("\tesac\n}\n\n_" + p.Name + " \"$@\"\n")
	return b.String()
}

func zshFlags(b *strings.Builder, margin string, flags []cli.Flag) {
	for i := range flags {
		f := &flags[i]
		for _, s := range spellings(flags[i : i+1]) {
			spec := s + "[" + strings.NewReplacer("[", `\[`, "]", `\]`).Replace(f.Help) + "]"
			if f.Arg != "" {
				spec += ":" + strings.ToLower(f.Arg) + ":" + zshAction(f)
			}
			b.WriteString(margin + quote(spec) + " \\\n")
		}
	}
}

func zshAction(f *cli.Flag) string {
	switch {
	case len(f.Values.Words) > 0:
		return "(" + strings.Join(f.Values.Words, " ") + ")"
	case f.Values.Dirs:
		return "_directories"
	case f.Values.Files:
		return "_files"
	}
	return ""
}

// quote quotes a text for a shell of the Bourne family.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
