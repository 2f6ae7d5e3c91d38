package netdev

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// The reasons for which a device is not moved, beside the kernel's.
var (
	ErrNotFound = errors.New("link not found")
	ErrTaken    = errors.New("a network device of that name exists in the container's namespace")
)

// Move moves the device of a name from the namespace of from into that of to, whose file
// is the descriptor namespace, and brings it up there. It gets another name if newName is
// not empty; "%d" in that stands for the lowest free number. Its permanent global
// addresses are set again, since the kernel takes all of them away (runtime-spec
// config-linux.md, "Network Devices"). Where the name is taken nothing is done.
func Move(from, to *Conn, namespace int, name, newName string) error {
	device, err := from.link(name)
	if errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("link not found for interface %s on runtime namespace: %w", name, ErrNotFound)
	}
	if err != nil {
		return err
	}
	if newName == "" {
		newName = name
	}
	before, err := to.indexes()
	if err != nil {
		return err
	}
	if err := to.checkFree(newName); err != nil {
		return err
	}
	addresses, err := from.addresses(device)
	if err != nil {
		return fmt.Errorf("read its addresses: %w", err)
	}
	body := link(device, 0, 0).attribute(unix.IFLA_NET_NS_FD, number(uint32(namespace))).attribute(unix.IFLA_IFNAME, text(newName))
	if _, err := from.request(unix.RTM_NEWLINK, 0, body); err != nil {
		return err
	}
	if device, err = to.arrived(newName, before); err != nil {
		return fmt.Errorf("find it in the container's namespace: %w", err)
	}
	for _, a := range addresses {
		if err := to.add(device, a); err != nil {
			return fmt.Errorf("set its address %s: %w", a, err)
		}
	}
	if _, err := to.request(unix.RTM_NEWLINK, 0, link(device, unix.IFF_UP, unix.IFF_UP)); err != nil {
		return fmt.Errorf("bring it up: %w", err)
	}
	return nil
}

func isPattern(name string) bool { return strings.Contains(name, "%d") }

// checkFree refuses a name before anything is moved: a device that was moved, and could
// not be given its name, would stay there.
func (c *Conn) checkFree(name string) error {
	if isPattern(name) {
		return nil
	}
	switch _, err := c.link(name); {
	case err == nil:
		return fmt.Errorf("%s: %w", name, ErrTaken)
	case errors.Is(err, unix.ENODEV):
		return nil
	default:
		return err
	}
}

// arrived finds a device after it was moved: its number may be another one now, and where
// its name was a pattern the kernel has chosen it.
func (c *Conn) arrived(name string, before map[int32]bool) (int32, error) {
	if !isPattern(name) {
		return c.link(name)
	}
	after, err := c.indexes()
	if err != nil {
		return 0, err
	}
	for index := range after {
		if !before[index] {
			return index, nil
		}
	}
	return 0, ErrNotFound
}

// link makes a message about a device: its number, and flags to be changed
// (struct ifinfomsg).
func link(index int32, flags, change uint32) message {
	m := make(message, 4, unix.SizeofIfInfomsg)
	m = binary.NativeEndian.AppendUint32(m, uint32(index))
	m = binary.NativeEndian.AppendUint32(m, flags)
	return binary.NativeEndian.AppendUint32(m, change)
}

func linkIndex(m message) int32 { return int32(binary.NativeEndian.Uint32(m[4:])) }

// link gives the number of the device of a name.
func (c *Conn) link(name string) (int32, error) {
	answers, err := c.request(unix.RTM_GETLINK, 0, link(0, 0, 0).attribute(unix.IFLA_IFNAME, text(name)))
	if err != nil {
		return 0, err
	}
	for _, m := range answers {
		if len(m) >= unix.SizeofIfInfomsg {
			return linkIndex(m), nil
		}
	}
	return 0, errAnswer
}

// Find looks for a device. The error is that of the kernel.
func (c *Conn) Find(name string) error {
	_, err := c.link(name)
	return err
}

// indexes gives the numbers of all devices.
func (c *Conn) indexes() (map[int32]bool, error) {
	answers, err := c.request(unix.RTM_GETLINK, unix.NLM_F_DUMP, link(0, 0, 0))
	if err != nil {
		return nil, err
	}
	all := make(map[int32]bool, len(answers))
	for _, m := range answers {
		if len(m) >= unix.SizeofIfInfomsg {
			all[linkIndex(m)] = true
		}
	}
	return all, nil
}
