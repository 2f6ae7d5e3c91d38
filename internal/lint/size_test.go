package lint

import (
	"bytes"
	"go/ast"
	"strconv"
	"testing"
)

const (
	maxFunctionLines = 80
	maxFileLines     = 450
	maxInitLines     = 900 // all hand-written C of the container init together
	maxRelayLines    = 400 // the same of the relay
)

func itoa(n int) string { return strconv.Itoa(n) }

// TestFunctionLength counts the lines between the braces, tests included.
func TestFunctionLength(t *testing.T) {
	for _, src := range sources(t) {
		if src.generated() {
			continue
		}
		ast.Inspect(src.file, func(n ast.Node) bool {
			fn, ok := n.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				return true
			}
			lines := src.fset.Position(fn.Body.Rbrace).Line - src.fset.Position(fn.Body.Lbrace).Line - 1
			if lines > maxFunctionLines {
				t.Errorf("%s: %s has %d lines, at most %d", src.line(fn), fn.Name.Name, lines, maxFunctionLines)
			}
			return true
		})
	}
}

// TestFileLength leaves generated files and tables of data out.
func TestFileLength(t *testing.T) {
	for _, src := range sources(t) {
		if !src.generated() && src.lines > maxFileLines {
			t.Errorf("%s has %d lines, at most %d", src.path, src.lines, maxFileLines)
		}
	}
}

// TestInitSize keeps the C small enough to be read in one sitting.
func TestInitSize(t *testing.T) {
	for name, most := range map[string]int{"init.c": maxInitLines, "relay.c": maxRelayLines} {
		total := 0
		files(t, func(rel string, data []byte) { total += bytes.Count(data, []byte("\n")) }, name)
		if total == 0 || total > most {
			t.Errorf("%s has %d lines, at most %d", name, total, most)
		}
	}
}
