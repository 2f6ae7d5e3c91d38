package dbus

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	godbus "github.com/godbus/dbus/v5"
)

func TestParseText(t *testing.T) {
	for _, c := range []struct {
		text string
		want Variant
	}{
		{"5", Variant{"i", int64(5)}},
		{"-5", Variant{"i", int64(-5)}},
		{" +7 ", Variant{"i", int64(7)}},
		{"0x1f", Variant{"i", int64(31)}},
		{"017", Variant{"i", int64(15)}},
		{"2.5", Variant{"d", 2.5}},
		{"1e3", Variant{"d", 1000.0}},
		{"uint64 18446744073709551615", Variant{"t", uint64(1<<64 - 1)}},
		{"byte 255", Variant{"y", uint64(255)}},
		{"int16 -3", Variant{"n", int64(-3)}},
		{"@t 9", Variant{"t", uint64(9)}},
		{"double 3", Variant{"d", 3.0}},
		{"true", Variant{"b", true}},
		{"'a b'", Variant{"s", "a b"}},
		{`"it's"`, Variant{"s", "it's"}},
		{`'\'\\\n\u00e4\U0001F600\q'`, Variant{"s", "'\\\nä😀q"}},
		{"objectpath '/a'", Variant{"o", "/a"}},
		{"['a', 'b']", Variant{"as", []any{"a", "b"}}},
		{"@as []", Variant{"as", []any{}}},
		{"[uint64 1, 2]", Variant{"at", []any{uint64(1), uint64(2)}}},
		{"[1, uint64 2]", Variant{"at", []any{uint64(1), uint64(2)}}},
		{"[1, 2.5]", Variant{"ad", []any{1.0, 2.5}}},
		{"[('/dev/sda', uint64 5)]", Variant{"a(st)", []any{[]any{"/dev/sda", uint64(5)}}}},
		{"@a(st) [('/dev/sda', 5)]", Variant{"a(st)", []any{[]any{"/dev/sda", uint64(5)}}}},
		{"{'k': <5>, 'l': <'x'>}", Variant{"a{sv}", []any{[]any{"k", Variant{"i", int64(5)}}, []any{"l", Variant{"s", "x"}}}}},
		{"<@ay [1]>", Variant{"v", Variant{"ay", []any{uint64(1)}}}},
	} {
		got, err := ParseText(c.text)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %#v, %v, want %#v", c.text, got, err, c.want)
			continue
		}
		theirs, err := godbus.ParseVariant(c.text, godbus.Signature{})
		if err != nil {
			continue // it knows less of the format
		}
		if theirs.Signature().String() != got.Sig {
			t.Errorf("%s: type %s, another implementation says %s", c.text, got.Sig, theirs.Signature())
		}
	}
}

func TestParseTextRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "a value is missing",
		"abc":                        `unexpected "abc" at offset 0`,
		"'abc":                       "the text has no end",
		"5 6":                        `unexpected "6" at offset 2`,
		"[]":                         "the type of the value is not known",
		"['a', 5]":                   "cannot have the type",
		"byte 256":                   "out of range",
		"uint64 -1":                  "invalid syntax",
		"byte 'a'":                   "does not have the type",
		"@z 5":                       "bad type",
		"@as 5":                      "cannot have the type",
		"[1":                         `"]" expected`,
		"{'a' 1}":                    `":" expected`,
		"<5":                         `">" expected`,
		`'\u12'`:                     "bad escape",
		"@(ss) ('a',)":               "does not have the type",
		"nothing":                    "unexpected",
		strings.Repeat("[", 100):     "too deep",
		strings.Repeat("5", 1<<16+1): "at most 65536",
	} {
		v, err := ParseText(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v, %v, want %q", text, v, err, want)
		}
	}
}

// FuzzParseText: what is taken can be sent, and another implementation, if it takes it, sees the same type.
func FuzzParseText(f *testing.F) {
	for _, text := range []string{"5", "[uint64 1, 2]", "{'k': <@ay [1]>}", "('a', 2.5, true)", `"\u00e4"`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := ParseText(text)
		if err != nil {
			return
		}
		if _, err := (&Call{Path: "/p", Sig: "v", Args: []any{v}}).encode(1); err != nil && !errors.Is(err, errValue) {
			t.Fatalf("%q is taken as %#v, which cannot be sent: %v", text, v, err)
		}
		_ = v.String()
	})
}

func TestSocketOf(t *testing.T) {
	for address, want := range map[string]string{
		"unix:path=/run/user/1000/bus":           "/run/user/1000/bus",
		"unix:path=/a%20b,guid=12":               "/a b",
		"tcp:host=x;unix:abstract=/tmp/x,guid=1": "@/tmp/x",
		"unix:guid=1":                            "",
		"unix:path=/a%zz":                        "/a%zz",
		"":                                       "",
	} {
		if got := SocketOf(address); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}

func TestShow(t *testing.T) {
	for want, v := range map[string]Variant{
		"yes":               {"b", true},
		"infinity":          {"t", uint64(1<<64 - 1)},
		"-4":                {"i", int64(-4)},
		`"a b"`:             {"s", "a b"},
		`""`:                {"s", ""},
		"[[/dev/null rwm]]": {"a(ss)", []any{[]any{"/dev/null", "rwm"}}},
		"0x03":              {"ay", []byte{3}},
		"no":                {"v", Variant{"b", false}},
		"0.5":               {"d", 0.5},
	} {
		if got := v.String(); got != want {
			t.Errorf("%#v: %s, want %s", v, got, want)
		}
	}
}
