package dbus

import (
	"errors"
	"fmt"
	"strings"
)

// ParseText reads a value in the text form of GVariant, such as "uint64 5", "'text'", "[1, 2]" or "@as []" (GLib, "GVariant
// Text Format"). A number without a type is an int32, or a double if it has a point. Types of GVariant that D-Bus does not
// have are refused.
func ParseText(text string) (Variant, error) {
	const longest = 1 << 16
	if len(text) > longest {
		return Variant{}, fmt.Errorf("the value has %d bytes, at most %d are possible", len(text), longest)
	}
	p := textParser{text: text}
	n := p.value(0)
	if p.skip(); p.err == nil && p.at < len(p.text) {
		p.fail("unexpected %q", p.text[p.at:])
	}
	if p.err != nil {
		return Variant{}, p.err
	}
	sig := n.signature()
	if len(sig) > maxSignature {
		return Variant{}, errors.New("the value has too many parts")
	}
	value, err := n.build(sig)
	return Variant{Sig: sig, Value: value}, err
}

// textParser turns a text into nodes. The first error stays.
type textParser struct {
	text string
	at   int
	err  error
}

func (p *textParser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format+" at offset %d", append(args, p.at)...)
	}
	p.at = len(p.text)
}

func (p *textParser) skip() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// peek gives the next byte behind blanks, 0 at the end.
func (p *textParser) peek() byte {
	if p.skip(); p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *textParser) accept(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.at++
	return true
}

func (p *textParser) expect(c byte) {
	if !p.accept(c) {
		p.fail("%q expected", string(c))
	}
}

func (p *textParser) value(depth int) *node {
	if depth > maxDepth {
		p.fail("too deep")
		return &node{}
	}
	switch c := p.peek(); {
	case c == 0:
		p.fail("a value is missing")
	case c == '\'' || c == '"':
		return &node{kind: kindText, text: p.quoted()}
	case c == '[':
		return &node{kind: kindArray, list: p.list('[', ']', depth)}
	case c == '(':
		return &node{kind: kindTuple, list: p.list('(', ')', depth)}
	case c == '{':
		return p.dictionary(depth)
	case c == '<':
		p.at++
		n := &node{kind: kindVariant, list: []*node{p.value(depth + 1)}}
		p.expect('>')
		return n
	case c == '@':
		p.at++
		return p.typed(p.word(), depth)
	default:
		return p.bare(depth)
	}
	return &node{}
}

// list reads what stands between two brackets.
func (p *textParser) list(open, end byte, depth int) []*node {
	p.expect(open)
	var list []*node
	for p.err == nil && !p.accept(end) {
		list = append(list, p.value(depth+1))
		if !p.accept(',') {
			p.expect(end)
			break
		}
	}
	return list
}

func (p *textParser) dictionary(depth int) *node {
	p.expect('{')
	n := &node{kind: kindDict}
	for p.err == nil && !p.accept('}') {
		key := p.value(depth + 1)
		p.expect(':')
		n.list = append(n.list, &node{kind: kindEntry, list: []*node{key, p.value(depth + 1)}})
		if !p.accept(',') {
			p.expect('}')
			break
		}
	}
	return n
}

// word reads up to the next blank, bracket or comma.
func (p *textParser) word() string {
	start := p.at
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n,:[]<>'\"", p.text[p.at]) < 0 {
		p.at++
	}
	return p.text[start:p.at]
}

// typed reads a value behind its type. The signature may have brackets, so word stops too early or too late.
func (p *textParser) typed(sig string, depth int) *node {
	first, rest, err := split(sig)
	if err != nil {
		p.fail("bad type %q", sig)
		return &node{}
	}
	p.at -= len(rest)
	return &node{kind: kindTyped, text: first, list: []*node{p.value(depth + 1)}}
}

// bare reads a word: a type's name with a value, true, false or a number.
func (p *textParser) bare(depth int) *node {
	start := p.at
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n,:()[]{}<>'\"", p.text[p.at]) < 0 {
		p.at++
	}
	word := p.text[start:p.at]
	switch {
	case word == "true" || word == "false":
		return &node{kind: kindBool, text: word}
	case word != "" && strings.IndexByte("+-.0123456789", word[0]) >= 0:
		return &node{kind: kindNumber, text: word}
	case typeOfName(word) != "":
		return &node{kind: kindTyped, text: typeOfName(word), list: []*node{p.value(depth + 1)}}
	}
	p.at = start
	p.fail("unexpected %q", p.text[start:])
	return &node{}
}

func typeOfName(name string) string {
	switch name {
	case "boolean":
		return "b"
	case "byte":
		return "y"
	case "int16":
		return "n"
	case "uint16":
		return "q"
	case "int32":
		return "i"
	case "uint32":
		return "u"
	case "int64":
		return "x"
	case "uint64":
		return "t"
	case "double":
		return "d"
	case "string":
		return "s"
	case "objectpath":
		return "o"
	case "signature":
		return "g"
	}
	return ""
}

var errQuote = errors.New("bad escape sequence in a text")

// quoted reads a text between quotes.
func (p *textParser) quoted() string {
	quote := p.text[p.at]
	p.at++
	var out strings.Builder
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch c {
		case quote:
			return out.String()
		case '\\':
			p.escape(&out)
		case 0:
			p.fail("a NUL byte in a text")
		default:
			out.WriteByte(c)
		}
	}
	p.fail("the text has no end")
	return ""
}

// escape reads what follows a backslash.
func (p *textParser) escape(out *strings.Builder) {
	if p.at >= len(p.text) {
		return
	}
	c := p.text[p.at]
	p.at++
	if i := strings.IndexByte("abfnrtv", c); i >= 0 {
		out.WriteByte("\a\b\f\n\r\t\v"[i])
		return
	}
	digits := 0
	switch c {
	case 0:
		p.fail("a NUL byte in a text")
		return
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	case '\n':
		return
	default:
		out.WriteByte(c)
		return
	}
	if p.at+digits > len(p.text) {
		p.fail("%w", errQuote)
		return
	}
	code, err := number(p.text[p.at:p.at+digits], 16)
	if err != nil || code == 0 || code > 0x10ffff {
		p.fail("%w", errQuote)
		return
	}
	p.at += digits
	out.WriteRune(rune(code))
}
