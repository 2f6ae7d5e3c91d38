package main

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/ocirun/ocirun/libcontainer"
)

// message takes the text out of the only record on standard error.
func (c *call) message(t *testing.T) string {
	t.Helper()
	text := c.err.String()
	if strings.Count(text, "\n") != 1 {
		t.Errorf("standard error is not one record: %q", text)
	}
	_, msg, ok := strings.Cut(strings.TrimSuffix(text, "\n"), " level=error msg=")
	if !ok {
		t.Errorf("no error in %q", text)
	}
	if strings.HasPrefix(msg, `"`) {
		msg = strings.NewReplacer(`\"`, `"`).Replace(msg[1 : len(msg)-1])
	}
	return msg
}

func TestWrongUse(t *testing.T) {
	for _, c := range []struct {
		argv    string
		code    int
		message string
		out     string
	}{
		{"create", 1, `/usr/sbin/ocirun: "create" requires exactly 1 argument(s)`, "Incorrect Usage.\n\nNAME:\n   ocirun create - "},
		{"run a b", 1, `/usr/sbin/ocirun: "run" requires exactly 1 argument(s)`, "Incorrect Usage.\n\nNAME:\n   ocirun run - "},
		{"state", 1, `/usr/sbin/ocirun: "state" requires exactly 1 argument(s)`, "Incorrect Usage.\n\n"},
		{"kill", 1, `/usr/sbin/ocirun: "kill" requires a minimum of 1 argument(s)`, "Incorrect Usage.\n\n"},
		{"kill a b c", 1, `/usr/sbin/ocirun: "kill" requires a maximum of 2 argument(s)`, "Incorrect Usage.\n\n"},
		{"list x", 1, `/usr/sbin/ocirun: "list" requires exactly 0 argument(s)`, "Incorrect Usage.\n\n"},
		{"explain a b", 1, `/usr/sbin/ocirun: "explain" requires a maximum of 1 argument(s)`, "Incorrect Usage.\n\n"},
		{"create --bad x", 1, "flag provided but not defined: -bad", "Incorrect Usage: flag provided but not defined: -bad\n\nNAME:\n   ocirun create - "},
		{"create --bundle", 1, "flag needs an argument: -bundle", "Incorrect Usage: flag needs an argument: -bundle\n\n"},
		{"run --preserve-fds abc x", 1, `invalid value "abc" for flag -preserve-fds: parse error`, `Incorrect Usage: invalid value "abc" for flag -preserve-fds: parse error` + "\n\n"},
		{"run --keep=maybe x", 1, `invalid boolean value "maybe" for -keep: parse error`, "Incorrect Usage: invalid boolean value"},
		{"list --version", 1, "flag provided but not defined: -version", "Incorrect Usage: "},
		{"--bad list", 1, "flag provided but not defined: -bad", "Incorrect Usage: flag provided but not defined: -bad\n\nNAME:\n   ocirun - "},
		{"--log", 1, "flag needs an argument: -log", "Incorrect Usage: "},
		{"badcmd", 3, "No help topic for 'badcmd'", ""},
		{"- list", 3, "No help topic for '-'", ""},
		{"help badtopic", 3, "No help topic for 'badtopic'", ""},
		{"init", 3, "No help topic for 'init'", ""},
		{"--log-format xml list", 1, "invalid log-format: xml", ""},
		{"--log /nonexistent/log list", 1, "open /nonexistent/log: no such file or directory", ""},
		{"--root / list", 1, "Option --root argument should not be set to /", ""},
		{"--root /tmp/.. state x", 1, "Option --root argument should not be set to /", ""},
		{"list --format xml", 1, "invalid format option", ""},
		{"list --format=", 1, "invalid format option", ""},
		{"ps -f xml x", 1, "invalid format option", ""},
		{"explain -f yaml", 1, "invalid format option", ""},
		{"--rootless bad create x", 1, `ocirun create failed: strconv.ParseBool: parsing "bad": invalid syntax`, ""},
		{"--cgroup-manager=bad create x", 1, "ocirun create failed: invalid --cgroup-manager: bad", ""},
		{"create --preserve-fds -1 x", 1, "ocirun create failed: preserve-fds must not be negative", ""},
		{"create --preserve-fds 2 x", 1, "ocirun create failed: unable to stat preserved-fd 0 (of 2): descriptor 3: bad file descriptor", ""},
	} {
		t.Run(c.argv, func(t *testing.T) {
			call := newCall(t)
			if code := call.run(strings.Fields(c.argv)...); code != c.code {
				t.Errorf("exit %d, want %d", code, c.code)
			}
			if got := call.message(t); got != c.message {
				t.Errorf("message %q, want %q", got, c.message)
			}
			if out := call.out.String(); !strings.HasPrefix(out, c.out) || c.out == "" && out != "" {
				t.Errorf("standard output %.80q, want %q...", out, c.out)
			}
		})
	}
}

func TestHelpForms(t *testing.T) {
	for argv, want := range map[string]string{
		"":                   "NAME:\n   ocirun - ",
		"--help":             "NAME:\n   ocirun - ",
		"-h list":            "NAME:\n   ocirun - ",
		"--debug":            "NAME:\n   ocirun - ",
		"help":               "NAME:\n   ocirun - ",
		"h":                  "NAME:\n   ocirun - ",
		"help create":        "NAME:\n   ocirun create - ",
		"h start more":       "NAME:\n   ocirun start - ",
		"create --help":      "NAME:\n   ocirun create - ",
		"create x -h":        "NAME:\n   ocirun create - ",
		"kill a b c d -h":    "NAME:\n   ocirun kill - ",
		"help help":          "NAME:\n   ocirun help - ",
		"--root / --help":    "NAME:\n   ocirun - ",
		"--version list":     "ocirun version ",
		"-v":                 "ocirun version ",
		"--version -version": "ocirun version ",
	} {
		c := newCall(t)
		if code := c.run(strings.Fields(argv)...); code != 0 || c.err.Len() > 0 || !strings.HasPrefix(c.out.String(), want) {
			t.Errorf("%s: exit %d, %.60q, %q", argv, code, c.out.String(), c.err.String())
		}
	}
}

func TestVersionText(t *testing.T) {
	version, commit = "1.2.3", "abc"
	defer func() { version, commit = "", "" }()
	lines := strings.Split(versionText(), "\n")
	if len(lines) != 5 || lines[0] != "ocirun version 1.2.3" || lines[1] != "commit: abc" || lines[2] != "spec: 1.3.0" || !strings.HasPrefix(lines[3], "go: go") || lines[4] != "" {
		t.Errorf("%q", lines)
	}
	version, commit = "", ""
	if v, c := buildVersion(); v == "" || c == "" {
		t.Errorf("without the linker's values: version %q, commit %q", v, c)
	}
}

// What the library says goes to the caller as it is, with the prefix of the command where there is one.
func TestErrorsOfTheLibrary(t *testing.T) {
	for argv, want := range map[string]string{
		"create x":  "ocirun create failed: container does not exist",
		"run x":     "ocirun run failed: container does not exist",
		"start x":   "container does not exist",
		"state x":   "container does not exist",
		"kill x":    "container does not exist",
		"kill x ?":  "container does not exist",
		"delete x":  "container does not exist",
		"pause x":   "container does not exist",
		"resume x":  "container does not exist",
		"ps x":      "container does not exist",
		"explain x": "container does not exist",
	} {
		c := newCall(t)
		c.fake.err = libcontainer.ErrNotExist
		if code := c.run(strings.Fields(argv)...); code != 1 {
			t.Errorf("%s: exit %d", argv, code)
		}
		if got := c.message(t); got != want {
			t.Errorf("%s: %q, want %q", argv, got, want)
		}
	}
}

func TestDelete(t *testing.T) {
	for _, c := range []struct {
		argv string
		err  error
		code int
	}{
		{"delete x", nil, 0},
		{"delete x", libcontainer.ErrNotExist, 1},
		{"delete --force x", libcontainer.ErrNotExist, 0},
		{"delete -f x", libcontainer.ErrStillRunning, 1},
		{"delete x -f", fs.ErrPermission, 1},
	} {
		call := newCall(t)
		call.fake.err = c.err
		if code := call.run(strings.Fields(c.argv)...); code != c.code {
			t.Errorf("%s with %v: exit %d", c.argv, c.err, code)
		}
		if force := strings.Contains(c.argv, "-f"); call.fake.removed != force || call.fake.asked != "x" {
			t.Errorf("%s: removed %q, force %v", c.argv, call.fake.asked, call.fake.removed)
		}
	}
}

func TestExitStatus(t *testing.T) {
	for _, c := range []struct {
		status int
		err    error
		want   int
	}{
		{0, nil, 0},
		{1, nil, 1},
		{137, nil, 137},
		{255, nil, 255},
		{0, errors.New("no"), 1},
	} {
		call := newCall(t)
		call.fake.status, call.fake.err = c.status, c.err
		if code := call.run("run", "x"); code != c.want {
			t.Errorf("status %d, error %v: exit %d", c.status, c.err, code)
		}
		if quiet := call.err.Len() == 0; quiet != (c.err == nil) {
			t.Errorf("status %d, error %v: standard error %q", c.status, c.err, call.err.String())
		}
	}
}

func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range table() {
		c := e.command(newApp())
		if c.Name != e.name || c.Alias != e.alias {
			t.Errorf("row %s %s makes the command %s %s", e.name, e.alias, c.Name, c.Alias)
		}
		for _, word := range []string{e.name, e.alias} {
			if word != "" && seen[word] {
				t.Errorf("%s is there twice", word)
			}
			seen[word] = true
		}
		if c.Summary == "" || strings.HasSuffix(c.Summary, ".") || c.Run == nil {
			t.Errorf("%s: summary %q", c.Name, c.Summary)
		}
		flags := map[string]bool{"h": true, "help": true}
		for _, f := range c.Flags {
			for _, word := range []string{f.Name, f.Short} {
				if word != "" && flags[word] {
					t.Errorf("%s: flag %s is there twice", c.Name, word)
				}
				flags[word] = true
			}
			if f.Into == nil || f.Help == "" && !f.Hidden || len(f.Short) > 1 || strings.HasSuffix(f.Help, ".") {
				t.Errorf("%s: flag %+v", c.Name, f)
			}
		}
	}
}
