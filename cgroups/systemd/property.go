package systemd

import (
	"errors"
	"fmt"
	"math"
	"sort"
	"strings"

	"github.com/ocirun/ocirun/cgroups/internal/dbus"
)

// Property is a property of a unit (org.freedesktop.systemd1(5)).
type Property struct {
	Name  string
	value dbus.Variant
}

// String gives "Name=value".
func (p Property) String() string { return p.Name + "=" + p.value.String() }

func text(name, value string) Property { return Property{name, dbus.Variant{Sig: "s", Value: value}} }

func flag(name string, on bool) Property { return Property{name, dbus.Variant{Sig: "b", Value: on}} }

func number(name string, n uint64) Property {
	return Property{name, dbus.Variant{Sig: "t", Value: n}}
}

// limit is a number of which everything below zero means that there is no limit.
func limit(name string, n int64) Property {
	if n < 0 {
		return number(name, math.MaxUint64)
	}
	return number(name, uint64(n))
}

// annotationPrefix begins the key of an annotation that sets a property.
const annotationPrefix = "org.systemd.property."

// AnnotationError is an annotation that is not as it should be.
type AnnotationError struct {
	Annotation string
	Err        error
}

func (e *AnnotationError) Error() string { return "annotation " + e.Annotation + " " + e.Err.Error() }

// Unwrap gives the cause.
func (e *AnnotationError) Unwrap() error { return e.Err }

// annotated reads the properties that annotations set, sorted by their names. A name that ends in "Sec" stands for the same
// in microseconds, which is all that D-Bus knows.
func annotated(annotations map[string]string) ([]Property, error) {
	var list []Property
	for key, value := range annotations {
		name, ok := strings.CutPrefix(key, annotationPrefix)
		if !ok {
			continue
		}
		p, err := annotatedProperty(name, value)
		if err != nil {
			return nil, &AnnotationError{key, err}
		}
		list = append(list, p)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	return list, nil
}

func annotatedProperty(name, value string) (Property, error) {
	const shortest = 3
	if len(name) < shortest {
		return Property{}, errors.New("name incorrect: too short")
	}
	for i := range len(name) {
		if c := name[i] | 0x20; c < 'a' || c > 'z' {
			return Property{}, errors.New("name incorrect: contains non-alphabetic character")
		}
	}
	v, err := dbus.ParseText(value)
	if err != nil {
		return Property{}, fmt.Errorf("value parse error: %w", err)
	}
	if base, ok := strings.CutSuffix(name, "Sec"); ok && !strings.HasSuffix(name, "USec") {
		if v, err = microseconds(v); err != nil {
			return Property{}, fmt.Errorf("value parse error: %w", err)
		}
		name = base + "USec"
	}
	return Property{name, v}, nil
}

// microseconds converts a number of seconds.
func microseconds(v dbus.Variant) (dbus.Variant, error) {
	const second = 1000000
	var n uint64
	ok := false
	switch seconds := v.Value.(type) {
	case uint64:
		ok, n = seconds <= math.MaxUint64/second, seconds*second
	case int64:
		ok, n = seconds >= 0 && seconds <= math.MaxInt64/second, uint64(seconds)*second
	case float64:
		// The largest double below 2^64 is 2^64-2048.
		ok, n = seconds >= 0 && seconds*second < math.MaxUint64, uint64(seconds*second)
	default:
		return v, fmt.Errorf("%s is not a number of seconds", v)
	}
	if !ok {
		return v, fmt.Errorf("%s seconds are out of range", v)
	}
	return dbus.Variant{Sig: "t", Value: n}, nil
}
