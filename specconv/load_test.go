package specconv

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestN13Load(t *testing.T) {
	top := makeTree(t, "b/config.json="+good, "empty/config.json=", "null/config.json=null", "none/",
		"bad/config.json={\n foo}", "dir/config.json/", "fifo/config.json|", "file=x", "lb -> b")
	for _, test := range []struct{ dir, want string }{
		{"b", ""},
		{"lb", ""},
		{"empty", "config.json:1:1: EOF"},
		{"null", "config cannot be null"},
		{"none", "JSON specification file config.json not found"},
		{"bad", "config.json:2:2: invalid character 'f' looking for beginning of object key string"},
		{"nope", "chdir TOP/nope: no such file or directory"},
		{"file", "chdir TOP/file: not a directory"},
		{"dir", "read TOP/dir/config.json: is a directory"},
		{"fifo", "read TOP/fifo/config.json: not a regular file"},
	} {
		b, err := Load(filepath.Join(top, test.dir))
		have := ""
		if err != nil {
			have = strings.ReplaceAll(err.Error(), top, "TOP")
		}
		if have != test.want {
			t.Errorf("%s: have %q, want %q", test.dir, have, test.want)
		}
		if err == nil && (b.Dir != filepath.Join(top, test.dir) || string(b.Raw) != good || b.Spec.Hostname != "box") {
			t.Errorf("%s: bundle %+v", test.dir, b)
		}
	}
	if _, err := Load(filepath.Join(top, "none")); errors.Is(err, unix.ENOENT) {
		t.Error("the error for a missing config.json is that of the kernel")
	}
}

func TestLoadMakesTheDirectoryAbsolute(t *testing.T) {
	top := makeTree(t, "b/config.json="+good)
	t.Chdir(top)
	b, err := Load("./b/")
	if err != nil || b.Dir != filepath.Join(top, "b") {
		t.Errorf("bundle %+v, %v", b, err)
	}
}

func TestLoadRefusesHugeFiles(t *testing.T) {
	top := makeTree(t, "config.json=x")
	if err := os.Truncate(filepath.Join(top, ConfigFile), maxConfigSize+1); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(top); !errors.Is(err, errTooLarge) {
		t.Errorf("have %v", err)
	}
}

func TestTrailingTextIsAWarning(t *testing.T) {
	for text, want := range map[string]string{
		good + " \n\t": "", good + "\n}garbage": "W : ignoring what follows the configuration in line 9, column 1",
	} {
		b, err := Load(makeTree(t, "config.json="+text))
		if err != nil {
			t.Fatal(err)
		}
		checkProblems(t, Validate(b, Options{Host: validHost()}), want)
	}
}
