package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// event is one line of `go test -json` (see go doc test2json).
type event struct {
	Action      string
	Package     string
	ImportPath  string
	Test        string
	Elapsed     float64
	Output      string
	FailedBuild string
}

// result is a finished test.
type result struct {
	name    string
	seconds float64
}

// summary collects events; each package is printed and forgotten when it ends,
// so the same package may be run again.
type summary struct {
	out     io.Writer
	passed  int
	failed  int
	skipped int

	packages map[string]*pkg
	builds   map[string]*strings.Builder
	failures []string
	skips    []string
	slow     []result
}

type pkg struct {
	tests   map[string]*test
	order   []string
	output  strings.Builder
	skipped int
}

type test struct {
	action  string
	seconds float64
	output  strings.Builder
	parent  bool
}

func newSummary(out io.Writer) *summary {
	return &summary{out: out, packages: map[string]*pkg{}, builds: map[string]*strings.Builder{}}
}

func (s *summary) line(line []byte) {
	var e event
	if line[0] != '{' || json.Unmarshal(line, &e) != nil {
		fmt.Fprintf(s.out, "%s", line)
		return
	}
	switch {
	case e.Action == "build-output":
		s.buildOutput(e)
	case e.Package == "":
	case e.Test != "":
		s.testEvent(e)
	case e.Action == "output":
		s.pkg(e.Package).output.WriteString(e.Output)
	case e.Action == "pass", e.Action == "fail", e.Action == "skip":
		s.endPackage(e)
	}
}

func (s *summary) buildOutput(e event) {
	b := s.builds[e.ImportPath]
	if b == nil {
		b = &strings.Builder{}
		s.builds[e.ImportPath] = b
	}
	b.WriteString(e.Output)
}

func (s *summary) pkg(name string) *pkg {
	p := s.packages[name]
	if p == nil {
		p = &pkg{tests: map[string]*test{}}
		s.packages[name] = p
	}
	return p
}

func (s *summary) testEvent(e event) {
	p := s.pkg(e.Package)
	t := p.tests[e.Test]
	if t == nil {
		t = &test{}
		p.tests[e.Test] = t
		p.order = append(p.order, e.Test)
		if i := strings.LastIndexByte(e.Test, '/'); i >= 0 {
			if parent := p.tests[e.Test[:i]]; parent != nil {
				parent.parent = true
			}
		}
	}
	switch e.Action {
	case "output":
		t.output.WriteString(e.Output)
	case "pass", "fail", "skip":
		t.action, t.seconds = e.Action, e.Elapsed
	}
}

// endPackage counts the leaf tests of a package that ended and prints its line.
func (s *summary) endPackage(e event) {
	p := s.pkg(e.Package)
	delete(s.packages, e.Package)
	var passed, failed int
	for _, name := range p.order {
		switch t := p.tests[name]; {
		case t.action == "pass" && !t.parent:
			passed++
			s.slow = append(s.slow, result{name, t.seconds})
		case t.action == "skip" && !t.parent:
			p.skipped++
			s.skips = append(s.skips, name+": "+reason(t.output.String()))
		case t.action == "fail" || t.action == "":
			// A test without an end was running when its process died.
			if !t.parent || ownFailure(p, name) {
				failed++
			}
			s.fail(e.Package, name, t.output.String())
		}
	}
	if e.Action == "fail" && failed == 0 {
		failed++
		s.fail(e.Package, "", s.buildText(e)+p.output.String())
	}
	s.passed, s.failed, s.skipped = s.passed+passed, s.failed+failed, s.skipped+p.skipped
	s.packageLine(e, passed, failed, p.skipped)
}

func (s *summary) packageLine(e event, passed, failed, skipped int) {
	mark := "ok  "
	switch {
	case failed > 0:
		mark = "FAIL"
	case passed+skipped == 0:
		mark = "none"
	}
	fmt.Fprintf(s.out, "%s %-60s %4d passed %3d failed %3d skipped %7.1f s\n",
		mark, e.Package, passed, failed, skipped, e.Elapsed)
}

// ownFailure says whether a failed parent failed by itself rather than
// because of one of its subtests.
func ownFailure(p *pkg, parent string) bool {
	for name, t := range p.tests {
		if strings.HasPrefix(name, parent+"/") && (t.action == "fail" || t.action == "") {
			return false
		}
	}
	return true
}

func (s *summary) buildText(e event) string {
	if b := s.builds[e.FailedBuild]; b != nil {
		return b.String()
	}
	return ""
}

func (s *summary) fail(pkg, name, output string) {
	title := pkg
	if name != "" {
		title += " " + name
	}
	s.failures = append(s.failures, title+"\n"+indent(output))
}

// finish prints the totals and reports whether everything is well.
func (s *summary) finish() bool {
	for name, p := range s.packages {
		s.failed++
		s.fail(name, "", "did not end\n"+p.output.String())
	}
	s.list("slowest", s.slowest(5))
	s.list("skipped", s.skips)
	s.list("failed", s.failures)
	fmt.Fprintf(s.out, "%d passed, %d failed, %d skipped\n", s.passed, s.failed, s.skipped)
	return s.failed == 0 && s.passed > 0
}

func (s *summary) list(title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(s.out, "\n%s:\n", title)
	for _, line := range lines {
		fmt.Fprintf(s.out, "  %s\n", line)
	}
	fmt.Fprintln(s.out)
}

func (s *summary) slowest(n int) []string {
	slices.SortFunc(s.slow, func(a, b result) int { return cmp.Compare(b.seconds, a.seconds) })
	var lines []string
	for _, r := range s.slow[:min(n, len(s.slow))] {
		lines = append(lines, fmt.Sprintf("%6.2f s  %s", r.seconds, r.name))
	}
	return lines
}

// reason finds the words a test gave to Skip: the line before "--- SKIP".
func reason(output string) string {
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "===") && !strings.HasPrefix(line, "---") {
			return line
		}
	}
	return "no reason given"
}

func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "=== ") {
			continue
		}
		b.WriteString("      " + line)
	}
	return strings.TrimRight(b.String(), "\n")
}
