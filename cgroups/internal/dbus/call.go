package dbus

import "fmt"

// Send begins a call; its reply is for Await.
func (c *Conn) Send(call *Call) (serial uint32, err error) {
	c.serial++
	data, err := call.encode(c.serial)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", call.Member, err)
	}
	return c.serial, c.write(data)
}

// Await waits for the reply to a call, which is an [*Error] if the call failed.
func (c *Conn) Await(serial uint32) (*Message, error) {
	m := c.replies[serial]
	delete(c.replies, serial)
	for m == nil {
		next, err := c.next()
		switch {
		case err != nil:
			return nil, err
		case next.kind == typeSignal:
			c.signals = append(c.signals, next)
		case next.kind != typeReturn && next.kind != typeError:
		case next.serial == serial:
			m = next
		default:
			if c.replies == nil {
				c.replies = map[uint32]*Message{}
			}
			c.replies[next.serial] = next
		}
	}
	if err := m.decode(); err != nil {
		return nil, err
	}
	if m.kind == typeError {
		return nil, &Error{Name: m.errorName, Text: m.Text(0)}
	}
	return m, nil
}

// Do makes a call and waits for its reply.
func (c *Conn) Do(call *Call) (*Message, error) {
	serial, err := c.Send(call)
	if err != nil {
		return nil, err
	}
	return c.Await(serial)
}

// Signal waits for the next signal of that name, also among those that came before.
func (c *Conn) Signal(iface, member string) (*Message, error) {
	for {
		var m *Message
		if len(c.signals) > 0 {
			m, c.signals = c.signals[0], c.signals[1:]
		} else {
			next, err := c.next()
			if err != nil {
				return nil, err
			}
			m = next
		}
		if m.kind == typeSignal && m.Interface == iface && m.Member == member {
			return m, m.decode()
		}
	}
}

const (
	busName      = "org.freedesktop.DBus"
	busPath      = "/org/freedesktop/DBus"
	busInterface = "org.freedesktop.DBus"
)

// Hello announces the caller to a bus, which is the first thing that one expects.
func (c *Conn) Hello() error {
	_, err := c.Do(&Call{Destination: busName, Path: busPath, Interface: busInterface, Member: "Hello"})
	return err
}

// Match asks a bus for signals.
func (c *Conn) Match(rule string) error {
	_, err := c.Do(&Call{
		Destination: busName, Path: busPath, Interface: busInterface, Member: "AddMatch", Sig: "s", Args: []any{rule},
	})
	return err
}
