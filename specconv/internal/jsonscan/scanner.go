// Package jsonscan reads JSON (RFC 8259) in one pass, without reflection.
//
// It is what the generated decoders of specconv call. A program that starts,
// reads one file and ends pays for every page of code and heap that it touches;
// encoding/json costs such a program ten times as much. The results are those of
// encoding/json: null leaves a value alone or sets it to nil, invalid UTF-8
// becomes U+FFFD, objects that occur twice are merged. Texts of errors are left
// to the caller: a Scanner only says where it stopped.
package jsonscan

import "strings"

// maxDepth is the nesting that encoding/json accepts.
const maxDepth = 10000

// Fault is why a Scanner stopped.
type Fault struct {
	// Offset is where the value at fault begins, or the byte that is no JSON.
	Offset int
	// Value is what is at the offset, in the words of encoding/json: "number",
	// "number -1" (one that does not fit), "string", "object", "array", "bool".
	// It is empty if the text is no JSON.
	Value string
}

// state is what the next call of Key or Elem may find.
type state uint8

const (
	closed state = iota // nothing: the value was null or the scanner stopped
	first               // the first element or the end
	later               // a comma or the end
)

// Scanner reads one JSON value. A loop over an object's members is
//
//	for s.Open('{'); s.Key(); {
//		switch string(s.Name) { ... }
//	}
//
// where each turn reads the member's value with one call. After a fault every
// loop ends at once.
type Scanner struct {
	// Name is the key that Key found. It is valid until the next call.
	Name []byte

	data    []byte
	pos     int
	state   state
	failed  bool
	depth   int
	fault   Fault
	text    strings.Builder
	scratch []byte
	words   []string // unused, all empty
}

// New makes a scanner of the text. Nothing that is read from it shares its
// memory, but for Name.
func New(data []byte) *Scanner { return &Scanner{data: data} }

// Offset is how far the scanner has read.
func (s *Scanner) Offset() int { return s.pos }

// Fault gives the fault that stopped the scanner.
func (s *Scanner) Fault() (fault Fault, failed bool) { return s.fault, s.failed }

// stop records the first fault and makes every loop end.
func (s *Scanner) stop(offset int, value string) {
	if !s.failed {
		s.failed, s.fault = true, Fault{Offset: offset, Value: value}
	}
	s.pos, s.state = len(s.data), closed
}

// next skips white space and gives the byte that follows, or 0 at the end.
func (s *Scanner) next() byte {
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		if c > ' ' || c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
		s.pos++
	}
	return 0
}

// Open enters an object or an array, as the bracket says. For null and on a
// fault there is nothing to loop over.
func (s *Scanner) Open(bracket byte) {
	s.state = closed
	switch s.next() {
	case bracket:
		s.pos++
		s.depth++
		if s.depth > maxDepth {
			s.stop(s.pos-1, "")
			return
		}
		s.state = first
	case 'n':
		s.word("null")
	default:
		s.mismatch()
	}
}

// more moves to the next member of an object or element of an array.
func (s *Scanner) more(end byte) bool {
	was := s.state
	s.state = later
	c := s.next()
	switch {
	case was == closed:
		return false
	case c == end:
		s.pos++
		s.depth--
		return false
	case was == first:
		return true
	case c == ',':
		s.pos++
		return true
	}
	s.stop(s.pos, "")
	return false
}

// Key moves to the next member of an object and reads its key.
func (s *Scanner) Key() bool {
	if !s.more('}') {
		return false
	}
	if s.next() != '"' {
		s.stop(s.pos, "")
		return false
	}
	s.Name = s.quoted()
	if s.next() != ':' {
		s.stop(s.pos, "")
		return false
	}
	s.pos++
	return true
}

// Elem moves to the next element of an array.
func (s *Scanner) Elem() bool { return s.more(']') }

// Null reads null if that is what comes next.
func (s *Scanner) Null() bool { return s.next() == 'n' && s.word("null") }

// word reads a literal name.
func (s *Scanner) word(name string) bool {
	end := s.pos + len(name)
	if end > len(s.data) || string(s.data[s.pos:end]) != name {
		s.stop(s.pos, "")
		return false
	}
	s.pos = end
	return true
}

// mismatch stops at a value of the wrong type.
func (s *Scanner) mismatch() {
	switch c := s.next(); {
	case c == '{':
		s.stop(s.pos, "object")
	case c == '[':
		s.stop(s.pos, "array")
	case c == '"':
		s.stop(s.pos, "string")
	case c == 't' || c == 'f':
		s.stop(s.pos, "bool")
	case c == '-' || '0' <= c && c <= '9':
		s.stop(s.pos, "number")
	default:
		s.stop(s.pos, "")
	}
}

// Skip reads a value of any type and forgets it.
func (s *Scanner) Skip() {
	switch s.next() {
	case '{':
		for s.Open('{'); s.Key(); {
			s.Skip()
		}
	case '[':
		for s.Open('['); s.Elem(); {
			s.Skip()
		}
	case '"':
		s.quoted()
	case 't':
		s.word("true")
	case 'f':
		s.word("false")
	case 'n':
		s.word("null")
	default:
		s.number()
	}
}

// Fold looks for Name in a list of names with spaces between them, regardless of
// case, and replaces Name by what it finds.
func (s *Scanner) Fold(names string) bool {
	for names != "" {
		var name string
		name, names, _ = strings.Cut(names, " ")
		if strings.EqualFold(name, string(s.Name)) {
			s.Name = append(s.scratch[:0], name...)
			s.scratch = s.Name
			return true
		}
	}
	return false
}
