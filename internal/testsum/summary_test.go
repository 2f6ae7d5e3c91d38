package main

import (
	"strings"
	"testing"
)

var summaryCases = []struct {
	name, in, last string
	want           []string
	ok             bool
}{
	{
		name: "leaf tests are counted, parents are not",
		in: `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/x"}
{"Action":"pass","Package":"p","Test":"TestA/x","Elapsed":0.5}
{"Action":"pass","Package":"p","Test":"TestA","Elapsed":0.5}
{"Action":"run","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:3: no such kernel\n"}
{"Action":"skip","Package":"p","Test":"TestB"}
{"Action":"pass","Package":"p","Elapsed":0.6}
`,
		want: []string{"TestB: b_test.go:3: no such kernel"},
		last: "1 passed, 0 failed, 1 skipped",
		ok:   true,
	},
	{
		name: "a failed subtest counts once, with its output",
		in: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/x"}
{"Action":"output","Package":"p","Test":"TestA/x","Output":"    boom\n"}
{"Action":"fail","Package":"p","Test":"TestA/x"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}
`,
		want: []string{"boom"},
		last: "0 passed, 1 failed, 0 skipped",
	},
	{
		name: "a package that does not build is a failure with the compiler's words",
		in: `{"ImportPath":"p [p.test]","Action":"build-output","Output":"p.go:1: syntax error\n"}
{"ImportPath":"p [p.test]","Action":"build-fail"}
{"Action":"start","Package":"p"}
{"Action":"fail","Package":"p","FailedBuild":"p [p.test]"}
`,
		want: []string{"p.go:1: syntax error"},
		last: "0 passed, 1 failed, 0 skipped",
	},
	{
		name: "a test that never ended is a failure",
		in: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}
`,
		last: "0 passed, 1 failed, 0 skipped",
	},
	{
		name: "a package that never ended is a failure",
		in:   `{"Action":"output","Package":"p","Output":"killed\n"}` + "\n",
		want: []string{"killed"},
		last: "0 passed, 1 failed, 0 skipped",
	},
	{
		name: "other lines pass through, and no test at all is not success",
		in:   "make: *** nothing\n",
		want: []string{"make: *** nothing"},
		last: "0 passed, 0 failed, 0 skipped",
	},
}

func TestSummary(t *testing.T) {
	for _, c := range summaryCases {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			s := newSummary(&out)
			if err := s.read(strings.NewReader(c.in)); err != nil {
				t.Fatal(err)
			}
			if ok := s.finish(); ok != c.ok {
				t.Errorf("success = %v, want %v", ok, c.ok)
			}
			lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
			if last := lines[len(lines)-1]; last != c.last {
				t.Errorf("last line %q, want %q", last, c.last)
			}
			for _, w := range c.want {
				if !strings.Contains(out.String(), w) {
					t.Errorf("no %q in:\n%s", w, out.String())
				}
			}
		})
	}
}

func TestSummarySamePackageTwice(t *testing.T) {
	run := `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p"}
`
	var out strings.Builder
	s := newSummary(&out)
	if err := s.read(strings.NewReader(run + run)); err != nil {
		t.Fatal(err)
	}
	if !s.finish() || s.passed != 2 {
		t.Errorf("passed = %d, want 2\n%s", s.passed, out.String())
	}
}
