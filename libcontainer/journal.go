package libcontainer

import (
	"bytes"
	"strconv"
)

// The journal is the form of a container's record on disk: lines that are only
// ever appended, each with one write(2), each with its own checksum. A line that
// was cut short or damaged is as if it had not been written; those around it
// stay good.
//
//	CHECKSUM KIND KEY=VALUE KEY=VALUE ...
//
// CHECKSUM is the CRC-32C of the rest of the line, 8 hexadecimal digits. Spaces,
// control characters and '%' of a value are written as '%' and two such digits.

// entry is a line to be written.
type entry struct {
	buf []byte
}

const (
	checksumDigits = 8
	hexDigits      = "0123456789abcdef"
)

func newEntry(kind string) *entry {
	e := &entry{buf: make([]byte, 0, 256)}
	e.buf = append(e.buf, "00000000 "...)
	e.buf = append(e.buf, kind...)
	return e
}

func (e *entry) key(key string) {
	e.buf = append(e.buf, ' ')
	e.buf = append(e.buf, key...)
	e.buf = append(e.buf, '=')
}

// str adds a value; an empty one is left out, as it is what a missing one means.
func (e *entry) str(key, value string) *entry {
	if value == "" {
		return e
	}
	e.key(key)
	for i := range len(value) {
		c := value[i]
		if c <= ' ' || c == '%' || c == 0x7f {
			e.buf = append(e.buf, '%', hexDigits[c>>4], hexDigits[c&15])
			continue
		}
		e.buf = append(e.buf, c)
	}
	return e
}

func (e *entry) num(key string, value int64) *entry {
	if value != 0 {
		e.key(key)
		e.buf = strconv.AppendInt(e.buf, value, 10)
	}
	return e
}

func (e *entry) flag(key string, value bool) *entry {
	if value {
		return e.num(key, 1)
	}
	return e
}

// bytes gives the finished line.
func (e *entry) bytes() []byte {
	sum := checksum(e.buf[checksumDigits+1:])
	for i := range checksumDigits {
		e.buf[i] = hexDigits[sum>>(4*(checksumDigits-1-i))&15]
	}
	return append(e.buf, '\n')
}

// fields are the keys and values of a line that was read.
type fields []struct{ key, value string }

func (f fields) str(key string) string {
	for i := range f {
		if f[i].key == key {
			return f[i].value
		}
	}
	return ""
}

// num gives 0 for a missing key and ok only for a decimal number.
func (f fields) num(key string) (value int64, ok bool) {
	text := f.str(key)
	if text == "" {
		return 0, true
	}
	value, err := strconv.ParseInt(text, 10, 64)
	return value, err == nil
}

func (f fields) flag(key string) bool { return f.str(key) == "1" }

// scanJournal calls line for each undamaged line. It reports whether there are
// others, and whether the data ends in the middle of a line.
func scanJournal(data []byte, line func(kind string, f fields)) (damaged, torn bool) {
	for len(data) > 0 {
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			return true, true
		}
		if kind, f, ok := parseEntry(data[:end]); ok {
			line(kind, f)
		} else if end > 0 {
			damaged = true
		}
		data = data[end+1:]
	}
	return damaged, false
}

func parseEntry(line []byte) (kind string, f fields, ok bool) {
	if len(line) <= checksumDigits+1 || line[checksumDigits] != ' ' {
		return "", nil, false
	}
	rest := line[checksumDigits+1:]
	sum, err := strconv.ParseUint(string(line[:checksumDigits]), 16, 32)
	if err != nil || uint32(sum) != checksum(rest) {
		return "", nil, false
	}
	word, rest, more := bytes.Cut(rest, []byte{' '})
	kind = string(word)
	for more {
		word, rest, more = bytes.Cut(rest, []byte{' '})
		key, value, has := bytes.Cut(word, []byte{'='})
		text, ok := unescape(value)
		if !has || !ok {
			return "", nil, false
		}
		f = append(f, struct{ key, value string }{string(key), text})
	}
	return kind, f, true
}

func unescape(value []byte) (string, bool) {
	if bytes.IndexByte(value, '%') < 0 {
		return string(value), true
	}
	out := make([]byte, 0, len(value))
	for i := 0; i < len(value); i++ {
		if value[i] != '%' {
			out = append(out, value[i])
			continue
		}
		if i+2 >= len(value) {
			return "", false
		}
		c, err := strconv.ParseUint(string(value[i+1:i+3]), 16, 8)
		if err != nil {
			return "", false
		}
		out = append(out, byte(c))
		i += 2
	}
	return string(out), true
}

// castagnoli is the CRC-32C of each half byte. The table of the standard library
// takes longer to fill than all lines of a record take to sum.
var castagnoli = [16]uint32{
	0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
	0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
}

func checksum(data []byte) uint32 {
	sum := ^uint32(0)
	for _, c := range data {
		sum ^= uint32(c)
		sum = castagnoli[sum&15] ^ sum>>4
		sum = castagnoli[sum&15] ^ sum>>4
	}
	return ^sum
}
