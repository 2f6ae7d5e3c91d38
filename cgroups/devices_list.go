package cgroups

import (
	"fmt"
	"strconv"
	"strings"
)

// parseDeviceList parses devices.list, lines such as "c 1:3 rwm". "a *:* rwm" alone means that everything is allowed but
// for exceptions that the kernel does not show.
func parseDeviceList(text string) (deviceList, error) {
	var l deviceList
	for line := range strings.Lines(text) {
		r, ok := parseDeviceLine(strings.TrimSuffix(line, "\n"))
		if !ok {
			return l, fmt.Errorf("devices.list has a line %q", line)
		}
		if r.kind == 'a' {
			return deviceList{allow: true}, nil
		}
		l.exceptions = append(l.exceptions, r)
	}
	return l, nil
}

func parseDeviceLine(line string) (deviceRule, bool) {
	r := deviceRule{allow: true}
	kind, rest, ok := strings.Cut(line, " ")
	numbers, access, ok2 := strings.Cut(rest, " ")
	major, minor, ok3 := strings.Cut(numbers, ":")
	if !ok || !ok2 || !ok3 || len(kind) != 1 || !strings.Contains("abc", kind) {
		return r, false
	}
	r.kind = kind[0]
	var okMajor, okMinor bool
	r.major, okMajor = parseNumber(major)
	r.minor, okMinor = parseNumber(minor)
	for _, c := range access {
		i := strings.IndexRune("mrw", c)
		if i < 0 {
			return r, false
		}
		r.access |= 1 << i
	}
	return r, okMajor && okMinor
}

func parseNumber(s string) (int64, bool) {
	if s == "*" {
		return anyNumber, true
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return int64(n), err == nil
}
