package specconv

import (
	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

// lack is something that the specification has and this version of ocirun
// does not do.
type lack struct {
	// pattern is a JSON pointer with "*" for any index.
	pattern string
	// what names it in the error.
	what string
	// find gives the pointers of the places in a configuration that use it. What
	// is set to a value that means "unset" does not.
	find func(s *specs.Spec, l *specs.Linux) []plan.Cause
}

// notYet is everything that is missing. A configuration that uses any of it is
// refused: what somebody asked for is never left out in silence. The functions
// capture nothing, so that the table costs nothing at start.
var notYet = [...]lack{}

// unsupported refuses what is missing.
func (v *validator) unsupported() {
	for i := range notYet {
		v.lacking(&notYet[i])
	}
}

func (v *validator) lacking(l *lack) {
	for _, where := range l.find(v.spec, v.linux) {
		v.failf(where, "", "%s is not supported by this version of ocirun", l.what)
	}
}
