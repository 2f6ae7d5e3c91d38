package cli

import (
	"errors"
	"flag"
	"io"
	"slices"
	"strings"
	"testing"
)

// target is one flag of each kind.
type target struct {
	keep   bool
	bundle string
	root   *string
	env    []string
	count  int
}

func (v *target) flags() []Flag {
	return []Flag{
		{Name: "keep", Short: "k", Into: Bool(&v.keep)},
		{Name: "bundle", Short: "b", Into: String(&v.bundle)},
		{Name: "root", Into: Maybe(&v.root)},
		{Name: "env", Short: "e", Into: List(&v.env)},
		{Name: "preserve-fds", Into: Int(&v.count)},
	}
}

func TestParse(t *testing.T) {
	root := func(s string) *string { return &s }
	for _, c := range []struct {
		argv string
		want target
		rest string
	}{
		{"", target{}, ""},
		{"id", target{}, "id"},
		{"--keep id", target{keep: true}, "id"},
		{"-keep id", target{keep: true}, "id"},
		{"-k id", target{keep: true}, "id"},
		{"--k id", target{keep: true}, "id"},
		{"id --keep", target{keep: true}, "id"},
		{"--keep=false id", target{}, "id"},
		{"--keep --keep=0 id", target{}, "id"},
		{"--keep=T id", target{keep: true}, "id"},
		{"--bundle /b id", target{bundle: "/b"}, "id"},
		{"--bundle=/b id", target{bundle: "/b"}, "id"},
		{"-bundle=/b=c id", target{bundle: "/b=c"}, "id"},
		{"-b /b -b /c id", target{bundle: "/c"}, "id"},
		{"-b=/b id", target{bundle: "/b"}, "id"},
		{"id -b /b", target{bundle: "/b"}, "id"},
		{"one -b /b two --keep three", target{bundle: "/b", keep: true}, "one two three"},
		{"--bundle --keep id", target{bundle: "--keep"}, "id"},
		{"--bundle -- id", target{bundle: "--"}, "id"},
		{"--bundle= id", target{}, "id"},
		{"--root= id", target{root: root("")}, "id"},
		{"--root /r id", target{root: root("/r")}, "id"},
		{"-e A=1 --env B=2 -e=C=3 id", target{env: []string{"A=1", "B=2", "C=3"}}, "id"},
		{"--preserve-fds 2 id", target{count: 2}, "id"},
		{"--preserve-fds=0x10 id", target{count: 16}, "id"},
		{"--preserve-fds -1 id", target{count: -1}, "id"},
		{"-- --keep", target{}, "--keep"},
		{"--keep -- id", target{keep: true}, "id"},
		{"id -- --keep -- x", target{}, "id --keep -- x"},
		{"- id", target{}, "- id"},
		{"--help=false id", target{}, "id"},
	} {
		t.Run(c.argv, func(t *testing.T) {
			var got target
			rest, err := Parse(got.flags(), false, strings.Fields(c.argv))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Join(rest, " ") != c.rest {
				t.Errorf("arguments %q, want %q", rest, c.rest)
			}
			same := got.keep == c.want.keep && got.bundle == c.want.bundle && got.count == c.want.count && slices.Equal(got.env, c.want.env) &&
				(got.root == nil) == (c.want.root == nil) && (got.root == nil || *got.root == *c.want.root)
			if !same {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestParseFirstStops(t *testing.T) {
	for argv, want := range map[string]string{
		"--keep id --keep":     "id --keep",
		"--keep id sh -c true": "id sh -c true",
		"id --bad":             "id --bad",
		"id -- cmd":            "id -- cmd",
		"-- id --keep":         "id --keep",
	} {
		var v target
		rest, err := Parse(v.flags(), true, strings.Fields(argv))
		if err != nil || strings.Join(rest, " ") != want {
			t.Errorf("%s: %q, %v", argv, rest, err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for argv, want := range map[string]string{
		"--badflag":                          "flag provided but not defined: -badflag",
		"-badflag id":                        "flag provided but not defined: -badflag",
		"id --badflag=x":                     "flag provided but not defined: -badflag",
		"-9 id":                              "flag provided but not defined: -9",
		"-kb id":                             "flag provided but not defined: -kb",
		"--bundle":                           "flag needs an argument: -bundle",
		"id -b":                              "flag needs an argument: -b",
		"--preserve-fds abc id":              `invalid value "abc" for flag -preserve-fds: parse error`,
		"--preserve-fds= id":                 `invalid value "" for flag -preserve-fds: parse error`,
		"--preserve-fds 1.5":                 `invalid value "1.5" for flag -preserve-fds: parse error`,
		"--preserve-fds 9999999999999999999": `invalid value "9999999999999999999" for flag -preserve-fds: value out of range`,
		"--keep=maybe id":                    `invalid boolean value "maybe" for -keep: parse error`,
		"-k= id":                             `invalid boolean value "" for -k: parse error`,
		"--help=x":                           `invalid boolean value "x" for -help: parse error`,
		"---keep":                            "bad flag syntax: ---keep",
		"-=x":                                "bad flag syntax: -=x",
		"--=x":                               "bad flag syntax: --=x",
		"--badflag --help":                   "flag provided but not defined: -badflag",
		"--help --badflag":                   "flag provided but not defined: -badflag",
	} {
		var v target
		if _, err := Parse(v.flags(), false, strings.Fields(argv)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", argv, err, want)
		}
	}
}

func TestParseHelp(t *testing.T) {
	for _, argv := range []string{"--help", "-h", "-help", "--h", "id --help", "--keep -h id", "--help=true", "-h id more"} {
		var v target
		if _, err := Parse(v.flags(), false, strings.Fields(argv)); !errors.Is(err, ErrHelp) {
			t.Errorf("%s: %v", argv, err)
		}
	}
}

func TestCheckCount(t *testing.T) {
	for _, c := range []struct {
		min, max, n int
		want        string
	}{
		{1, 1, 1, ""},
		{1, 1, 0, "requires exactly 1 argument(s)"},
		{1, 1, 2, "requires exactly 1 argument(s)"},
		{0, 0, 1, "requires exactly 0 argument(s)"},
		{1, 2, 0, "requires a minimum of 1 argument(s)"},
		{1, 2, 2, ""},
		{1, 2, 3, "requires a maximum of 2 argument(s)"},
		{1, Unlimited, 0, "requires a minimum of 1 argument(s)"},
		{1, Unlimited, 99, ""},
	} {
		got := ""
		if err := (&Command{Min: c.min, Max: c.max}).CheckCount(make([]string, c.n)); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%d to %d, given %d: %q, want %q", c.min, c.max, c.n, got, c.want)
		}
	}
}

// FuzzParse compares with package flag, whose messages callers know. That
// package knows no flags behind arguments.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"--keep\nid", "-b\n/x\nid\n--keep", "--preserve-fds=0x1f\n--\n-k", "--env\nA\n-e=B", "-=x", "--keep=maybe", "-b", "-", "--", "-k=\n-x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, lines string) {
		args := strings.Split(lines, "\n")
		var ours, theirs target
		rest, err := Parse(ours.flags(), true, args)
		set := flag.NewFlagSet("", flag.ContinueOnError)
		set.SetOutput(io.Discard)
		help := false
		for _, name := range []string{"", "h", "help"} {
			if name != "" {
				set.BoolVar(&help, name, false, "")
			}
		}
		both := func(define func(name string), names ...string) {
			for _, name := range names {
				define(name)
			}
		}
		both(func(n string) { set.BoolVar(&theirs.keep, n, false, "") }, "keep", "k")
		both(func(n string) { set.StringVar(&theirs.bundle, n, "", "") }, "bundle", "b")
		both(func(n string) {
			set.Func(n, "", func(s string) error { theirs.env = append(theirs.env, s); return nil })
		}, "env", "e")
		both(func(n string) { set.IntVar(&theirs.count, n, 0, "") }, "preserve-fds")
		both(func(n string) { set.Func(n, "", func(s string) error { theirs.root = &s; return nil }) }, "root")
		want := set.Parse(args)
		if help && want == nil {
			want = ErrHelp
		}
		if (err == nil) != (want == nil) || err != nil && err.Error() != want.Error() {
			t.Fatalf("%q: error %v, package flag has %v", args, err, want)
		}
		if err != nil {
			return
		}
		if !slices.Equal(rest, set.Args()) || ours.keep != theirs.keep || ours.bundle != theirs.bundle || ours.count != theirs.count || !slices.Equal(ours.env, theirs.env) {
			t.Fatalf("%q: %+v %q, package flag has %+v %q", args, ours, rest, theirs, set.Args())
		}
	})
}
