package jsonscan

import "math"

// String reads a string.
func (s *Scanner) String(p *string) {
	switch s.next() {
	case '"':
		*p = s.keep(s.quoted())
	case 'n':
		s.word("null")
	default:
		s.mismatch()
	}
}

// Bool reads a boolean.
func (s *Scanner) Bool(p *bool) {
	switch s.next() {
	case 't':
		*p = s.word("true") || *p
	case 'f':
		*p = !s.word("false") && *p
	case 'n':
		s.word("null")
	default:
		s.mismatch()
	}
}

// Uint64 reads an unsigned number.
func (s *Scanner) Uint64(p *uint64) {
	if n, ok := s.unsigned(math.MaxUint64); ok {
		*p = n
	}
}

// Uint32 reads an unsigned number.
func (s *Scanner) Uint32(p *uint32) {
	if n, ok := s.unsigned(math.MaxUint32); ok {
		*p = uint32(n)
	}
}

// Uint16 reads an unsigned number.
func (s *Scanner) Uint16(p *uint16) {
	if n, ok := s.unsigned(math.MaxUint16); ok {
		*p = uint16(n)
	}
}

// Uint reads an unsigned number.
func (s *Scanner) Uint(p *uint) {
	if n, ok := s.unsigned(math.MaxUint); ok {
		*p = uint(n)
	}
}

// Int64 reads a signed number.
func (s *Scanner) Int64(p *int64) {
	if n, ok := s.signed(math.MaxInt64); ok {
		*p = n
	}
}

// Int32 reads a signed number.
func (s *Scanner) Int32(p *int32) {
	if n, ok := s.signed(math.MaxInt32); ok {
		*p = int32(n)
	}
}

// Int reads a signed number.
func (s *Scanner) Int(p *int) {
	if n, ok := s.signed(math.MaxInt); ok {
		*p = int(n)
	}
}

// unsigned reads a number from 0 to limit. A sign is a fault, even before 0, as
// it is for strconv.ParseUint.
func (s *Scanner) unsigned(limit uint64) (n uint64, ok bool) {
	start, integer, ok := s.integral()
	if !ok {
		return 0, false
	}
	n, fits := digits(s.data[start:s.pos], limit)
	if !integer || !fits {
		s.stop(start, "number "+string(s.data[start:s.pos]))
		return 0, false
	}
	return n, true
}

// signed reads a number from -limit-1 to limit.
func (s *Scanner) signed(limit uint64) (n int64, ok bool) {
	start, integer, ok := s.integral()
	if !ok {
		return 0, false
	}
	text, negative := s.data[start:s.pos], s.data[start] == '-'
	if negative {
		text = text[1:]
		limit++
	}
	size, fits := digits(text, limit)
	if !integer || !fits {
		s.stop(start, "number "+string(s.data[start:s.pos]))
		return 0, false
	}
	if negative {
		return -int64(size), true
	}
	return int64(size), true
}

// integral reads what has to be a number and says whether it has neither
// fraction nor exponent. It gives false for null.
func (s *Scanner) integral() (start int, integer, ok bool) {
	c := s.next()
	start = s.pos
	switch {
	case c == '-' || '0' <= c && c <= '9':
		integer = s.number()
		return start, integer, !s.failed
	case c == 'n':
		s.word("null")
	default:
		s.mismatch()
	}
	return start, false, false
}

// digits converts a text without sign.
func digits(text []byte, limit uint64) (n uint64, ok bool) {
	for _, c := range text {
		d := uint64(c - '0')
		if d > 9 || n > (math.MaxUint64-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, n <= limit
}

// number reads a number and says whether it is an integer in form.
func (s *Scanner) number() (integer bool) {
	if s.pos < len(s.data) && s.data[s.pos] == '-' {
		s.pos++
	}
	if s.pos < len(s.data) && s.data[s.pos] == '0' {
		s.pos++
	} else if !s.digitRun() {
		return false
	}
	integer = true
	if s.pos < len(s.data) && s.data[s.pos] == '.' {
		integer = false
		s.pos++
		if !s.digitRun() {
			return false
		}
	}
	if s.pos < len(s.data) && s.data[s.pos]|0x20 == 'e' {
		integer = false
		s.pos++
		if s.pos < len(s.data) && (s.data[s.pos] == '+' || s.data[s.pos] == '-') {
			s.pos++
		}
		s.digitRun()
	}
	return integer
}

// digitRun reads at least one digit.
func (s *Scanner) digitRun() bool {
	start := s.pos
	for s.pos < len(s.data) && '0' <= s.data[s.pos] && s.data[s.pos] <= '9' {
		s.pos++
	}
	if s.pos == start {
		s.stop(start, "")
		return false
	}
	return true
}
