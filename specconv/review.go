package specconv

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

// Review finds everything that can be told about a bundle without making a container:
// what Validate and Inspect find, all of it, and what is too slow or too strict to look
// for each time a container is made. Its warnings are about what the specification only
// recommends. The facts are those of Inspect.
func Review(b *Bundle, o Options) (Facts, []Problem) {
	problems := Validate(b, o)
	facts, seen := inspect(b, false)
	for _, p := range seen {
		if !slices.ContainsFunc(problems, func(other Problem) bool { return other.Pointer == p.Pointer }) {
			problems = append(problems, p)
		}
	}
	if b.Spec == nil {
		return facts, problems
	}
	r := reviewer{}
	var document any
	if json.Unmarshal(b.Raw[:b.valueEnd()], &document) == nil {
		r.properties(reflect.TypeFor[specs.Spec](), document, "")
	}
	r.hooks(b.Spec.Hooks)
	r.devices(b.Spec.Linux)
	r.host(b)
	return facts, append(problems, r.problems...)
}

// valueEnd is where the JSON value in Raw ends.
func (b *Bundle) valueEnd() int {
	if b.end > 0 {
		return b.end
	}
	return len(b.Raw)
}

type reviewer struct{ problems []Problem }

func (r *reviewer) add(where plan.Cause, ref string, warning bool, format string, args ...any) {
	r.problems = append(r.problems, Problem{Pointer: where, Err: fmt.Errorf(format, args...), Warning: warning, Ref: ref})
}

// properties finds those that nobody knows: they have no effect, which is seldom what was
// meant.
func (r *reviewer) properties(t reflect.Type, value any, where plan.Cause) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch v := value.(type) {
	case []any:
		if t.Kind() == reflect.Slice {
			for i, item := range v {
				r.properties(t.Elem(), item, element(string(where), i))
			}
		}
	case map[string]any:
		for _, key := range sortedKeys(v) {
			at := member(string(where), key)
			switch known, ok := property(t, key); {
			case ok:
				r.properties(known, v[key], at)
			case t.Kind() == reflect.Struct:
				r.add(at, "config.md#extensibility", true, "ignoring unknown property %q", key)
			}
		}
	}
}

// property gives the type of a property of a struct or of a member of a map. As for
// encoding/json, upper and lower case are the same.
func property(t reflect.Type, key string) (reflect.Type, bool) {
	if t.Kind() == reflect.Map {
		return t.Elem(), true
	}
	if t.Kind() != reflect.Struct {
		return nil, false
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			if known, ok := property(f.Type, key); ok {
				return known, true
			}
			continue
		}
		if strings.EqualFold(name, key) {
			return f.Type, true
		}
	}
	return nil, false
}

// hooks looks for the programs that are run from the host's file system.
func (r *reviewer) hooks(hooks *specs.Hooks) {
	if hooks == nil {
		return
	}
	//nolint:staticcheck // prestart is deprecated, and still what engines use.
	r.hookList("/hooks/prestart", hooks.Prestart, false)
	r.hookList("/hooks/createRuntime", hooks.CreateRuntime, false)
	r.hookList("/hooks/createContainer", hooks.CreateContainer, false)
	r.hookList("/hooks/poststart", hooks.Poststart, false)
	// A hook of the end that fails is only a warning.
	r.hookList("/hooks/poststop", hooks.Poststop, true)
}

func (r *reviewer) hookList(pointer string, list []specs.Hook, warning bool) {
	for i := range list {
		path := list[i].Path
		if path == "" || path[0] != '/' || hasNUL(path) {
			continue
		}
		if err := unix.Access(path, unix.X_OK); err != nil {
			r.add(element(pointer, i)+"/path", refHooks, warning, "%w", &fs.PathError{Op: "fork/exec", Path: path, Err: err})
		}
	}
}

// devices finds nodes that share a device (runtime-spec config-linux.md, "Devices").
func (r *reviewer) devices(linux *specs.Linux) {
	if linux == nil {
		return
	}
	for i := range linux.Devices {
		d := &linux.Devices[i]
		for k := range i {
			other := &linux.Devices[k]
			if d.Type != "p" && d.Type == other.Type && d.Major == other.Major && d.Minor == other.Minor {
				r.add(element("/linux/devices", i), "config-linux.md#devices", true,
					"device %s %d:%d is listed before as %s", d.Type, d.Major, d.Minor, other.Path)
				break
			}
		}
	}
}

// Place says where in the text of a config.json a problem is: at the value of its pointer,
// or at what holds it where there is no such value. Line and column count from 1.
func Place(raw []byte, pointer plan.Cause) (line, column int) {
	for where := string(pointer); ; {
		if line, column, ok := Position(raw, plan.Cause(where)); ok {
			return line, column
		}
		cut := strings.LastIndexByte(where, '/')
		if cut < 0 {
			return 1, 1
		}
		where = where[:cut]
	}
}
