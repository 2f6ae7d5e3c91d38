package integration

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestUsageNoCommand(t *testing.T) {
	s := begin(t)
	c := s.cmd()
	c.noRoot = true
	r := c.run().ok()
	for _, word := range []string{"create", "start", "state", "kill", "delete", "run", "list", "spec", "features", "--root", "--log-format"} {
		s.contains("general help", r.out, word)
	}
}

func TestUsageHelp(t *testing.T) {
	s := begin(t)
	for _, form := range [][]string{{"--help"}, {"-h"}, {"help"}, {"h"}, {"help", "create"}, {"create", "--help"}, {"create", "-h"}, {"start", "--help"}} {
		r := s.run(form...).ok()
		s.contains(strings.Join(form, " "), r.out, "create")
		equal(s, "stderr", r.err, "")
	}
	s.contains("create --help", s.run("create", "--help").out, "--console-socket")
}

func TestUsageVersion(t *testing.T) {
	s := begin(t)
	for _, form := range []string{"--version", "-v"} {
		r := s.run(form).ok()
		first, rest, _ := strings.Cut(r.out, "\n")
		if !strings.HasPrefix(first, suite.kind+" version ") {
			s.errorf("first line %q", first)
		}
		s.contains(form, "\n"+rest, "\nspec: 1.")
		s.contains(form, "\n"+rest, "\ncommit: ")
	}
}

func TestUsageUnknownCommand(t *testing.T) {
	s := begin(t)
	s.run("badcmd").failsWith(3, "No help topic for 'badcmd'")
	s.run("help", "badtopic").failsWith(3, "No help topic for 'badtopic'")
}

func TestUsageArgumentCount(t *testing.T) {
	cases := []struct {
		argv    string
		command string
		message string
	}{
		{"create", "create", "requires exactly 1 argument(s)"},
		{"create a b", "create", "requires exactly 1 argument(s)"},
		{"run", "run", "requires exactly 1 argument(s)"},
		{"start", "start", "requires exactly 1 argument(s)"},
		{"state", "state", "requires exactly 1 argument(s)"},
		{"state a b", "state", "requires exactly 1 argument(s)"},
		{"delete", "delete", "requires exactly 1 argument(s)"},
		{"kill", "kill", "requires a minimum of 1 argument(s)"},
		{"kill a TERM more", "kill", "requires a maximum of 2 argument(s)"},
		{"list extra", "list", "requires exactly 0 argument(s)"},
		{"spec extra", "spec", "requires exactly 0 argument(s)"},
		{"features extra", "features", "requires exactly 0 argument(s)"},
	}
	for _, c := range cases {
		t.Run(c.argv, func(t *testing.T) {
			s := begin(t)
			r := s.run(strings.Fields(c.argv)...).fails(1, suite.runtime+`: "`+c.command+`" `+c.message)
			if !strings.HasPrefix(r.out, "Incorrect Usage.\n\n") {
				s.errorf("stdout begins with %.60q", r.out)
			}
			s.contains("help of the command", r.out, suite.kind+" "+c.command)
		})
	}
}

func TestUsageBadFlags(t *testing.T) {
	cases := []struct{ argv, message string }{
		{"create --badflag x", "flag provided but not defined: -badflag"},
		{"create -badflag x", "flag provided but not defined: -badflag"},
		{"create --bundle", "flag needs an argument: -bundle"},
		{"create --preserve-fds abc x", `invalid value "abc" for flag -preserve-fds: parse error`},
		{"run --keep=maybe x", `invalid boolean value "maybe" for -keep: parse error`},
	}
	for _, c := range cases {
		t.Run(c.argv, func(t *testing.T) {
			s := begin(t)
			r := s.run(strings.Fields(c.argv)...).fails(1, c.message)
			if !strings.HasPrefix(r.out, "Incorrect Usage: "+c.message+"\n\n") {
				s.errorf("stdout begins with %.60q", r.out)
			}
		})
	}
}

func TestUsageBadGlobalFlag(t *testing.T) {
	s := begin(t)
	s.run("--badglobal", "list").fails(1, "flag provided but not defined: -badglobal")
	s.run("--log-format", "xml", "list").fails(1, "invalid log-format: xml")
	s.run("--log", filepath.Join(s.dir, "nowhere/log"), "list").failsWith(1, "no such file or directory")
}

func TestUsageRootMustNotBeTheRootDirectory(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 has no such check")
	c := s.cmd("--root", "/", "list")
	c.noRoot = true
	c.run().fails(1, "Option --root argument should not be set to /")
	c = s.cmd("--root", "/tmp/..", "list")
	c.noRoot = true
	c.run().fails(1, "Option --root argument should not be set to /")
}

func TestUsageRootlessText(t *testing.T) {
	s := begin(t)
	b := s.bundle()
	s.run("--rootless", "bad", "create", "--bundle", b.dir, s.id()).failsWith(1, `strconv.ParseBool: parsing "bad": invalid syntax`)
	id := s.id()
	s.run("--rootless", "false", "create", "--bundle", b.dir, id).ok()
	s.status(id, "created")
}

// Every spelling of a flag that callers use must mean the same.
func TestUsageFlagSpellings(t *testing.T) {
	for _, form := range []string{
		"run --keep --bundle DIR ID", "run -keep -bundle DIR ID", "run ID --keep --bundle DIR", "run --keep=true --bundle=DIR ID",
		"run -keep=1 -b=DIR ID", "run --bundle DIR --keep -- ID", "run --b DIR ID --keep", "run -b DIR ID --keep=t",
	} {
		t.Run(form, func(t *testing.T) {
			s := begin(t)
			b := s.bundle()
			id := s.id()
			form := strings.NewReplacer("DIR", b.dir, "ID", id).Replace(form)
			s.run(strings.Fields(form)...).ok()
			s.status(id, "stopped")
		})
	}
}

func TestUsageFalseBoolean(t *testing.T) {
	s := begin(t)
	id := s.id()
	s.run("run", "--keep=false", "--bundle", s.bundle().dir, id).ok()
	s.run("state", id).fails(1, "container does not exist")
}

func TestUsageContainerID(t *testing.T) {
	for _, id := range []string{"a/b", ".", "..", "a b", "ä", "a:b", "a\x01b", "a*", "../x"} {
		t.Run(id, func(t *testing.T) {
			s := begin(t)
			b := s.bundle()
			s.run("create", "--bundle", b.dir, id).failsWith(1, "invalid container ID format")
			for _, command := range []string{"state", "start", "kill", "delete"} {
				s.run(command, id).failsWith(1, "invalid container ID format")
			}
		})
	}
}

func TestUsageEmptyID(t *testing.T) {
	s := begin(t)
	for _, command := range []string{"state", "start", "kill", "delete"} {
		s.run(command, "").fails(1, "container id cannot be empty")
	}
	s.run("create", "--bundle", s.bundle().dir, "").refused()
}

func TestUsageOddButLegalIDs(t *testing.T) {
	s := begin(t)
	b := s.bundle()
	for _, suffix := range []string{"+", "_", "-x.y", "..."} {
		id := s.id() + suffix
		s.run("create", "--bundle", b.dir, id).ok()
		s.status(id, "created")
		s.run("delete", id).ok()
	}
}

func TestUsageIDTooLongForAFile(t *testing.T) {
	s := begin(t)
	s.run("create", "--bundle", s.bundle().dir, strings.Repeat("x", 300)).refused()
}

func TestUsageDefaultRoot(t *testing.T) {
	s := begin(t)
	b := s.bundle()
	id := s.id()
	call := func(args ...string) result {
		c := s.cmd(args...)
		c.noRoot = true
		return c.run()
	}
	call("create", "--bundle", b.dir, id).ok()
	if !exists("/run/" + suite.kind + "/" + id) {
		s.errorf("no /run/%s/%s", suite.kind, id)
	}
	call("delete", id).ok()
	rm(s, "/run/"+suite.kind)
}
