package libcontainer

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/netdev"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/specconv/plan"
)

// serveNetDevices moves the devices of the plan into the network namespace that the init
// is in now.
func (b *builder) serveNetDevices() error {
	start := b.o.Trace.begin()
	if err := b.follow(); err != nil {
		return err
	}
	namespace, err := sys.OpenAt(unix.AT_FDCWD, procFile(b.pid, "ns/net"), unix.O_RDONLY, 0)
	if err != nil {
		return b.ended(err)
	}
	defer unix.Close(namespace)
	host, err := netdev.Dial()
	if err != nil {
		return err
	}
	defer host.Close()
	var container *netdev.Conn
	if err := inNetNamespace(namespace, b.done, func() error {
		container, err = netdev.Dial()
		return err
	}); err != nil {
		return err
	}
	defer container.Close()
	for i, e := range b.plan.Entries {
		device, ok := e.Step.(plan.NetDevice)
		if !ok {
			continue
		}
		if err := netdev.Move(host, container, namespace, device.Device, device.As); err != nil {
			failed := b.plan.Failed(i, err, "")
			if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) {
				failed.Hint = "some devices cannot leave their network namespace"
			}
			return failed
		}
	}
	b.o.Trace.end(start, "move network devices")
	return b.answer()
}
