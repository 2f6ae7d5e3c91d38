package dbus

import (
	"encoding/binary"
	"errors"
	"math"
)

// decoder takes values apart. The first error stays.
type decoder struct {
	data  []byte
	at    int
	order binary.ByteOrder
	depth int
	err   error
}

var errMessage = errors.New("malformed D-Bus message")

func (d *decoder) fail() {
	if d.err == nil {
		d.err = errMessage
	}
}

// take gives the next n bytes, or nil after an error.
func (d *decoder) take(n int) []byte {
	if d.err != nil || n < 0 || n > len(d.data)-d.at {
		d.fail()
		return nil
	}
	d.at += n
	return d.data[d.at-n : d.at]
}

func (d *decoder) pad(to int) {
	for d.err == nil && d.at%to != 0 {
		d.take(1)
	}
}

// values decodes one value for each type of a signature.
func (d *decoder) values(sig string) []any {
	var list []any
	for sig != "" && d.err == nil {
		first, rest, err := split(sig)
		if err != nil {
			d.fail()
			return nil
		}
		list = append(list, d.value(first))
		sig = rest
	}
	return list
}

func (d *decoder) value(sig string) any {
	switch sig[0] {
	case 'b':
		return d.number('u') == 1
	case 'y', 'q', 'u', 't':
		return d.number(sig[0])
	case 'n', 'i', 'x':
		shift := 64 - 8*width(sig[0])
		return int64(d.number(sig[0])) << shift >> shift
	case 'd':
		return math.Float64frombits(d.number('d'))
	case 's', 'o', 'g':
		return d.text(sig[0])
	}
	if d.depth++; d.depth > 2*maxDepth {
		d.fail()
		return nil
	}
	defer func() { d.depth-- }()
	switch sig[0] {
	case 'v':
		inner := d.text('g')
		first, rest, err := split(inner)
		if d.err != nil || err != nil || rest != "" {
			d.fail()
			return Variant{}
		}
		return Variant{Sig: first, Value: d.value(first)}
	case 'a':
		return d.array(sig[1:])
	default:
		d.pad(8)
		return d.values(sig[1 : len(sig)-1])
	}
}

func (d *decoder) number(t byte) uint64 {
	w := width(t)
	d.pad(w)
	data := d.take(w)
	if data == nil {
		return 0
	}
	switch w {
	case 1:
		return uint64(data[0])
	case 2:
		return uint64(d.order.Uint16(data))
	case 4:
		return uint64(d.order.Uint32(data))
	}
	return d.order.Uint64(data)
}

func (d *decoder) text(t byte) string {
	n := 0
	if t == 'g' {
		n = int(d.number('y'))
	} else {
		n = int(d.number('u'))
	}
	data := d.take(n)
	if end := d.take(1); end == nil || end[0] != 0 {
		d.fail()
		return ""
	}
	return string(data)
}

func (d *decoder) array(element string) []any {
	size := int(d.number('u'))
	d.pad(align(element[0]))
	if d.err != nil || size > len(d.data)-d.at {
		d.fail()
		return nil
	}
	list := []any{}
	for end := d.at + size; d.err == nil && d.at < end; {
		list = append(list, d.value(element))
		if d.at > end {
			d.fail()
		}
	}
	return list
}
