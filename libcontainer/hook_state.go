package libcontainer

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

// hookState is the state of a container in JSON, as hooks read it (runtime-spec
// runtime.md, "State"). A pid of 0 is left out.
func hookState(id string, status Status, pid int, bundle string, annotations map[string]string) []byte {
	out := make([]byte, 0, 256)
	out = append(out, `{"ociVersion":"`+ociVersion+`","id":`...)
	out = appendJSONString(out, id)
	out = append(out, `,"status":`...)
	out = appendJSONString(out, string(status))
	if pid != 0 {
		out = append(out, `,"pid":`...)
		out = strconv.AppendInt(out, int64(pid), 10)
	}
	out = append(out, `,"bundle":`...)
	out = appendJSONString(out, bundle)
	if len(annotations) > 0 {
		out = append(out, `,"annotations":`...)
		next := byte('{')
		for _, key := range slices.Sorted(maps.Keys(annotations)) {
			out = append(out, next)
			out = appendJSONString(out, key)
			out = append(out, ':')
			out = appendJSONString(out, annotations[key])
			next = ','
		}
		out = append(out, '}')
	}
	return append(out, '}')
}

// hooksOf gives the hooks of one kind that a configuration asks for.
func hooksOf(spec *specs.Spec, kind plan.HookKind) []plan.Hook {
	if spec == nil || spec.Hooks == nil {
		return nil
	}
	var list []specs.Hook
	switch kind {
	case plan.Prestart:
		list = spec.Hooks.Prestart //nolint:staticcheck // deprecated in the specification, not removed
	case plan.CreateRuntime:
		list = spec.Hooks.CreateRuntime
	case plan.CreateContainer:
		list = spec.Hooks.CreateContainer
	case plan.StartContainer:
		list = spec.Hooks.StartContainer
	case plan.Poststart:
		list = spec.Hooks.Poststart
	case plan.Poststop:
		list = spec.Hooks.Poststop
	}
	hooks := make([]plan.Hook, len(list))
	for i, h := range list {
		hooks[i] = plan.Hook{Kind: kind, Index: i, Path: h.Path, Args: h.Args, Env: h.Env}
		if h.Timeout != nil {
			hooks[i].Timeout = time.Duration(*h.Timeout) * time.Second
		}
	}
	return hooks
}
