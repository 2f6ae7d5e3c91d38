package cgroups

import (
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// DeviceAccess is access to devices that a list of rules allows.
type DeviceAccess struct {
	// Block: the devices are block devices, otherwise character devices.
	Block bool
	// Major and Minor are -1 for all.
	Major, Minor int64
	// Access is made of the letters r, w and m.
	Access string
}

// AllowedDevices turns device rules, with the default ones behind them, into a list of what is allowed, for service managers
// that know nothing else. It may allow more than the rules do, where they deny a part of what they allow, but never less. All
// is true if everything is allowed.
func AllowedDevices(rules []specs.LinuxDeviceCgroup) (list []DeviceAccess, all bool, err error) {
	parsed, err := deviceRules(rules)
	if err != nil {
		return nil, false, err
	}
	parsed = prune(parsed)
	for _, r := range parsed {
		if !r.allow {
			continue
		}
		if r.everything() {
			return nil, true, nil
		}
		for _, kind := range []byte{'c', 'b'} {
			if r.kind != 'a' && r.kind != kind {
				continue
			}
			_, access, _ := strings.Cut(strings.TrimPrefix(r.String(), string(r.kind)+" "), " ")
			entry := DeviceAccess{Block: kind == 'b', Major: r.major, Minor: r.minor, Access: access}
			if !slices.Contains(list, entry) {
				list = append(list, entry)
			}
		}
	}
	return list, false, nil
}
