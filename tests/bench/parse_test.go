package main

import (
	"slices"
	"testing"
)

func TestParseFacts(t *testing.T) {
	facts := parseFacts("hostname web\npid 1\nSeccomp:\t2\ndev fd full null\nempty\n")
	for name, want := range map[string]string{"hostname": "web", "pid": "1", "Seccomp:": "2", "dev": "fd full null"} {
		if facts[name] != want {
			t.Errorf("%s is %q, want %q", name, facts[name], want)
		}
	}
	if err := expect(facts, map[string]string{"hostname": "web", "pid": "1"}); err != nil {
		t.Error(err)
	}
	if expect(facts, map[string]string{"pid": "2"}) == nil {
		t.Error("a wrong pid was taken")
	}
	if expect(facts, map[string]string{"lo": "0x9"}) == nil {
		t.Error("a missing fact was taken")
	}
}

func TestDifferences(t *testing.T) {
	reference := map[string]string{"dev": "fd full null", "mounts": "/proc=proc,rw", "CapBnd:": "20"}
	if notes := differences("crun", map[string]string{"dev": "null fd full", "mounts": "/proc=proc,rw", "CapBnd:": "20"}, reference); len(notes) > 0 {
		t.Errorf("the order of names makes a difference: %q", notes)
	}
	notes := differences("crun", map[string]string{"dev": "fd null core", "mounts": "/proc=proc,rw", "CapBnd:": "20"}, reference)
	if want := []string{"crun: dev: more [core], less [full]"}; !slices.Equal(notes, want) {
		t.Errorf("got %q, want %q", notes, want)
	}
}

func TestParseRollup(t *testing.T) {
	values, err := parseRollup("5600-7fff ---p 00000000 00:00 0 [rollup]\nRss:  624 kB\nPrivate_Clean:  4 kB\nPrivate_Dirty:  52 kB\n")
	if err != nil || values["Rss"] != 624 || values["Private_Clean"]+values["Private_Dirty"] != 56 {
		t.Errorf("%v, %v", values, err)
	}
	if _, err := parseRollup("Rss: 4 kB\n"); err == nil {
		t.Error("a file without Private_Dirty was taken")
	}
	if _, err := parseRollup("Private_Dirty: many kB\n"); err == nil {
		t.Error("a word was taken for a number")
	}
}

func TestParseOptions(t *testing.T) {
	o, err := parseOptions([]string{"-ocirun", "/x", "-add", "a=/b", "-add", "c=/d", "-rounds", "3"})
	if err != nil || o.ocirun != "/x" || len(o.add) != 2 || o.rounds != 3 {
		t.Errorf("%+v, %v", o, err)
	}
	for _, bad := range [][]string{{"-add", "x"}, {"-add", "=y"}, {"-add", "a/b=c"}, {"-add", "crun=/x"}, {"-rounds", "0"}, {"extra"}} {
		if _, err := parseOptions(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
