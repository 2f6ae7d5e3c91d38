package docgen

import (
	"strings"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
)

// Markdown is one page with all commands.
func Markdown(p *cli.Program) string {
	var b strings.Builder
	b.WriteString("<!-- " + notice + " -->\n# Commands of " + p.Name + "\n\n    " + p.Usage() + "\n\n")
	markdownDoc(&b, p.Doc)
	b.WriteString("| command | |\n|---|---|\n")
	for _, c := range p.Commands {
		b.WriteString("| [" + c.Name + "](#" + p.Name + "-" + c.Name + ") | " + cell(c.Summary) + " |\n")
	}
	b.WriteString("\n## Global options\n\n")
	markdownFlags(&b, p.AllFlags())
	for _, c := range p.Commands {
		b.WriteString("## " + p.Name + " " + c.Name + "\n\n" + sentence(c.Summary) + "\n\n    " + c.Usage(p.Name) + "\n\n")
		markdownDoc(&b, c.Doc)
		markdownFlags(&b, c.AllFlags())
	}
	for _, s := range p.Sections {
		b.WriteString("## " + s.Title[:1] + strings.ToLower(s.Title[1:]) + "\n\n")
		markdownDoc(&b, s.Doc)
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func markdownDoc(b *strings.Builder, doc string) {
	if strings.TrimSpace(doc) == "" {
		return
	}
	for _, p := range cli.Paragraphs(doc) {
		if p.Example {
			b.WriteString("    " + strings.ReplaceAll(p.Text, "\n", "\n    ") + "\n\n")
			continue
		}
		b.WriteString(angles.Replace(p.Text) + "\n\n")
	}
}

func markdownFlags(b *strings.Builder, flags []cli.Flag) {
	b.WriteString("| option | |\n|---|---|\n")
	for i := range flags {
		b.WriteString("| `" + strings.ReplaceAll(flags[i].Synopsis(), ", ", "`, `") + "` | " + cell(flags[i].Explanation()) + " |\n")
	}
	b.WriteString("\n")
}

// angles keeps what looks like a tag from being one.
var angles = strings.NewReplacer("<", "&lt;", ">", "&gt;")

func cell(text string) string { return strings.ReplaceAll(angles.Replace(text), "|", `\|`) }

func sentence(text string) string { return angles.Replace(capital(text)) + "." }
