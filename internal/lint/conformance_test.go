package lint

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// statements is how many numbers docs/conformance.md explains.
const statements = 54

var (
	conformanceRow = regexp.MustCompile(`(?m)^\| N(\d+) \| (.+) \| (.+) \|$`)
	testName       = regexp.MustCompile("`(Test\\w+)`")
	statementTest  = regexp.MustCompile(`^Test(?:N\d+)+`)
)

// TestConformancePage holds docs/conformance.md and the tests together: every statement
// has a test named after it, every test that it lists is there, and every test that is
// named after a statement is listed with it.
func TestConformancePage(t *testing.T) {
	tests := map[string]string{}
	for _, src := range sources(t) {
		if !src.isTest() {
			continue
		}
		for _, decl := range src.file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
				tests[f.Name.Name] = src.path
			}
		}
	}
	data, err := os.ReadFile(filepath.Join(root(t), "docs/conformance.md"))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{} // by "NUMBER TEST"
	next := 1
	for _, row := range conformanceRow.FindAllStringSubmatch(string(data), -1) {
		if row[1] != strconv.Itoa(next) {
			t.Errorf("N%s follows N%d", row[1], next-1)
		}
		next++
		own := false
		for _, name := range testName.FindAllStringSubmatch(row[3], -1) {
			if tests[name[1]] == "" {
				t.Errorf("N%s: there is no test %s", row[1], name[1])
			}
			listed[row[1]+" "+name[1]] = true
			own = own || isAbout(name[1], row[1])
		}
		if !own {
			t.Errorf("N%s has no test that is named after it", row[1])
		}
	}
	if next != statements+1 {
		t.Errorf("%d statements, want %d", next-1, statements)
	}
	for name, path := range tests {
		for n := 1; n <= statements; n++ {
			if number := strconv.Itoa(n); isAbout(name, number) && !listed[number+" "+name] {
				t.Errorf("%s: docs/conformance.md does not list %s with N%s", path, name, number)
			}
		}
	}
}

// isAbout says whether a test is named after a statement.
func isAbout(test, number string) bool {
	for _, n := range strings.Split(statementTest.FindString(test), "N") {
		if strings.TrimLeft(n, "0") == number {
			return true
		}
	}
	return false
}
