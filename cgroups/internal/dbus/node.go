package dbus

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

type nodeKind uint8

const (
	kindNumber nodeKind = iota + 1
	kindText
	kindBool
	kindArray
	kindTuple
	kindDict
	kindEntry
	kindVariant
	kindTyped // text is the type, list has the value
)

// node is a value of a text before its type is settled.
type node struct {
	kind nodeKind
	text string
	list []*node
}

// signature gives the type that a value has by itself. It may turn out not to be one, as that of an empty array.
func (n *node) signature() string {
	switch n.kind {
	case kindNumber:
		if isFloat(n.text) {
			return "d"
		}
		return "i"
	case kindText:
		return "s"
	case kindBool:
		return "b"
	case kindVariant:
		return "v"
	case kindTyped:
		return n.text
	case kindArray, kindDict:
		return "a" + common(n.list)
	case kindTuple, kindEntry:
		var b strings.Builder
		for _, m := range n.list {
			b.WriteString(m.signature())
		}
		if n.kind == kindEntry {
			return "{" + b.String() + "}"
		}
		return "(" + b.String() + ")"
	}
	return ""
}

// common gives the type of a list: that of an element which says its type, else a double among numbers, else the first's.
func common(list []*node) string {
	best := ""
	for _, n := range list {
		sig := n.signature()
		switch {
		case best == "" || n.says():
			best = sig
			if n.says() {
				return best
			}
		case best == "i" && sig == "d":
			best = sig
		}
	}
	return best
}

// says tells whether a type was given for a value or for a part of it.
func (n *node) says() bool {
	if n.kind == kindTyped {
		return true
	}
	if n.kind == kindVariant {
		return false
	}
	for _, m := range n.list {
		if m.says() {
			return true
		}
	}
	return false
}

// build gives the value the form for a type.
func (n *node) build(sig string) (any, error) {
	if n.kind == kindEntry && strings.HasPrefix(sig, "{") {
		return n.buildMembers(sig[1:len(sig)-1], fmt.Errorf("an entry does not have the type %q", sig))
	}
	first, rest, err := split(sig)
	if err != nil || rest != "" {
		return nil, fmt.Errorf("the type of the value is not known, put one before it (%q)", sig)
	}
	mismatch := fmt.Errorf("a value does not have the type %q", sig)
	if n.kind == kindTyped {
		if n.text != first {
			return nil, mismatch
		}
		return n.list[0].build(first)
	}
	switch {
	case n.kind == kindNumber:
		return buildNumber(n.text, first[0])
	case n.kind == kindText && (first == "s" || first == "o" || first == "g"):
		return n.text, nil
	case n.kind == kindBool && first == "b":
		return n.text == "true", nil
	case n.kind == kindVariant && first == "v":
		inner := n.list[0].signature()
		value, err := n.list[0].build(inner)
		return Variant{Sig: inner, Value: value}, err
	case n.kind == kindArray && first[0] == 'a' && first[1] != '{' || n.kind == kindDict && strings.HasPrefix(first, "a{"):
		return n.buildList(func(int) string { return first[1:] })
	case n.kind == kindTuple && first[0] == '(':
		return n.buildMembers(first[1:len(first)-1], mismatch)
	}
	return nil, mismatch
}

func (n *node) buildList(sig func(i int) string) (any, error) {
	values := make([]any, len(n.list))
	for i, m := range n.list {
		v, err := m.build(sig(i))
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	return values, nil
}

// buildMembers splits a struct's types among its members.
func (n *node) buildMembers(sigs string, mismatch error) (any, error) {
	var types []string
	for sigs != "" {
		first, rest, err := split(sigs)
		if err != nil {
			return nil, err
		}
		types, sigs = append(types, first), rest
	}
	if len(types) != len(n.list) {
		return nil, mismatch
	}
	return n.buildList(func(i int) string { return types[i] })
}

func isFloat(text string) bool {
	return !strings.HasPrefix(strings.TrimLeft(text, "+-"), "0x") && strings.ContainsAny(text, ".eE")
}

func buildNumber(text string, t byte) (any, error) {
	bits := 8 * width(t)
	var v any
	var err error
	switch {
	case t == 'd':
		var f float64
		f, err = strconv.ParseFloat(text, 64)
		if err == nil && (math.IsNaN(f) || math.IsInf(f, 0)) {
			err = strconv.ErrRange
		}
		v = f
	case strings.IndexByte("yqut", t) >= 0:
		v, err = strconv.ParseUint(strings.TrimPrefix(text, "+"), base(text), bits)
	case strings.IndexByte("nix", t) >= 0:
		v, err = strconv.ParseInt(text, base(text), bits)
	default:
		return nil, fmt.Errorf("the number %s cannot have the type %q", text, string(t))
	}
	if err != nil {
		return nil, fmt.Errorf("bad number of type %q: %w", string(t), err)
	}
	return v, nil
}

// base is that of C: 0x and a leading 0 say it.
func base(text string) int {
	digits := strings.TrimLeft(text, "+-")
	if len(digits) > 1 && digits[0] == '0' {
		if digits[1] == 'x' || digits[1] == 'X' || '0' <= digits[1] && digits[1] <= '7' {
			return 0
		}
	}
	return 10
}

func number(text string, base int) (uint64, error) { return strconv.ParseUint(text, base, 64) }
