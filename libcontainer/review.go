package libcontainer

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/cgroups"
	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
	"github.com/ocirun/ocirun/libcontainer/internal/netdev"
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
	defer b.close()
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
		if f.Reference == "" {
			f.Reference = sectionOf(f.Pointer)
		}
		f.Line, f.Column = specconv.Place(bundle.Raw, p.Pointer)
		findings = append(findings, f)
	}
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return findings, nil
}

// sectionOf gives the part of the specification that a place in config.json belongs to,
// where a finding does not name a better one.
func sectionOf(pointer string) string {
	for _, section := range [...]struct{ pointer, reference string }{
		{"/mounts", "config.md#mounts"},
		{"/process", "config.md#process"},
		{"/root", "config.md#root"},
		{"/hooks", "config.md#posix-platform-hooks"},
		{"/linux/namespaces", "config-linux.md#namespaces"},
		{"/linux/uidMappings", "config-linux.md#user-namespace-mappings"},
		{"/linux/gidMappings", "config-linux.md#user-namespace-mappings"},
		{"/linux/devices", "config-linux.md#devices"},
		{"/linux/resources", "config-linux.md#control-groups"},
		{"/linux/cgroupsPath", "config-linux.md#cgroups-path"},
		{"/linux", "config-linux.md"},
	} {
		if pointer == section.pointer || strings.HasPrefix(pointer, section.pointer+"/") {
			return section.reference
		}
	}
	return "config.md"
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
	problems = append(problems, missingNetDevices(b.bundle.Spec.Linux)...)
	b.options.Facts = facts
	compiled, warnings, err := specconv.Compile(b.bundle, b.options)
	for _, w := range warnings {
		b.warn(w)
	}
	if err == nil {
		_, err = initproc.Lower(compiled, &initproc.Layout{})
	}
	for _, p := range asProblems(err) {
		if !knownProblem(problems, p) {
			problems = append(problems, p)
		}
	}
	return problems, nil
}

// knownProblem says whether an error about the same place, or what holds it, was found
// before: the compiler has not much to add to it.
func knownProblem(problems []specconv.Problem, p specconv.Problem) bool {
	return slices.ContainsFunc(problems, func(other specconv.Problem) bool {
		return !other.Warning && (strings.HasPrefix(string(other.Pointer)+"/", string(p.Pointer)+"/") ||
			strings.HasPrefix(string(p.Pointer)+"/", string(other.Pointer)+"/"))
	})
}

// missingNetDevices are those that the runtime's network namespace does not have.
func missingNetDevices(linux *specs.Linux) (problems []specconv.Problem) {
	if linux == nil || len(linux.NetDevices) == 0 {
		return nil
	}
	conn, err := netdev.Dial()
	if err != nil {
		return nil // the names are all that is looked at
	}
	defer conn.Close()
	for _, name := range slices.Sorted(maps.Keys(linux.NetDevices)) {
		if err := conn.Find(name); errors.Is(err, unix.ENODEV) {
			problems = append(problems, specconv.Problem{
				Pointer: plan.Cause("/linux/netDevices/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)), Ref: "config-linux.md#network-devices",
				Err: fmt.Errorf("link not found for interface %s on runtime namespace", name),
			})
		}
	}
	return problems
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
