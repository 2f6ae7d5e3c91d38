package criu

import (
	"encoding/binary"
	"errors"
)

// The wire types of protocol buffers that CRIU's messages have.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

// message is a message that is being put together. Zero values are left out, as
// they mean the same.
type message []byte

func (m *message) tag(field, kind int) {
	*m = binary.AppendUvarint(*m, uint64(field)<<3|uint64(kind))
}

// required writes a number even if it is 0.
func (m *message) required(field int, value int64) {
	m.tag(field, wireVarint)
	*m = binary.AppendUvarint(*m, uint64(value))
}

func (m *message) num(field int, value int64) {
	if value != 0 {
		m.required(field, value)
	}
}

func (m *message) flag(field int, value bool) {
	if value {
		m.required(field, 1)
	}
}

func (m *message) text(field int, value string) {
	if value != "" {
		m.part(field, message(value))
	}
}

// part writes a message inside of the message.
func (m *message) part(field int, value message) {
	m.tag(field, wireBytes)
	*m = binary.AppendUvarint(*m, uint64(len(value)))
	*m = append(*m, value...)
}

// errMessage is given for bytes that are no message.
var errMessage = errors.New("criu sent a message that cannot be read")

// fields calls take for each field: with its number, or with its bytes.
func fields(data []byte, take func(field int, num int64, part []byte) error) error {
	for len(data) > 0 {
		tag, n := binary.Uvarint(data)
		if n <= 0 {
			return errMessage
		}
		num, part, rest, err := value(int(tag&7), data[n:])
		if err == nil {
			err = take(int(tag>>3), num, part)
		}
		if err != nil {
			return err
		}
		data = rest
	}
	return nil
}

func value(kind int, data []byte) (num int64, part, rest []byte, err error) {
	length := 0
	switch kind {
	case wireVarint, wireBytes:
		v, n := binary.Uvarint(data)
		if n <= 0 {
			return 0, nil, nil, errMessage
		}
		if kind == wireVarint {
			return int64(v), nil, data[n:], nil
		}
		data = data[n:]
		if v > uint64(len(data)) {
			return 0, nil, nil, errMessage
		}
		return 0, data[:v], data[v:], nil
	case wireFixed64:
		length = 8
	case wireFixed32:
		length = 4
	default:
		return 0, nil, nil, errMessage
	}
	if len(data) < length {
		return 0, nil, nil, errMessage
	}
	return 0, nil, data[length:], nil
}
