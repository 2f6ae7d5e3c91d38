package jsonscan

import (
	"unicode/utf16"
	"unicode/utf8"
)

// textChunk is how much room for strings is made at a time, in bytes: a page,
// less what the allocator's size classes make of it.
const textChunk = 4096

// keep makes a string of bytes that do not stay. Many strings share one piece of
// memory: the builder never moves what it has handed out, since it is replaced
// before it would have to grow.
func (s *Scanner) keep(text []byte) string {
	if len(text) == 0 {
		return ""
	}
	if len(text) > textChunk/4 {
		return string(text)
	}
	if s.text.Cap()-s.text.Len() < len(text) {
		s.text.Reset()
		s.text.Grow(textChunk)
	}
	start := s.text.Len()
	s.text.Write(text)
	return s.text.String()[start:]
}

// quoted reads a string. What it gives is valid until the next call.
func (s *Scanner) quoted() []byte {
	start := s.pos + 1
	for i := start; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			s.pos = i + 1
			return s.data[start:i]
		case c == '\\' || c >= utf8.RuneSelf:
			return s.unquote(start, i)
		case c < ' ':
			s.stop(i, "")
			return nil
		}
	}
	s.stop(len(s.data), "")
	return nil
}

// unquote reads the rest of a string that is more than plain ASCII.
func (s *Scanner) unquote(start, i int) []byte {
	out := append(s.scratch[:0], s.data[start:i]...)
	for i < len(s.data) {
		c := s.data[i]
		switch {
		case c == '"':
			s.pos, s.scratch = i+1, out
			return out
		case c == '\\':
			r, size := escape(s.data[i:])
			if size == 0 {
				s.stop(i, "")
				return nil
			}
			out = utf8.AppendRune(out, r)
			i += size
		case c < ' ':
			s.stop(i, "")
			return nil
		default:
			r, size := utf8.DecodeRune(s.data[i:])
			out = utf8.AppendRune(out, r)
			i += size
		}
	}
	s.stop(len(s.data), "")
	return nil
}

// escape reads one escape sequence, or two that are a surrogate pair. Half a pair
// is U+FFFD. The size is 0 if the sequence is none.
func escape(text []byte) (r rune, size int) {
	if len(text) < 2 {
		return 0, 0
	}
	switch text[1] {
	case '"', '\\', '/':
		return rune(text[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		return unicodeEscape(text)
	}
	return 0, 0
}

func unicodeEscape(text []byte) (r rune, size int) {
	r, ok := hex4(text)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if low, ok := hex4(text[6:]); ok {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

// hex4 reads the four digits of \uXXXX.
func hex4(text []byte) (r rune, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	for _, c := range text[2:6] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}
