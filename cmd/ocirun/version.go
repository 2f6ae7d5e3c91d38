package main

import (
	"runtime"
	"runtime/debug"

	"github.com/ocirun/ocirun/specconv"
)

// version and commit are set by the linker (-X main.version=1.2.3); otherwise
// what the go command recorded is taken.
var version, commit string

// versionText has the lines that callers parse: the first one, and those that
// begin with "commit: " and "spec: ".
func versionText() string {
	v, c := buildVersion()
	return name + " version " + v + "\ncommit: " + c + "\nspec: " + specconv.SpecVersion + "\ngo: " + runtime.Version() + "\n"
}

// buildVersion says what was built.
func buildVersion() (v, c string) {
	v, c = version, commit
	if info, ok := debug.ReadBuildInfo(); ok {
		if v == "" && info.Main.Version != "(devel)" {
			v = trimV(info.Main.Version)
		}
		for _, s := range info.Settings {
			if c == "" && s.Key == "vcs.revision" {
				c = s.Value
			}
		}
	}
	if v == "" {
		v = "0.0.0-unknown"
	}
	if c == "" {
		c = "unknown"
	}
	return v, c
}

// trimV takes the v from the version of a module.
func trimV(v string) string {
	if len(v) > 0 && v[0] == 'v' {
		return v[1:]
	}
	return v
}
