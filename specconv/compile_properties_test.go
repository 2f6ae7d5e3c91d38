package specconv

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/ocirun/ocirun/specconv/plan"
)

// resolves says whether a JSON pointer leads to something in a decoded document
// (RFC 6901 section 4).
func resolves(doc any, pointer string) bool {
	for pointer != "" {
		rest, ok := strings.CutPrefix(pointer, "/")
		if !ok {
			return false
		}
		var token string
		token, pointer, ok = strings.Cut(rest, "/")
		if ok {
			pointer = "/" + pointer
		}
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		switch node := doc.(type) {
		case map[string]any:
			if doc, ok = node[token]; !ok {
				return false
			}
		case []any:
			index, err := strconv.Atoi(token)
			if err != nil || index < 0 || index >= len(node) {
				return false
			}
			doc = node[index]
		default:
			return false
		}
	}
	return true
}

// violations lists what is wrong with a plan, whatever the configuration.
func violations(p *plan.Plan, b *Bundle, doc any) []string {
	var bad []string
	note := func(i int, format string, args ...any) {
		bad = append(bad, fmt.Sprintf("row %d (%s): ", i+1, p.Entries[i].Step.Action())+fmt.Sprintf(format, args...))
	}
	position := map[string]int{}
	for i, e := range p.Entries {
		if i > 0 && e.Phase < p.Entries[i-1].Phase {
			note(i, "phase %s after %s", e.Phase, p.Entries[i-1].Phase)
		}
		if !e.Cause.IsDefault() && !resolves(doc, string(e.Cause)) {
			note(i, "cause %q leads nowhere", e.Cause)
		}
		name := e.Step.Name()
		if _, after := position["exec"]; after && e.Step.Lane() != plan.Host {
			note(i, "comes after exec")
		}
		for _, later := range comesBefore[name] {
			if at, ok := position[later]; ok {
				note(i, "has to come before %s, which is row %d", later, at+1)
			}
		}
		position[name] = i
	}
	if _, ok := position["exec"]; !ok {
		bad = append(bad, "nothing is executed")
	}
	bad = append(bad, seccompViolations(p, b)...)
	return append(bad, spawnViolations(p)...)
}

// comesBefore says which steps may not stand before a step of the given name.
var comesBefore = map[string][]string{
	"cgroup":            {"limit", "device-rule"},
	"oom-score-adj":     {"join", "unshare", "fork", "set-ids"},
	"join":              {"fork", "keyring", "root"},
	"unshare":           {"fork", "keyring", "root"},
	"fork":              {"keyring", "loopback", "root", "exec"},
	"tree-propagation":  {"root", "mount", "bind"},
	"root":              {"mount", "bind", "mknod", "symlink"},
	"mount":             {"mknod", "mask", "protect", "pivot-root"},
	"mknod":             {"console", "protect", "mask", "pivot-root"},
	"symlink":           {"hook", "protect", "mask", "pivot-root"},
	"console":           {"protect", "mask", "pivot-root"},
	"sysctl":            {"protect", "mask", "pivot-root"},
	"mkdir":             {"protect", "mask", "root-attr", "pivot-root"},
	"protect":           {"mask", "pivot-root"},
	"mask":              {"pivot-root"},
	"pivot-root":        {"root-attr", "hostname", "exec"},
	"root-attr":         {"hostname", "exec"},
	"no-new-privileges": {"seccomp", "exec"},
	"bounding-set":      {"capabilities", "lookup"},
	"capabilities":      {"umask", "lookup", "gate", "exec"},
	"umask":             {"lookup", "gate"},
	"lookup":            {"gate", "exec"},
	"gate":              {"exec"},
}

// seccompViolations checks the two places of the filter.
func seccompViolations(p *plan.Plan, b *Bundle) []string {
	filter, caps, noNewPrivileges := -1, -1, -1
	for i, e := range p.Entries {
		switch e.Step.(type) {
		case plan.Seccomp:
			filter = i
		case plan.Capabilities:
			caps = i
		case plan.NoNewPrivileges:
			noNewPrivileges = i
		}
	}
	var bad []string
	if (noNewPrivileges >= 0) != b.Spec.Process.NoNewPrivileges {
		bad = append(bad, "no_new_privs is not what the configuration says")
	}
	if filter >= 0 && filter > caps != b.Spec.Process.NoNewPrivileges {
		bad = append(bad, "the filter is after the capabilities iff no_new_privs is set: it is not")
	}
	return bad
}

// spawnViolations checks that each namespace is made or joined once.
func spawnViolations(p *plan.Plan) []string {
	var bad []string
	joined, late := plan.Namespace(0), plan.Namespace(0)
	fork := false
	for _, e := range p.Entries {
		switch step := e.Step.(type) {
		case plan.Join:
			if joined&step.Namespace != 0 || step.Path == "" {
				bad = append(bad, "joins "+step.Namespace.String()+" twice or without a path")
			}
			joined |= step.Namespace
		case plan.Unshare:
			if late&step.Namespaces != 0 {
				bad = append(bad, "unshares a namespace twice")
			}
			late |= step.Namespaces
		case plan.Fork:
			fork = true
			late |= step.Namespaces
		}
	}
	if joined != p.Spawn.Joined || p.Spawn.New&p.Spawn.Joined != 0 {
		bad = append(bad, "the joined namespaces and their rows differ")
	}
	if late&^p.Spawn.New != 0 || late&plan.NamespaceCgroup != p.Spawn.New&plan.NamespaceCgroup {
		bad = append(bad, "unshares what is not new, or makes the cgroup namespace too early")
	}
	if fork != p.Spawn.Fork {
		bad = append(bad, "the fork and its row differ")
	}
	return bad
}

func TestPlanProperties(t *testing.T) {
	for _, g := range goldenCases {
		p, _, b := g.compile(t)
		var doc any
		if err := json.Unmarshal(b.Raw, &doc); err != nil {
			t.Fatal(err)
		}
		for _, v := range violations(p, b, doc) {
			t.Errorf("%s: %s", g.name, v)
		}
		again, _, _ := g.compile(t)
		if !reflect.DeepEqual(p, again) {
			t.Errorf("%s: a second compilation gives another plan", g.name)
		}
	}
}

// The checks themselves find what they are for.
func TestViolationsAreFound(t *testing.T) {
	g := goldenCases[0]
	for name, spoil := range map[string]func(p *plan.Plan){
		"order": func(p *plan.Plan) {
			for i := range p.Entries {
				if p.Entries[i].Step.Name() == "pivot-root" {
					p.Entries[i], p.Entries[i-1] = p.Entries[i-1], p.Entries[i]
					return
				}
			}
		},
		"cause": func(p *plan.Plan) { p.Entries[len(p.Entries)-1].Cause = "/process/arguments" },
		"exec":  func(p *plan.Plan) { p.Add(plan.Stop, causeUmask, plan.Umask{}) },
		"phase": func(p *plan.Plan) { p.Add(plan.Prepare, causeHome, plan.Home{}) },
		"spawn": func(p *plan.Plan) { p.Spawn.Joined = plan.NamespaceTime },
	} {
		p, _, b := g.compile(t)
		spoil(p)
		var doc any
		if err := json.Unmarshal(b.Raw, &doc); err != nil {
			t.Fatal(err)
		}
		if len(violations(p, b, doc)) == 0 {
			t.Errorf("%s: nothing is found", name)
		}
	}
}

func TestCausesOfDefaults(t *testing.T) {
	for cause, word := range map[plan.Cause]string{
		causeCapabilities: "capabilities", causeCgroup: "cgroup", causeCreate: "create",
		causeDeviceRules: "device-rules", causeDevices: "devices", causeHome: "home",
		causeKeyring: "keyring", causeLinks: "links", causeNamespaces: "namespaces",
		causePropagation: "propagation", causeUmask: "umask", causeUser: "user",
	} {
		if cause != plan.Default(word) {
			t.Errorf("%q is not the default %q", cause, word)
		}
	}
}
