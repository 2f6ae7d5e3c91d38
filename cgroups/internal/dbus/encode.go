package dbus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Variant is a value together with its type.
type Variant struct {
	Sig   string
	Value any
}

// encoder puts values together, in little-endian order.
type encoder struct{ out []byte }

var errValue = errors.New("value does not have the form of its D-Bus type")

func (e *encoder) pad(to int) {
	for len(e.out)%to != 0 {
		e.out = append(e.out, 0)
	}
}

// values encodes one value for each type of a signature.
func (e *encoder) values(sig string, values []any) error {
	for _, v := range values {
		first, rest, err := split(sig)
		if err != nil {
			return err
		}
		if err := e.value(first, v); err != nil {
			return err
		}
		sig = rest
	}
	if sig != "" {
		return fmt.Errorf("%w: a value is missing for %q", errValue, sig)
	}
	return nil
}

func (e *encoder) value(sig string, v any) error {
	ok := false
	switch sig[0] {
	case 'b':
		var b bool
		if b, ok = v.(bool); ok {
			n := uint64(0)
			if b {
				n = 1
			}
			e.number('u', n)
		}
	case 'y', 'q', 'u', 't':
		var n uint64
		if n, ok = v.(uint64); ok {
			ok = width(sig[0]) == 8 || n>>(8*width(sig[0])) == 0
			e.number(sig[0], n)
		}
	case 'n', 'i', 'x':
		var n int64
		if n, ok = v.(int64); ok {
			shift := 64 - 8*width(sig[0])
			ok = n<<shift>>shift == n
			e.number(sig[0], uint64(n))
		}
	case 'd':
		var f float64
		if f, ok = v.(float64); ok {
			e.number('d', math.Float64bits(f))
		}
	case 's', 'o', 'g':
		var s string
		if s, ok = v.(string); ok {
			return e.text(sig[0], s)
		}
	case 'v':
		var inner Variant
		if inner, ok = v.(Variant); ok {
			return e.variant(inner)
		}
	default:
		return e.container(sig, v)
	}
	if !ok {
		return fmt.Errorf("%w: %T for %q", errValue, v, sig)
	}
	return nil
}

func (e *encoder) number(t byte, n uint64) {
	w := width(t)
	e.pad(w)
	for range w {
		e.out = append(e.out, byte(n))
		n >>= 8
	}
}

func (e *encoder) text(t byte, s string) error {
	if !wellFormed(t, s) {
		return fmt.Errorf("%w: %q for %q", errValue, s, string(t))
	}
	if t == 'g' {
		if len(s) > maxSignature {
			return errSignature
		}
		e.out = append(e.out, byte(len(s)))
	} else {
		e.number('u', uint64(len(s)))
	}
	e.out = append(append(e.out, s...), 0)
	return nil
}

func (e *encoder) variant(v Variant) error {
	first, rest, err := split(v.Sig)
	if err != nil {
		return err
	}
	if rest != "" {
		return fmt.Errorf("%w %q", errSignature, v.Sig)
	}
	if err := e.text('g', first); err != nil {
		return err
	}
	return e.value(first, v.Value)
}

// container encodes an array, a struct or an entry of a dictionary.
func (e *encoder) container(sig string, v any) error {
	list, ok := v.([]any)
	if data, isBytes := v.([]byte); isBytes && sig == "ay" {
		e.number('u', uint64(len(data)))
		e.out = append(e.out, data...)
		return nil
	}
	if !ok {
		return fmt.Errorf("%w: %T for %q", errValue, v, sig)
	}
	if sig[0] != 'a' {
		e.pad(8)
		return e.values(sig[1:len(sig)-1], list)
	}
	e.number('u', 0)
	size := len(e.out) - 4
	e.pad(align(sig[1]))
	start := len(e.out)
	for _, element := range list {
		if err := e.value(sig[1:], element); err != nil {
			return err
		}
	}
	binary.LittleEndian.PutUint32(e.out[size:], uint32(len(e.out)-start))
	return nil
}
