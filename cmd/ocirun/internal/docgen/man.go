package docgen

import (
	"strings"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
)

// ProgramPage is the manual page of the whole program, in the macros of man(7).
func ProgramPage(p *cli.Program) string {
	b := page(p, p.Name, p.Summary)
	b.section("SYNOPSIS")
	b.line(".B " + roff(p.Name))
	b.line("[global options] command [command options] [arguments...]")
	b.section("DESCRIPTION")
	b.doc(p.Doc)
	b.section("COMMANDS")
	for _, c := range p.Commands {
		b.line(".TP")
		b.line(`\fB` + roff(p.Name+"-"+c.Name) + `\fR(8)`)
		b.line(roff(capital(c.Summary)) + ".")
	}
	b.section("GLOBAL OPTIONS")
	b.flags(p.AllFlags())
	for _, s := range p.Sections {
		b.section(s.Title)
		b.doc(s.Doc)
	}
	return b.String()
}

// CommandPage is the manual page of one command.
func CommandPage(p *cli.Program, c *cli.Command) string {
	b := page(p, p.Name+"-"+c.Name, c.Summary)
	b.section("SYNOPSIS")
	b.line(`.B ` + roff(p.Name+" "+c.Name))
	b.line(strings.TrimSpace("[command options] " + roff(c.Args)))
	if c.Doc != "" {
		b.section("DESCRIPTION")
		b.doc(c.Doc)
	}
	b.section("OPTIONS")
	b.flags(c.AllFlags())
	b.section("SEE ALSO")
	b.line(`\fB` + roff(p.Name) + `\fR(8)`)
	return b.String()
}

// pageWriter writes a manual page.
type pageWriter struct{ strings.Builder }

func page(p *cli.Program, name, summary string) *pageWriter {
	b := &pageWriter{}
	b.line(`.\" ` + notice)
	b.line(`.TH "` + strings.ToUpper(roff(name)) + `" "8" "" "` + p.Name + `" "System Administration"`)
	b.line(".nh")
	b.section("NAME")
	b.line(roff(name) + ` \- ` + roff(summary))
	return b
}

func (b *pageWriter) line(text string) { b.WriteString(text + "\n") }

func (b *pageWriter) section(title string) { b.line(".SH " + title) }

func (b *pageWriter) doc(doc string) {
	for i, p := range cli.Paragraphs(doc) {
		if i > 0 {
			b.line(".PP")
		}
		if !p.Example {
			b.line(roff(p.Text))
			continue
		}
		b.line(".RS 4\n.nf")
		for text := range strings.SplitSeq(p.Text, "\n") {
			b.line(roff(text))
		}
		b.line(".fi\n.RE")
	}
}

func (b *pageWriter) flags(flags []cli.Flag) {
	for i := range flags {
		f := &flags[i]
		value := ""
		if f.Arg != "" {
			value = ` \fI` + roff(f.Arg) + `\fR`
		}
		tag := `\fB` + roff("--"+f.Name) + `\fR` + value
		if f.Short != "" {
			tag += `, \fB` + roff("-"+f.Short) + `\fR` + value
		}
		b.line(".TP\n" + tag)
		b.line(roff(capital(f.Explanation())) + ".")
	}
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// roff escapes what would be a request or an escape. A hyphen becomes a minus
// sign, so that options can be copied from the page.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "~", `\(ti`, "^", `\(ha`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
