package main

import (
	"errors"
	"strings"

	"github.com/ocirun/ocirun/libcontainer"
	"github.com/ocirun/ocirun/seccomp"
	"github.com/ocirun/ocirun/specconv/plan"
)

// printSeccomp prints the filter that the plan loads.
func (f *explainFlags) printSeccomp(a *app, e *libcontainer.Explanation) error {
	p, err := filterOf(e.Plan)
	if err != nil {
		return err
	}
	return a.print(strings.TrimRight(p.String(), "\n") + "\n")
}

// filterOf finds the filter in a plan.
func filterOf(p *plan.Plan) (*seccomp.Program, error) {
	for _, e := range p.Entries {
		if s, ok := e.Step.(plan.Seccomp); ok {
			return seccomp.ParseProgram(s.Filter, "")
		}
	}
	return nil, errors.New("the container has no seccomp filter")
}
