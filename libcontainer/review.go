package libcontainer

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/ocirun/ocirun/cgroups"
	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
	"github.com/ocirun/ocirun/specconv"
	"github.com/ocirun/ocirun/specconv/plan"
)

// Finding is something that is wrong with a bundle.
type Finding struct {
	// Pointer is the place in config.json (RFC 6901), Line and Column that in its text,
	// counted from 1.
	Pointer string `json:"pointer"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	// Warning says that a container would be made nevertheless.
	Warning bool   `json:"warning"`
	Message string `json:"message"`
	// Reference is the place in runtime-spec that settles the matter, if it does.
	Reference string `json:"reference,omitempty"`
}

// Review finds all that is wrong with a bundle, for this host and these options, without
// making anything. An error is only given for a bundle that cannot be read.
func Review(o CreateOptions) ([]Finding, error) {
	var warnings []specconv.Problem
	o.Warn = func(message string) { warnings = append(warnings, asWarning(message)) }
	b := &builder{id: "container", o: &o, gated: true, detached: true, launch: newLaunch()}
	bundle, err := specconv.Load(o.Bundle)
	if finding, ok := textFinding(err); ok {
		return []Finding{finding}, nil
	}
	if err != nil {
		return nil, err
	}
	b.bundle = bundle
	problems, err := b.review()
	if err != nil {
		return nil, err
	}
	findings := make([]Finding, 0, len(problems)+len(warnings))
	for _, p := range append(problems, warnings...) {
		f := Finding{Pointer: string(p.Pointer), Warning: p.Warning, Message: p.Err.Error(), Reference: p.Ref}
		f.Line, f.Column = specconv.Place(bundle.Raw, p.Pointer)
		findings = append(findings, f)
	}
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return findings, nil
}

// asWarning takes the pointer off a text that begins with one.
func asWarning(message string) specconv.Problem {
	if pointer, rest, ok := strings.Cut(message, ": "); ok && strings.HasPrefix(pointer, "/") {
		return specconv.Problem{Pointer: plan.Cause(pointer), Err: errors.New(rest), Warning: true}
	}
	return specconv.Problem{Err: errors.New(message), Warning: true}
}

// textFinding is about a text that is no JSON, or not of the right form.
func textFinding(err error) (Finding, bool) {
	var syntax *specconv.SyntaxError
	var wrong *specconv.TypeError
	switch {
	case errors.As(err, &syntax):
		return Finding{Line: syntax.Line, Column: syntax.Column, Message: syntax.Err.Error(), Reference: "config.md"}, true
	case errors.As(err, &wrong):
		return Finding{
			Pointer: string(wrong.Pointer), Line: wrong.Line, Column: wrong.Column, Reference: "config.md",
			Message: "this should be " + jsonType(wrong.Type) + ", not a " + wrong.Value,
		}, true
	}
	return Finding{}, false
}

// jsonType names a type of Go in the words of JSON.
func jsonType(name string) string {
	name = strings.TrimLeft(name, "*")
	switch {
	case name == "string":
		return "a string"
	case name == "bool":
		return "true or false"
	case strings.HasPrefix(name, "[]"):
		return "an array"
	case strings.HasPrefix(name, "map[") || strings.HasPrefix(name, "specs."):
		return "an object"
	}
	return "a number that fits into " + name
}

// review collects what the stages of a creation would stumble over one by one.
func (b *builder) review() ([]specconv.Problem, error) {
	host, err := cgroups.Probe()
	if err != nil {
		return nil, err
	}
	var problems []specconv.Problem
	var problem specconv.Problem
	if err := b.probe(host); errors.As(err, &problem) {
		problems = append(problems, problem)
	} else if err != nil {
		return nil, err
	}
	facts, found := specconv.Review(b.bundle, b.options)
	problems = append(problems, found...)
	if specconv.FirstError(problems) != nil {
		return problems, nil
	}
	b.options.Facts = facts
	compiled, warnings, err := specconv.Compile(b.bundle, b.options)
	for _, w := range warnings {
		b.warn(w)
	}
	if err == nil {
		_, err = initproc.Lower(compiled, &initproc.Layout{})
	}
	return append(problems, asProblems(err)...), nil
}

// asProblems gives an error the form of the others.
func asProblems(err error) []specconv.Problem {
	var problem specconv.Problem
	var step *plan.StepError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &problem):
		return []specconv.Problem{problem}
	case errors.As(err, &step) && !step.Cause.IsDefault():
		return []specconv.Problem{{Pointer: step.Cause, Err: step.Err}}
	}
	return []specconv.Problem{{Err: err}}
}
