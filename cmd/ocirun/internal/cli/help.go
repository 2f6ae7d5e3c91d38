package cli

import "strings"

const (
	indent = "   "
	// width is that of the help text.
	width = 90
	// flagColumn is where the explanation of a flag begins at the latest.
	flagColumn = 30
)

// Help is the text that "PROGRAM COMMAND --help" prints.
func (c *Command) Help(program string) string {
	var b strings.Builder
	b.WriteString("NAME:\n" + indent + program + " " + c.Name + " - " + c.Summary + "\n\n")
	b.WriteString("USAGE:\n" + indent + c.Usage(program) + "\n")
	if c.Doc != "" {
		b.WriteString("\nDESCRIPTION:\n")
		writeDoc(&b, c.Doc)
	}
	writeFlags(&b, "OPTIONS", c.AllFlags())
	return b.String()
}

// Usage is the command's line of usage.
func (c *Command) Usage(program string) string {
	line := program + " " + c.Name + " [command options]"
	if c.Args != "" {
		line += " " + c.Args
	}
	return line
}

// AllFlags are the documented flags, with --help.
func (c *Command) AllFlags() []Flag {
	return append(shown(c.Flags), helpFlag)
}

// AllFlags are the documented global flags, with --help.
func (p *Program) AllFlags() []Flag {
	return append(shown(p.Flags), helpFlag)
}

var helpFlag = Flag{Name: "help", Short: "h", Help: "show help"}

func shown(flags []Flag) []Flag {
	list := make([]Flag, 0, len(flags)+1)
	for _, f := range flags {
		if !f.Hidden {
			list = append(list, f)
		}
	}
	return list
}

// Help is the text that "PROGRAM --help" prints.
func (p *Program) Help() string {
	var b strings.Builder
	b.WriteString("NAME:\n" + indent + p.Name + " - " + p.Summary + "\n\n")
	b.WriteString("USAGE:\n" + indent + p.Usage() + "\n\n")
	b.WriteString("DESCRIPTION:\n")
	writeDoc(&b, p.Doc)
	b.WriteString("\nCOMMANDS:\n")
	column := 0
	for _, c := range p.Commands {
		column = max(column, len(c.names()))
	}
	for _, c := range p.Commands {
		pad := strings.Repeat(" ", column-len(c.names()))
		b.WriteString(indent + c.names() + pad + "  " + c.Summary + "\n")
	}
	writeFlags(&b, "GLOBAL OPTIONS", p.AllFlags())
	return b.String()
}

// Usage is the line of usage of the whole program.
func (p *Program) Usage() string {
	return p.Name + " [global options] command [command options] [arguments...]"
}

func (c *Command) names() string {
	if c.Alias != "" {
		return c.Name + ", " + c.Alias
	}
	return c.Name
}

// Synopsis is the flag as it is typed: "--bundle DIR, -b DIR".
func (f *Flag) Synopsis() string {
	value := ""
	if f.Arg != "" {
		value = " " + f.Arg
	}
	text := "--" + f.Name + value
	if f.Short != "" {
		text += ", -" + f.Short + value
	}
	return text
}

// Explanation is the flag's help with its default.
func (f *Flag) Explanation() string {
	if f.Default != "" {
		return f.Help + " (default: " + f.Default + ")"
	}
	return f.Help
}

func writeFlags(b *strings.Builder, title string, flags []Flag) {
	b.WriteString("\n" + title + ":\n")
	column := 0
	for i := range flags {
		column = max(column, len(flags[i].Synopsis()))
	}
	column = min(column, flagColumn)
	margin := strings.Repeat(" ", len(indent)+column+2)
	for i := range flags {
		synopsis := flags[i].Synopsis()
		b.WriteString(indent + synopsis)
		if len(synopsis) > column {
			b.WriteString("\n" + margin)
		} else {
			b.WriteString(margin[len(indent)+len(synopsis):])
		}
		b.WriteString(strings.Join(wrap(flags[i].Explanation(), width-len(margin)), "\n"+margin) + "\n")
	}
}

// Paragraphs splits a description. An example keeps its lines, without the
// indentation; the lines of other paragraphs are joined.
func Paragraphs(doc string) []Paragraph {
	var list []Paragraph
	for text := range strings.SplitSeq(strings.Trim(doc, "\n"), "\n\n") {
		lines := strings.Split(text, "\n")
		if !strings.HasPrefix(lines[0], "    ") {
			list = append(list, Paragraph{Text: strings.Join(lines, " ")})
			continue
		}
		for i := range lines {
			lines[i] = strings.TrimPrefix(lines[i], "    ")
		}
		list = append(list, Paragraph{Text: strings.Join(lines, "\n"), Example: true})
	}
	return list
}

// Paragraph is a part of a description.
type Paragraph struct {
	Text    string
	Example bool
}

func writeDoc(b *strings.Builder, doc string) {
	for i, p := range Paragraphs(doc) {
		if i > 0 {
			b.WriteString("\n")
		}
		margin, lines := indent, wrap(p.Text, width-len(indent))
		if p.Example {
			margin, lines = indent+"    ", strings.Split(p.Text, "\n")
		}
		for _, line := range lines {
			b.WriteString(margin + line + "\n")
		}
	}
}

// wrap breaks a text into lines of at most so many bytes, or one word.
func wrap(text string, limit int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > limit {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
