package libcontainer

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// NetworkInterface counts what went through a network device, as the container sees
// it. The JSON form is that of an `events` line, and so in capitals.
type NetworkInterface struct {
	Name      string
	RxBytes   uint64
	RxPackets uint64
	RxErrors  uint64
	RxDropped uint64
	TxBytes   uint64
	TxPackets uint64
	TxErrors  uint64
	TxDropped uint64
}

// networkInterfaces reads the counters of the network namespace of a container's first
// process, unless it is the runtime's own, whose numbers are not the container's.
func networkInterfaces(p sys.Process) ([]NetworkInterface, error) {
	table, err := readNetwork(p)
	if err == nil {
		return parseNetwork(string(table)), nil
	}
	if alive, aliveErr := p.Alive(); aliveErr == nil && !alive {
		return nil, ErrNotRunning
	}
	if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) {
		return nil, nil // the init cannot be looked into before its program runs, except by root
	}
	return nil, fmt.Errorf("read network counters: %w", err)
}

// readNetwork gives nothing for the runtime's own namespace. What it reads is the
// process's: it is looked at again behind it.
func readNetwork(p sys.Process) ([]byte, error) {
	dev, ino, err := p.NetworkNamespace()
	if err != nil {
		return nil, err
	}
	ownDev, ownIno, err := sys.OwnNetworkNamespace()
	if err != nil || dev == ownDev && ino == ownIno {
		return nil, err
	}
	table, err := p.NetworkDevices()
	if err != nil {
		return nil, err
	}
	if alive, err := p.Alive(); err != nil || !alive {
		return nil, unix.ESRCH
	}
	return table, nil
}

// parseNetwork reads lines such as "  eth0: 1 2 3 4 5 6 7 8 9 ...": eight numbers of
// what was received, then eight of what was sent.
func parseNetwork(table string) []NetworkInterface {
	const columns = 16
	var list []NetworkInterface
	for line := range strings.Lines(table) {
		name, rest, ok := strings.Cut(line, ":")
		fields := strings.Fields(rest)
		name = strings.TrimSpace(name)
		if !ok || len(fields) < columns || name == "lo" {
			continue
		}
		var n [columns]uint64
		for i := range n {
			n[i], _ = strconv.ParseUint(fields[i], 10, 64)
		}
		list = append(list, NetworkInterface{
			Name: name, RxBytes: n[0], RxPackets: n[1], RxErrors: n[2], RxDropped: n[3],
			TxBytes: n[8], TxPackets: n[9], TxErrors: n[10], TxDropped: n[11],
		})
	}
	return list
}
