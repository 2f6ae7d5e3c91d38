package docgen

import (
	"strings"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
)

// bashHelpers are functions with NAME for the name of the program. They fill
// COMPREPLY; root is the value of the global option.
const bashHelpers = `_NAME_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }
_NAME_dirs() {
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen -d -- "$cur")
}
_NAME_files() {
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}
_NAME_containers() { _NAME_words "$("$program" ${root:+--root "$root"} list --quiet 2>/dev/null)"; }

`

// bashMain begins the function that is registered: it finds the command.
const bashMain = `_NAME() {
	local program=$1 cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	local command='' root='' i
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--root | -root) root=${COMP_WORDS[++i]} ;;
		VALUES) ((i++)) ;;
		-*) ;;
		*)
			command=${COMP_WORDS[i]}
			break
			;;
		esac
	done

	case $command in
`

// Bash is the completion for bash(1).
func Bash(p *cli.Program) string {
	var b strings.Builder
	b.WriteString("# " + notice + "\n# Completion of " + p.Name + " for bash; source it, or install it as\n" +
		"# /usr/share/bash-completion/completions/" + p.Name + "\n\n")
	fill := strings.NewReplacer("NAME", p.Name, "VALUES", strings.Join(globalsWithValue(p), " | "))
	b.WriteString(fill.Replace(bashHelpers + bashMain))
	b.WriteString("\t'')\n")
	bashCase(&b, p, p.AllFlags(), cli.CommandNames)
	for _, c := range p.Commands {
		label := c.Name
		if c.Alias != "" {
			label += " | " + c.Alias
		}
		b.WriteString("\t" + label + ")\n")
		bashCase(&b, p, c.AllFlags(), c.Completes)
	}
	b.WriteString("\tesac\n}\n\ncomplete -F _" + p.Name + " " + p.Name + "\n")
	return b.String()
}

// globalsWithValue are the global flags whose value must not be taken for the
// command; --root has a case of its own.
func globalsWithValue(p *cli.Program) []string {
	var list []string
	for _, f := range withValue(p.AllFlags()) {
		if f.Name != "root" {
			list = append(list, spellings([]cli.Flag{f})...)
		}
	}
	return list
}

// bashCase completes the value of the flag before the cursor, or a flag, or an
// argument.
func bashCase(b *strings.Builder, p *cli.Program, flags []cli.Flag, arguments cli.Arguments) {
	if valued := withValue(flags); len(valued) > 0 {
		b.WriteString("\t\tcase $prev in\n")
		for _, f := range valued {
			b.WriteString("\t\t" + strings.Join(spellings([]cli.Flag{f}), " | ") + ")\n")
			if action := bashAction(p, f.Values); action != "" {
				b.WriteString("\t\t\t" + action + "\n")
			}
			b.WriteString("\t\t\treturn\n\t\t\t;;\n")
		}
		b.WriteString("\t\tesac\n")
	}
	words := "\t\t\t_" + p.Name + "_words \"" + strings.Join(spellings(flags), " ") + "\"\n"
	b.WriteString("\t\tif [[ $cur == -* ]]; then\n" + words)
	switch arguments {
	case cli.Containers:
		b.WriteString("\t\telse\n\t\t\t_" + p.Name + "_containers\n")
	case cli.CommandNames:
		b.WriteString("\t\telse\n\t\t\t_" + p.Name + "_words \"" + strings.Join(names(p), " ") + "\"\n")
	case cli.Files:
		b.WriteString("\t\telse\n\t\t\t_" + p.Name + "_files\n")
	case cli.Nothing:
	}
	b.WriteString("\t\tfi\n\t\t;;\n")
}

func bashAction(p *cli.Program, v cli.Values) string {
	switch {
	case len(v.Words) > 0:
		return "_" + p.Name + "_words \"" + strings.Join(v.Words, " ") + "\""
	case v.Dirs:
		return "_" + p.Name + "_dirs"
	case v.Files:
		return "_" + p.Name + "_files"
	}
	return ""
}
