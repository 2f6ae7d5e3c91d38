// Package dbus speaks as much of the D-Bus protocol as it takes to call systemd: method calls, their replies and signals
// over a unix socket, without the net package and without work at the start of a program that has no use for it.
//
// A value has a signature ("D-Bus Specification", "Type System") and a form that follows from it:
//
//	b            bool
//	y q u t      uint64
//	n i x        int64
//	d            float64
//	s o g        string
//	v            Variant
//	a () {}      []any, of elements, members, or the key and the value; "ay" may also be []byte
package dbus
