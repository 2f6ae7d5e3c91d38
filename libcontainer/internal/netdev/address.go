package netdev

import (
	"encoding/binary"
	"errors"
	"strconv"

	"golang.org/x/sys/unix"
)

// address is one address of a device, as the kernel takes it back.
type address struct {
	family, prefix uint8
	flags          uint32
	// attributes are the address and what belongs to it.
	attributes []attribute
}

type attribute struct {
	kind  uint16
	value []byte
}

// String gives the address and the length of its prefix.
func (a address) String() string {
	for _, kind := range [...]uint16{unix.IFA_LOCAL, unix.IFA_ADDRESS} {
		for _, at := range a.attributes {
			if at.kind == kind {
				return formatIP(at.value) + "/" + strconv.Itoa(int(a.prefix))
			}
		}
	}
	return "of family " + strconv.Itoa(int(a.family))
}

// formatIP is net/netip's text without the shortening of zeros. That package does
// at every start what is wanted only in an error.
func formatIP(ip []byte) string {
	base, separator, size := 10, byte('.'), 1
	if len(ip) == net6 {
		base, separator, size = 16, ':', 2
	}
	var text []byte
	for ; len(ip) >= size; ip = ip[size:] {
		if text != nil {
			text = append(text, separator)
		}
		n := uint64(ip[0])
		if size == 2 {
			n = n<<8 | uint64(ip[1])
		}
		text = strconv.AppendUint(text, n, base)
	}
	return string(text)
}

// net6 is the length of an address of IP version 6.
const net6 = 16

// addressFlags are those that somebody may have asked for; the kernel sets the others.
const addressFlags = unix.IFA_F_NODAD | unix.IFA_F_HOMEADDRESS | unix.IFA_F_MANAGETEMPADDR | unix.IFA_F_NOPREFIXROUTE |
	unix.IFA_F_MCAUTOJOIN

// addresses gives the permanent global addresses of a device.
func (c *Conn) addresses(device int32) ([]address, error) {
	answers, err := c.request(unix.RTM_GETADDR, unix.NLM_F_DUMP, make(message, unix.SizeofIfAddrmsg))
	if err != nil {
		return nil, err
	}
	var list []address
	for _, m := range answers {
		if a, ok := readAddress(m, device); ok {
			list = append(list, a)
		}
	}
	return list, nil
}

// readAddress takes a struct ifaddrmsg and its attributes apart.
func readAddress(m message, device int32) (a address, ok bool) {
	if len(m) < unix.SizeofIfAddrmsg || int32(binary.NativeEndian.Uint32(m[4:])) != device || m[3] != unix.RT_SCOPE_UNIVERSE {
		return a, false
	}
	a.family, a.prefix = m[0], m[1]
	flags := uint32(m[2])
	m.attributes(unix.SizeofIfAddrmsg, func(kind uint16, value []byte) {
		switch kind {
		case unix.IFA_FLAGS:
			if len(value) == 4 {
				flags = binary.NativeEndian.Uint32(value)
			}
		case unix.IFA_ADDRESS, unix.IFA_LOCAL, unix.IFA_BROADCAST, unix.IFA_ANYCAST, unix.IFA_RT_PRIORITY:
			a.attributes = append(a.attributes, attribute{kind, value})
		}
	})
	a.flags = flags & addressFlags
	return a, flags&unix.IFA_F_PERMANENT != 0
}

// add sets an address. One that is there is fine.
func (c *Conn) add(device int32, a address) error {
	m := make(message, 0, 128)
	m = append(m, a.family, a.prefix, 0, unix.RT_SCOPE_UNIVERSE)
	m = binary.NativeEndian.AppendUint32(m, uint32(device))
	for _, at := range a.attributes {
		m = m.attribute(at.kind, at.value)
	}
	if a.flags != 0 {
		m = m.attribute(unix.IFA_FLAGS, number(a.flags))
	}
	_, err := c.request(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL, m)
	if errors.Is(err, unix.EEXIST) {
		return nil
	}
	return err
}
