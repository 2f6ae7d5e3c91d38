package cli

import (
	"errors"
	"strconv"
)

// Flag is one option of a command.
type Flag struct {
	// Name is the long name, without dashes.
	Name string
	// Short is a second name of one letter, or empty.
	Short string
	// Arg names the value in the help text, such as "FILE"; empty for a boolean.
	Arg string
	// Help says in one sentence, without capital and full stop, what the flag
	// does.
	Help string
	// Default is printed in the help text if it is not empty.
	Default string
	// Hidden leaves the flag out of the documentation: it is accepted for the
	// sake of callers of other runtimes.
	Hidden bool
	// Values says what shells offer as the value.
	Values Values
	// Into receives the value.
	Into Target
}

// Values is what a shell can offer as the value of a flag.
type Values struct {
	// Words are the only values.
	Words []string
	// Files and Dirs stand for paths.
	Files, Dirs bool
}

// Target is where the value of a flag goes. Bool, String, Int, List and Maybe
// make the usual ones.
type Target interface {
	// Set receives the text that stands on the command line.
	Set(text string) error
}

// The reasons for which a text is not a value. They are worded as those of
// package flag, which callers of OCI runtimes know.
var (
	errParse = errors.New("parse error")
	errRange = errors.New("value out of range")
)

type boolTarget struct{ p *bool }

// Bool makes a flag without a value, or with one of those that
// strconv.ParseBool knows.
func Bool(p *bool) Target { return boolTarget{p} }

func (t boolTarget) Set(text string) error {
	v, err := strconv.ParseBool(text)
	if err != nil {
		return errParse
	}
	*t.p = v
	return nil
}

type maybeBoolTarget struct{ p **bool }

// MaybeBool is Bool that remembers, by a nil, that it was not given.
func MaybeBool(p **bool) Target { return maybeBoolTarget{p} }

func (t maybeBoolTarget) Set(text string) error {
	var v bool
	if err := Bool(&v).Set(text); err != nil {
		return err
	}
	*t.p = &v
	return nil
}

// isBool reports whether a flag stands for "true" without a value.
func isBool(t Target) bool {
	switch t.(type) {
	case boolTarget, maybeBoolTarget:
		return true
	}
	return false
}

type stringTarget struct{ p *string }

// String makes a flag whose value is any text.
func String(p *string) Target { return stringTarget{p} }

func (t stringTarget) Set(text string) error {
	*t.p = text
	return nil
}

type maybeTarget struct{ p **string }

// Maybe makes a flag whose value is any text, and remembers, by a nil, that it
// was not given.
func Maybe(p **string) Target { return maybeTarget{p} }

func (t maybeTarget) Set(text string) error {
	*t.p = &text
	return nil
}

type listTarget struct{ p *[]string }

// List makes a flag that may be given many times; the values are collected.
func List(p *[]string) Target { return listTarget{p} }

func (t listTarget) Set(text string) error {
	*t.p = append(*t.p, text)
	return nil
}

type intTarget struct{ p *int }

// Int makes a flag whose value is a whole number, with the prefixes 0x, 0o and
// 0b for other bases than ten.
func Int(p *int) Target { return intTarget{p} }

func (t intTarget) Set(text string) error {
	v, err := strconv.ParseInt(text, 0, strconv.IntSize)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return errRange
	case err != nil:
		return errParse
	}
	*t.p = int(v)
	return nil
}
