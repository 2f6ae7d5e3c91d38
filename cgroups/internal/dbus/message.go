package dbus

import "encoding/binary"

// The types of messages.
const (
	typeCall   = 1
	typeReturn = 2
	typeError  = 3
	typeSignal = 4
)

// The header fields ("D-Bus Specification", "Header Fields").
const (
	fieldPath        = 1
	fieldInterface   = 2
	fieldMember      = 3
	fieldErrorName   = 4
	fieldReplySerial = 5
	fieldDestination = 6
	fieldSignature   = 8
)

// maxMessage is more than systemd answers anything with.
const maxMessage = 16 << 20

// fixedHeader is how long the part of a header is that tells how long the rest is.
const fixedHeader = 16

// Call says which method is called, with which arguments.
type Call struct {
	Destination, Path, Interface, Member string
	// Sig is the signature of the arguments.
	Sig  string
	Args []any
}

// Message is a reply or a signal.
type Message struct {
	Path, Interface, Member string
	// Body has the values.
	Body []any

	kind         byte
	serial       uint32
	errorName    string
	sig          string
	body         []byte
	order        binary.ByteOrder
	bodyComplete bool
}

// encode gives the message of a call.
func (c *Call) encode(serial uint32) ([]byte, error) {
	var body encoder
	if err := body.values(c.Sig, c.Args); err != nil {
		return nil, err
	}
	fields := []any{
		[]any{uint64(fieldPath), Variant{"o", c.Path}},
		[]any{uint64(fieldInterface), Variant{"s", c.Interface}},
		[]any{uint64(fieldMember), Variant{"s", c.Member}},
		[]any{uint64(fieldDestination), Variant{"s", c.Destination}},
	}
	if c.Sig != "" {
		fields = append(fields, []any{uint64(fieldSignature), Variant{"g", c.Sig}})
	}
	var e encoder
	e.out = append(e.out, 'l', typeCall, 0, 1)
	e.number('u', uint64(len(body.out)))
	e.number('u', uint64(serial))
	if err := e.value("a(yv)", fields); err != nil {
		return nil, err
	}
	e.pad(8)
	return append(e.out, body.out...), nil
}

// messageLength tells from the fixed part of a header how long the message is.
func messageLength(head []byte) (int, error) {
	order, err := byteOrder(head[0])
	if err != nil {
		return 0, err
	}
	body, fields := int(order.Uint32(head[4:])), int(order.Uint32(head[12:]))
	if body > maxMessage || fields > maxMessage {
		return 0, errMessage
	}
	return (fixedHeader+fields+7)/8*8 + body, nil
}

func byteOrder(mark byte) (binary.ByteOrder, error) {
	switch mark {
	case 'l':
		return binary.LittleEndian, nil
	case 'B':
		return binary.BigEndian, nil
	}
	return nil, errMessage
}

// parse takes a message apart, all but its body.
func parse(data []byte) (*Message, error) {
	if len(data) < fixedHeader {
		return nil, errMessage
	}
	order, err := byteOrder(data[0])
	if err != nil {
		return nil, err
	}
	m := &Message{kind: data[1], order: order}
	d := decoder{data: data, at: 12, order: order}
	for _, field := range d.array("(yv)") {
		pair, ok := field.([]any)
		if !ok || len(pair) != 2 || d.err != nil {
			return nil, errMessage
		}
		m.take(pair[0], pair[1])
	}
	d.pad(8)
	if d.err != nil {
		return nil, d.err
	}
	m.body = data[d.at:]
	return m, nil
}

// take notes one header field; one of the wrong type is as good as none.
func (m *Message) take(code, value any) {
	n, _ := code.(uint64)
	v, _ := value.(Variant)
	text, _ := v.Value.(string)
	switch n {
	case fieldPath:
		m.Path = text
	case fieldInterface:
		m.Interface = text
	case fieldMember:
		m.Member = text
	case fieldErrorName:
		m.errorName = text
	case fieldSignature:
		m.sig = text
	case fieldReplySerial:
		serial, _ := v.Value.(uint64)
		m.serial = uint32(serial)
	}
}

// decode reads the body. Signals that nobody waits for are spared it.
func (m *Message) decode() error {
	if m.bodyComplete {
		return nil
	}
	d := decoder{data: m.body, order: m.order}
	m.Body = d.values(m.sig)
	m.bodyComplete = d.err == nil
	return d.err
}

// Text gives a value of the body that is a text, or "".
func (m *Message) Text(i int) string {
	if i >= len(m.Body) {
		return ""
	}
	text, _ := m.Body[i].(string)
	return text
}
