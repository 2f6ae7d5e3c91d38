package cli

import (
	"strings"
	"testing"
)

func example() *Command {
	return &Command{
		Name: "fly", Args: "<bird> [where]", Summary: "let a bird fly",
		Doc: `
The bird flies as far as it can, which is farther than one line of this text may
be.

    program fly sparrow
    program fly --high eagle
`,
		Flags: []Flag{
			{Name: "high", Help: "fly high"},
			{Name: "secret", Hidden: true, Help: "nobody sees this"},
			{Name: "direction", Short: "d", Arg: "NAME", Default: "south", Help: "fly in that direction"},
			{Name: "with-a-very-long-name", Arg: "VALUE", Help: "an explanation that begins on a line of its own, and goes on and on until it needs a second one"},
		},
	}
}

func TestHelp(t *testing.T) {
	want := `NAME:
   program fly - let a bird fly

USAGE:
   program fly [command options] <bird> [where]

DESCRIPTION:
   The bird flies as far as it can, which is farther than one line of this text may be.

       program fly sparrow
       program fly --high eagle

OPTIONS:
   --high                         fly high
   --direction NAME, -d NAME      fly in that direction (default: south)
   --with-a-very-long-name VALUE  an explanation that begins on a line of its own, and
                                  goes on and on until it needs a second one
   --help, -h                     show help
`
	if got := example().Help("program"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestHelpNeedsNoTrailingSpace(t *testing.T) {
	p := &Program{Name: "program", Summary: "does things", Doc: "It does.", Commands: []*Command{example()}, Flags: []Flag{{Name: "root", Arg: "DIR", Help: "where"}}}
	for _, text := range []string{p.Help(), example().Help("program")} {
		for line := range strings.Lines(text) {
			if strings.TrimRight(line, " \n") != strings.TrimSuffix(line, "\n") || len(line) > width+1 {
				t.Errorf("line %q", line)
			}
		}
	}
}

func TestParagraphs(t *testing.T) {
	got := Paragraphs("\nOne\ntwo.\n\n    code\n      more\n\nThree.\n")
	want := []Paragraph{{Text: "One two."}, {Text: "code\n  more", Example: true}, {Text: "Three."}}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%+v, want %+v", got[i], want[i])
		}
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"", 10, ""},
		{"a b c", 10, "a b c"},
		{"a b c", 3, "a b|c"},
		{"a longword b", 4, "a|longword|b"},
	} {
		if got := strings.Join(wrap(c.text, c.limit), "|"); got != c.want {
			t.Errorf("wrap(%q, %d) = %q, want %q", c.text, c.limit, got, c.want)
		}
	}
}
