package cgroups

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Access bits, as the kernel has them for eBPF (BPF_DEVCG_ACC_*).
const (
	accessMknod uint8 = 1 << iota
	accessRead
	accessWrite
	accessAll = accessMknod | accessRead | accessWrite
)

// anyNumber is the wildcard for a major or minor number.
const anyNumber = -1

// deviceRule is one rule. Of all rules that match a device and an access bit, the last one decides; if none does, the
// access is denied.
type deviceRule struct {
	kind         byte // 'c', 'b', or 'a' for both
	major, minor int64
	access       uint8
	allow        bool
}

// defaultDevices are always allowed, after what the user says: containers cannot work without them, and making nodes
// does no harm where opening them is denied. 10:200 is net/tun, which VPN software in containers has come to rely on.
func defaultDevices() []deviceRule {
	allow := func(kind byte, major, minor int64, access uint8) deviceRule {
		return deviceRule{kind, major, minor, access, true}
	}
	return []deviceRule{
		allow('c', anyNumber, anyNumber, accessMknod),
		allow('b', anyNumber, anyNumber, accessMknod),
		allow('c', 1, 3, accessAll),           // null
		allow('c', 1, 5, accessAll),           // zero
		allow('c', 1, 7, accessAll),           // full
		allow('c', 1, 8, accessAll),           // random
		allow('c', 1, 9, accessAll),           // urandom
		allow('c', 5, 0, accessAll),           // tty
		allow('c', 5, 2, accessAll),           // ptmx
		allow('c', 136, anyNumber, accessAll), // pts
		allow('c', 10, 200, accessAll),        // net/tun
	}
}

// deviceRules parses the user's rules and appends the default ones. Errors are *FieldError below /devices.
func deviceRules(rules []specs.LinuxDeviceCgroup) ([]deviceRule, error) {
	defaults := defaultDevices()
	list := make([]deviceRule, 0, len(rules)+len(defaults))
	for i := range rules {
		r, err := parseDeviceAt(i, &rules[i])
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return append(list, defaults...), nil
}

// parseDeviceAt gives errors the place of the rule.
func parseDeviceAt(i int, r *specs.LinuxDeviceCgroup) (deviceRule, error) {
	d, f := parseDevice(r)
	if f != nil {
		return d, &FieldError{"/devices/" + strconv.Itoa(i) + f.Pointer, fmt.Errorf("device access at %d: %w", i, f.Err)}
	}
	return d, nil
}

// parseDevice checks one rule (config-linux.md, allowed device list).
func parseDevice(r *specs.LinuxDeviceCgroup) (deviceRule, *FieldError) {
	d := deviceRule{kind: 'a', major: anyNumber, minor: anyNumber, allow: r.Allow}
	switch r.Type {
	case "", "a":
	case "c", "b":
		d.kind = r.Type[0]
	case "u": // the same as c in mknod(1)
		d.kind = 'c'
	default:
		return d, &FieldError{"/type", fmt.Errorf("invalid cgroup device type %q", r.Type)}
	}
	for _, n := range [...]struct {
		field string
		from  *int64
		to    *int64
	}{{"/major", r.Major, &d.major}, {"/minor", r.Minor, &d.minor}} {
		if n.from == nil {
			continue
		}
		if *n.from < anyNumber || *n.from > 1<<32-1 {
			return d, &FieldError{n.field, fmt.Errorf("invalid device number %d", *n.from)}
		}
		*n.to = *n.from
	}
	if r.Access == "" {
		return d, &FieldError{"/access", errors.New("field cannot be empty")}
	}
	for _, c := range r.Access {
		switch c {
		case 'r':
			d.access |= accessRead
		case 'w':
			d.access |= accessWrite
		case 'm':
			d.access |= accessMknod
		default:
			return d, &FieldError{"/access", fmt.Errorf("invalid device access %q (it may have r, w and m)", r.Access)}
		}
	}
	return d, nil
}

// String gives the form of the v1 files, "c 1:3 rwm".
func (d deviceRule) String() string {
	var b strings.Builder
	b.WriteByte(d.kind)
	for i, n := range [...]int64{d.major, d.minor} {
		b.WriteByte(" :"[i])
		if n == anyNumber {
			b.WriteByte('*')
		} else {
			b.WriteString(strconv.FormatInt(n, 10))
		}
	}
	b.WriteByte(' ')
	for i, c := range []byte("mrw") {
		if d.access&(1<<i) != 0 {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// everything tells whether the rule is about every access to every device.
func (d deviceRule) everything() bool {
	return d.kind == 'a' && d.major == anyNumber && d.minor == anyNumber && d.access == accessAll
}

// covers tells whether all devices of another rule are among the rule's own.
func (d deviceRule) covers(o deviceRule) bool {
	return (d.kind == 'a' || d.kind == o.kind) && (d.major == anyNumber || d.major == o.major) &&
		(d.minor == anyNumber || d.minor == o.minor)
}

// overlaps tells whether some device is covered by both rules.
func (d deviceRule) overlaps(o deviceRule) bool {
	return (d.kind == 'a' || o.kind == 'a' || d.kind == o.kind) &&
		(d.major == anyNumber || o.major == anyNumber || d.major == o.major) &&
		(d.minor == anyNumber || o.minor == anyNumber || d.minor == o.minor)
}

// prune drops the rules that decide nothing: those that a later rule overrides, and those that repeat what the rules
// before them say already. The meaning of the list stays the same.
func prune(rules []deviceRule) []deviceRule {
	kept := make([]deviceRule, 0, len(rules))
	for i, r := range rules {
		overridden := false
		for _, later := range rules[i+1:] {
			overridden = overridden || later.covers(r) && later.access&r.access == r.access
		}
		if !overridden && !implied(kept, r) {
			kept = append(kept, r)
		}
	}
	return kept
}

// implied tells whether the list without the rule already says the same.
func implied(before []deviceRule, r deviceRule) bool {
	for i := len(before) - 1; i >= 0; i-- {
		b := before[i]
		if b.access&r.access == 0 || !b.overlaps(r) {
			continue
		}
		if b.allow != r.allow {
			return false
		}
		if b.covers(r) && b.access&r.access == r.access {
			return true
		}
	}
	return !r.allow // in the beginning all is denied
}

// allowsAll tells whether a pruned list denies nothing.
func allowsAll(rules []deviceRule) bool {
	all := false
	for _, r := range rules {
		if !r.allow {
			return false
		}
		all = all || r.everything()
	}
	return all
}
