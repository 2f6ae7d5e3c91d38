package plan

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// String gives the plan's stable text form: a line about the namespaces, then a
// table of the steps under the names of their phases.
func (p *Plan) String() string {
	var out strings.Builder
	out.WriteString(p.Spawn.String())
	width := causeWidth(p.Entries)
	last := Phase(255)
	for i, e := range p.Entries {
		if e.Phase != last {
			fmt.Fprintf(&out, "\n%s\n", e.Phase)
			last = e.Phase
		}
		line := fmt.Sprintf("%4d  %-4s  %-*s  %s", i+1, e.Step.Lane(), width, e.Cause, e.Step.Action())
		if detail := e.Step.Detail(); detail != "" {
			line += "  " + detail
		}
		out.WriteString(line + "\n")
	}
	return out.String()
}

func causeWidth(entries []Entry) int {
	width := 0
	for _, e := range entries {
		width = max(width, len(e.Cause))
	}
	return min(width, 40)
}

// String says which namespaces are new, joined and inherited.
func (s Spawn) String() string {
	all := NamespaceTime | NamespaceMount | NamespaceCgroup | NamespaceUTS |
		NamespaceIPC | NamespaceUser | NamespacePID | NamespaceNetwork
	var parts []string
	for _, set := range [...]struct {
		label string
		names []string
	}{
		{"new", Names(s.New)},
		{"joined", Names(s.Joined)},
		{"inherited", Names(all &^ (s.New | s.Joined))},
	} {
		if len(set.names) > 0 {
			parts = append(parts, set.label+" "+strings.Join(set.names, " "))
		}
	}
	return "namespaces: " + strings.Join(parts, "; ") + "\n"
}

// jsonEntry is the form in which a step stands in the JSON output.
type jsonEntry struct {
	Number int    `json:"number"`
	Phase  string `json:"phase"`
	Lane   string `json:"lane"`
	Step   string `json:"step"`
	Cause  Cause  `json:"cause"`
	Action string `json:"action"`
	Detail string `json:"detail,omitempty"`
	Args   Step   `json:"args,omitempty"`
}

// MarshalJSON gives the plan's stable JSON form: {"namespaces": {"new": [...],
// "joined": [...]}, "steps": [...]}.
func (p *Plan) MarshalJSON() ([]byte, error) {
	type namespaces struct {
		New    []string `json:"new"`
		Joined []string `json:"joined"`
	}
	doc := struct {
		Namespaces namespaces  `json:"namespaces"`
		Steps      []jsonEntry `json:"steps"`
	}{
		Namespaces: namespaces{New: emptyNotNil(Names(p.Spawn.New)), Joined: emptyNotNil(Names(p.Spawn.Joined))},
		Steps:      make([]jsonEntry, len(p.Entries)),
	}
	for i, e := range p.Entries {
		doc.Steps[i] = jsonEntry{
			Number: i + 1, Phase: e.Phase.String(), Lane: e.Step.Lane().String(), Step: e.Step.Name(),
			Cause: e.Cause, Action: e.Step.Action(), Detail: e.Step.Detail(), Args: e.Step,
		}
	}
	return json.Marshal(doc)
}

func emptyNotNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// StepError says which step of a plan failed and why. It unwraps to the cause,
// normally a syscall.Errno.
type StepError struct {
	Cause  Cause
	Action string
	Err    error
	// Detail is what the kernel said beyond the error number, such as the log of
	// a file system context (fsopen(2)).
	Detail string
	// Hint says how the cause is mended where it is a known one.
	Hint string
	// Step is what failed, or nil.
	Step Step
}

// Error gives one line: cause, action, error, and in brackets what else is
// known.
func (e *StepError) Error() string {
	text := e.Action + ": " + e.Err.Error()
	if e.Cause != "" && !e.Cause.IsDefault() {
		text = string(e.Cause) + ": " + text
	}
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// Unwrap gives the error that the step ended in.
func (e *StepError) Unwrap() error { return e.Err }

// Failed makes the error for entry number i (from 0).
func (p *Plan) Failed(i int, err error, detail string) *StepError {
	if i < 0 || i >= len(p.Entries) {
		return &StepError{Action: "step " + strconv.Itoa(i+1), Err: err, Detail: detail}
	}
	e := p.Entries[i]
	return &StepError{Cause: e.Cause, Action: e.Step.Action(), Err: err, Detail: detail, Step: e.Step}
}
