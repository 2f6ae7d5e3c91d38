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

// TestInitSize keeps the C that runs inside containers small enough to be read in one sitting.
func TestInitSize(t *testing.T) {
	total := 0
	files(t, func(rel string, data []byte) {
		if !bytes.Contains(data, []byte("Code generated")) {
			total += bytes.Count(data, []byte("\n"))
		}
	}, "csrc/init.c", ".S")
	if total > maxInitLines {
		t.Errorf("the init has %d lines, at most %d", total, maxInitLines)
	}
}
