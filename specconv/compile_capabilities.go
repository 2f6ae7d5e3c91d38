package specconv

import (
	"slices"
	"strings"

	"github.com/ocirun/ocirun/specconv/plan"
)

// capabilitySets are the five sets of a process (capabilities(7)).
type capabilitySets struct {
	bounding, effective, permitted, inheritable, ambient plan.CapSet
}

// capabilityCause points at one of the sets or, without a name, at all of them.
// A configuration without capabilities gets none.
func (c *compiler) capabilityCause(set string) plan.Cause {
	switch {
	case c.process.Capabilities == nil:
		return causeCapabilities
	case set == "":
		return "/process/capabilities"
	case set == "bounding" && len(c.process.Capabilities.Bounding) > 0:
		return "/process/capabilities/bounding"
	}
	return "/process/capabilities"
}

// capabilities reads the sets. What the kernel or the runtime itself does not
// have cannot be granted and gives a warning (runtime-spec config.md, "Linux
// Process"), and so does an ambient capability that is not inheritable and
// permitted, which the kernel would refuse (prctl(2), PR_CAP_AMBIENT_RAISE).
func (c *compiler) capabilities() capabilitySets {
	var sets capabilitySets
	given := c.process.Capabilities
	if given == nil {
		return sets
	}
	reader := capabilityReader{last: c.o.Host.LastCap}
	if own := c.o.Host.Caps; own != 0 && !c.ns.Has(plan.NamespaceUser) {
		// A user namespace has all capabilities anew.
		reader.lacking = ^own
	}
	sets.bounding = reader.read(given.Bounding)
	sets.effective = reader.read(given.Effective)
	sets.permitted = reader.read(given.Permitted)
	sets.inheritable = reader.read(given.Inheritable)
	sets.ambient = reader.read(given.Ambient)
	if len(reader.unknown) > 0 {
		c.warn("ignoring unknown or unavailable capabilities: [" + strings.Join(reader.unknown, " ") + "]")
	}
	if refused := sets.ambient &^ (sets.permitted & sets.inheritable); refused != 0 {
		sets.ambient &^= refused
		c.warn("can't raise ambient " + capabilityWords(refused) + ": operation not permitted")
	}
	return sets
}

// capabilityWords names the capabilities in one line: Buildah asks for all of
// its ambient ones without making them inheritable, at every step of a build.
func capabilityWords(set plan.CapSet) string {
	var names []string
	for bit, name := range plan.CapabilityNames() {
		if set.Has(uint8(bit)) {
			names = append(names, "CAP_"+name)
		}
	}
	if len(names) == 1 {
		return "capability " + names[0]
	}
	return "capabilities " + strings.Join(names, " ")
}

// capabilityReader turns lists of names into sets. Most configurations repeat
// one list, so it remembers the last.
type capabilityReader struct {
	last    uint8
	lacking plan.CapSet
	names   []string
	set     plan.CapSet
	unknown []string
}

func (r *capabilityReader) read(names []string) plan.CapSet {
	if len(names) == 0 {
		return 0
	}
	if slices.Equal(names, r.names) {
		return r.set
	}
	set := plan.CapSet(0)
	for _, name := range names {
		bit, ok := plan.Capability(name)
		if ok && bit <= r.last && !r.lacking.Has(bit) {
			set |= 1 << bit
		} else if !slices.Contains(r.unknown, name) {
			r.unknown = append(r.unknown, name)
		}
	}
	r.names, r.set = names, set
	return set
}
