package main

import (
	"errors"
	"strings"

	"github.com/ocirun/ocirun/libcontainer"
	"github.com/ocirun/ocirun/seccomp"
	"github.com/ocirun/ocirun/specconv/plan"
)

// printSeccomp prints the filter that the plan loads, or its answers.
func (f *explainFlags) printSeccomp(a *app, e *libcontainer.Explanation) error {
	if f.format != "text" {
		return errors.New("the seccomp filter is printed as text only")
	}
	filter, err := filterOf(e.Plan)
	if err != nil {
		return err
	}
	var b strings.Builder
	if len(f.ask) == 0 {
		if err := seccomp.Explain(&b, filter); err != nil {
			return err
		}
		return a.print(b.String())
	}
	if filter == nil {
		return errors.New("the container has no seccomp filter")
	}
	for _, question := range f.ask {
		query, err := seccomp.ParseAsk(question)
		if err != nil {
			return err
		}
		answer, err := filter.Ask(query)
		if err != nil {
			return err
		}
		b.WriteString(answer.String() + "\n")
	}
	return a.print(b.String())
}

// filterOf finds the filter in a plan; it is nil if there is none.
func filterOf(p *plan.Plan) (*seccomp.Program, error) {
	for _, e := range p.Entries {
		step, ok := e.Step.(plan.Seccomp)
		if !ok {
			continue
		}
		filter, err := seccomp.ParseProgram(step.Filter, "")
		if err != nil {
			return nil, err
		}
		filter.Flags = uint(step.Flags)
		return filter, nil
	}
	return nil, nil
}
