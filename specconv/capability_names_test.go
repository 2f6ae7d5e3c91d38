package specconv

import (
	"strings"
	"testing"

	"github.com/syndtr/gocapability/capability"

	"github.com/ocirun/ocirun/specconv/plan"
)

// TestCapabilityNames compares the names and numbers with those of a package that was
// generated from the kernel's header.
func TestCapabilityNames(t *testing.T) {
	known := plan.CapabilityNames()
	list := capability.List()
	if len(list) < 38 || len(list) > len(known) {
		t.Fatalf("%d names to compare with, %d are known", len(list), len(known))
	}
	for _, c := range list {
		name := "CAP_" + strings.ToUpper(c.String())
		if bit, ok := plan.Capability(name); !ok || int(bit) != int(c) || "CAP_"+known[c] != name {
			t.Errorf("%s is %d here (known: %v), want %d", name, bit, ok, int(c))
		}
	}
}
