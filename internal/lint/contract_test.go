package lint

import (
	"flag"
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what is generated in docs/contract.md instead of comparing it")

// contractSections is how many sections of promises docs/contract.md has.
const contractSections = 11

const scenarioDir = "tests/integration"

var (
	contractRow = regexp.MustCompile(`(?m)^\| (\d+)\.(\d+) \| (.+) \| (.+) \|$`)
	// commandTests are the scenarios that are about the command line.
	commandTests = regexp.MustCompile(`^Test(Usage|Log|List|Kill|Delete|Pause|Ps|Exec|Events|Update|Spec|Features|Terminal|FDs|Notify|` +
		`Checkpoint|Restore|Caller|Run|Create|Start|State|Concurrent|Crash|Explain|Trace|Hooks|Errors|Stdio)`)
	// lacking are the reasons of a peer that does not have what is tested.
	lacking = regexp.MustCompile(`has no such (command|option)`)
	older   = regexp.MustCompile(`\b1\.1\.\d+\b`)
)

// scenarios is what the page is compared with.
type scenarios struct {
	// dirs has the folders of each test.
	dirs map[string][]string
	// reasons says of each scenario what runc does otherwise.
	reasons map[string][]string
}

// TestContractPage holds docs/contract.md and the tests together: every promise has tests,
// all that are listed are there, every section has a scenario, every scenario about the
// command line is listed, and so is what runc does otherwise, with an argument where a
// newer version does so too.
func TestContractPage(t *testing.T) {
	found := findScenarios(t)
	path := filepath.Join(root(t), "docs/contract.md")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	listed := checkPromises(t, page, found)
	for name, dirs := range found.dirs {
		if slices.Contains(dirs, scenarioDir) && commandTests.MatchString(name) && !listed[name] {
			t.Errorf("docs/contract.md lists no promise with the scenario %s", name)
		}
	}
	checkArguments(t, page, found)
	const begin, end = "<!-- differences -->\n", "<!-- end -->\n"
	head, rest, ok := strings.Cut(page, begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("docs/contract.md has no place for the differences")
	}
	fresh := head + begin + found.table() + end + tail
	switch {
	case fresh == page:
	case *update:
		if err := os.WriteFile(path, []byte(fresh), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Error("the differences in docs/contract.md are stale: go test ./internal/lint -run TestContractPage -update")
	}
}

// checkPromises looks at the tables of the sections, and gives the tests in them.
func checkPromises(t *testing.T, page string, found scenarios) (listed map[string]bool) {
	t.Helper()
	listed = map[string]bool{}
	hasScenario := map[int]bool{}
	section, number := 1, 0
	for _, row := range contractRow.FindAllStringSubmatch(page, -1) {
		if row[1] == strconv.Itoa(section+1) {
			section, number = section+1, 0
		}
		number++
		if row[1] != strconv.Itoa(section) || row[2] != strconv.Itoa(number) {
			t.Errorf("%s.%s is where %d.%d should be", row[1], row[2], section, number)
		}
		names := testName.FindAllStringSubmatch(row[4], -1)
		if len(names) == 0 {
			t.Errorf("%s.%s has no test", row[1], row[2])
		}
		for _, name := range names {
			if found.dirs[name[1]] == nil {
				t.Errorf("%s.%s: there is no test %s", row[1], row[2], name[1])
			}
			listed[name[1]] = true
			if slices.Contains(found.dirs[name[1]], scenarioDir) {
				hasScenario[section] = true
			}
		}
	}
	if section != contractSections {
		t.Errorf("%d sections, want %d", section, contractSections)
	}
	for i := 1; i <= contractSections; i++ {
		if !hasScenario[i] {
			t.Errorf("section %d has no scenario, which would also run on runc", i)
		}
	}
	return listed
}

// checkArguments wants a reason to be other than runc, if it is not only an old version
// or has nothing to compare.
func checkArguments(t *testing.T, page string, found scenarios) {
	t.Helper()
	_, argued, _ := strings.Cut(page, "\n## Where runc does something else")
	argued, _, _ = strings.Cut(argued, "\n## ")
	names := map[string]bool{}
	for _, name := range testName.FindAllStringSubmatch(argued, -1) {
		names[name[1]] = true
		if found.reasons[name[1]] == nil {
			t.Errorf("docs/contract.md argues about %s, where runc does the same", name[1])
		}
	}
	for name, reasons := range found.reasons {
		needed := slices.ContainsFunc(reasons, func(r string) bool { return !older.MatchString(r) && !lacking.MatchString(r) })
		if needed && !names[name] {
			t.Errorf("docs/contract.md does not argue about %s, where runc %q", name, reasons)
		}
	}
}

// table is the generated part of the page.
func (s scenarios) table() string {
	var rows []string // one for each difference, so that changes of several people rarely meet
	for name, reasons := range s.reasons {
		for _, reason := range reasons {
			rows = append(rows, fmt.Sprintf("| `%s` | %s |\n", name, strings.ReplaceAll(reason, "|", "\\|")))
		}
	}
	slices.Sort(rows)
	return "\n| Scenario | What runc does |\n|---|---|\n" + strings.Join(rows, "") + "\n"
}

// findScenarios reads all tests of the tree, and what they say of runc.
func findScenarios(t *testing.T) scenarios {
	t.Helper()
	found := scenarios{map[string][]string{}, map[string][]string{}}
	constants := map[string]string{}
	var functions []*ast.FuncDecl
	for _, src := range sources(t) {
		if !src.isTest() {
			continue
		}
		for _, decl := range src.file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && strings.HasPrefix(d.Name.Name, "Test") {
					found.dirs[d.Name.Name] = append(found.dirs[d.Name.Name], src.dir())
				}
				if src.dir() == scenarioDir {
					functions = append(functions, d)
				}
			case *ast.GenDecl:
				if src.dir() == scenarioDir {
					readConstants(d, constants)
				}
			}
		}
	}
	for _, f := range functions {
		for _, reason := range reasonsIn(f, constants) {
			for _, name := range testsOf(f, functions, 3) {
				if !slices.Contains(found.reasons[name], reason) {
					found.reasons[name] = append(found.reasons[name], reason)
				}
			}
		}
	}
	if len(found.reasons) == 0 {
		t.Fatal("no scenario differs from runc: the search is broken")
	}
	return found
}

func readConstants(d *ast.GenDecl, constants map[string]string) {
	for _, spec := range d.Specs {
		v, ok := spec.(*ast.ValueSpec)
		if !ok || d.Tok != token.CONST || len(v.Values) != 1 {
			continue
		}
		if text, ok := literal(v.Values[0]); ok {
			constants[v.Names[0].Name] = text
		}
	}
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// reasonsIn gives the second arguments of the calls of differs for runc.
func reasonsIn(f *ast.FuncDecl, constants map[string]string) (reasons []string) {
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 2 {
			return true
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		if peer, isText := literal(call.Args[0]); !ok || method.Sel.Name != "differs" || !isText || peer != "runc" {
			return true
		}
		reason, ok := literal(call.Args[1])
		if name, isName := call.Args[1].(*ast.Ident); isName {
			reason, ok = constants[name.Name]
		}
		if !ok {
			reason = "does otherwise in some of the cases, which say so"
		}
		reasons = append(reasons, reason)
		return true
	})
	return reasons
}

// testsOf gives a test itself, and for what tests share, the tests that name it, directly
// or in a few steps.
func testsOf(f *ast.FuncDecl, functions []*ast.FuncDecl, steps int) (names []string) {
	if strings.HasPrefix(f.Name.Name, "Test") {
		return []string{f.Name.Name}
	}
	if steps == 0 {
		return nil
	}
	for _, other := range functions {
		uses := false
		ast.Inspect(other.Body, func(n ast.Node) bool {
			name, ok := n.(*ast.Ident)
			uses = uses || ok && name.Name == f.Name.Name
			return !uses
		})
		if uses && other != f {
			names = append(names, testsOf(other, functions, steps-1)...)
		}
	}
	return names
}
