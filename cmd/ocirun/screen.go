package main

import (
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// terminal tells whether somebody sees what is written there.
func terminal(out io.Writer) (*os.File, bool) {
	f, ok := out.(*os.File)
	if !ok {
		return nil, false
	}
	_, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	return f, err == nil
}

// screen is where tables are drawn.
type screen struct {
	// size gives the columns and rows of a terminal; it is nil for all else.
	size func() (columns, rows int)
}

func newScreen(out io.Writer) *screen {
	f, ok := terminal(out)
	if !ok {
		return &screen{}
	}
	return &screen{size: func() (columns, rows int) {
		size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
		if err != nil {
			return 0, 0
		}
		return int(size.Col), int(size.Row)
	}}
}

// show puts a text in the place of the last one, cut to what the screen has room for.
// Where nothing can be replaced an empty line comes between the two.
func (s *screen) show(text string, first bool) string {
	if s.size == nil {
		if first {
			return text
		}
		return "\n" + text
	}
	const home, clearLine, clearRest, clearAll = "\x1b[H", "\x1b[K", "\x1b[J", "\x1b[2J"
	columns, rows := s.size()
	var b strings.Builder
	if first {
		b.WriteString(clearAll)
	}
	b.WriteString(home)
	n := 0
	for line := range strings.Lines(text) {
		if n++; rows > 1 && n >= rows { // the last row stays free for the cursor
			break
		}
		line = strings.TrimSuffix(line, "\n")
		if runes := []rune(line); columns > 0 && len(runes) > columns {
			line = string(runes[:columns])
		}
		b.WriteString(line + clearLine + "\n")
	}
	return b.String() + clearRest
}
