package specconv

import (
	"reflect"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// specLeaf is a field without fields of its own, as a path of struct fields,
// with "*" for the elements of lists and maps.
type specLeaf struct {
	pointer string
	path    []string
}

// specLeaves walks the types of the specification. Sections for other platforms
// are leaves.
func specLeaves(t reflect.Type, at specLeaf) []specLeaf {
	down := func(name, goName string) specLeaf {
		return specLeaf{at.pointer + "/" + name, append(at.path[:len(at.path):len(at.path)], goName)}
	}
	switch {
	case t.Kind() == reflect.Pointer:
		return specLeaves(t.Elem(), at)
	case (t.Kind() == reflect.Slice || t.Kind() == reflect.Map) && t.Elem().Kind() == reflect.Struct:
		return specLeaves(t.Elem(), down("*", "*"))
	case t.Kind() != reflect.Struct:
		return []specLeaf{at}
	}
	var leaves []specLeaf
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		platform := f.Tag.Get("platform")
		switch {
		case f.Anonymous && name == "":
			leaves = append(leaves, specLeaves(f.Type, at)...)
		case platform != "" && !strings.Contains(platform, "linux"):
			leaves = append(leaves, down(name, f.Name))
		default:
			leaves = append(leaves, specLeaves(f.Type, down(name, f.Name))...)
		}
	}
	return leaves
}

func allLeaves() []specLeaf { return specLeaves(reflect.TypeFor[specs.Spec](), specLeaf{}) }

// coveredBy finds the row for a field.
func coveredBy(pointer string) (Field, bool) {
	for _, f := range fields {
		if f.Pointer == pointer {
			return f, true
		}
	}
	return Field{}, false
}

// A field that a new version of the specification brings fails this test until
// somebody decides what becomes of it.
func TestEveryFieldIsCovered(t *testing.T) {
	used := map[string]bool{}
	for _, leaf := range allLeaves() {
		f, ok := coveredBy(leaf.pointer)
		if !ok {
			t.Errorf("%s is a field of the specification that coverage.go does not know", leaf.pointer)
		}
		used[f.Pointer] = true
	}
	seen := map[string]bool{}
	for _, f := range fields {
		switch {
		case seen[f.Pointer]:
			t.Errorf("%s is there twice", f.Pointer)
		case !used[f.Pointer]:
			t.Errorf("%s is no field of the specification", f.Pointer)
		case (f.Note == "") != (f.Use == UseStep):
			t.Errorf("%s: %q fields have a note, the others none", f.Pointer, f.Use)
		}
		seen[f.Pointer] = true
	}
}

// alter changes the field at the end of a path; what is missing on the way is
// made. Pointers and lists are replaced, never written through: the decoder may
// share them.
func alter(v reflect.Value, path []string, change func(reflect.Value)) {
	switch {
	case v.Kind() == reflect.Pointer:
		fresh := reflect.New(v.Type().Elem())
		if !v.IsNil() {
			fresh.Elem().Set(v.Elem())
		}
		alter(fresh.Elem(), path, change)
		v.Set(fresh)
	case len(path) == 0:
		change(v)
	case path[0] != "*":
		alter(v.FieldByName(path[0]), path[1:], change)
	case v.Kind() == reflect.Map:
		alterMember(v, path[1:], change)
	default:
		list := reflect.MakeSlice(v.Type(), max(v.Len(), 1), max(v.Len(), 1))
		reflect.Copy(list, v)
		alter(list.Index(0), path[1:], change)
		v.Set(list)
	}
}

func alterMember(v reflect.Value, path []string, change func(reflect.Value)) {
	key := reflect.ValueOf("key")
	if v.Len() > 0 {
		key = v.MapKeys()[0]
	} else {
		v.Set(reflect.MakeMap(v.Type()))
	}
	member := reflect.New(v.Type().Elem()).Elem()
	if old := v.MapIndex(key); old.IsValid() {
		member.Set(old)
	}
	alter(member, path, change)
	v.SetMapIndex(key, member)
}

// another gives a field another value.
func another(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Slice:
		item := reflect.New(v.Type().Elem()).Elem()
		if item.Kind() == reflect.Uint32 {
			item.SetUint(4711)
		} else {
			another(item)
		}
		v.Set(reflect.Append(v.Slice3(0, v.Len(), v.Len()), item))
	case reflect.Map:
		fresh := reflect.MakeMap(v.Type())
		for _, key := range v.MapKeys() {
			fresh.SetMapIndex(key, v.MapIndex(key))
		}
		fresh.SetMapIndex(reflect.ValueOf("key.x"), reflect.ValueOf("1"))
		v.Set(fresh)
	default:
		if v.CanInt() {
			v.SetInt(v.Int() + 1)
		} else if v.CanUint() {
			v.SetUint(v.Uint() + 1)
		}
	}
}

// coverageBases are configurations with something in every section.
var coverageBases = []string{"everything", "userns"}

// Every field that is said to be in the plan changes it, or makes Compile warn or
// fail.
func TestStepFieldsChangeThePlan(t *testing.T) {
	for _, leaf := range allLeaves() {
		f, ok := coveredBy(leaf.pointer)
		if !ok || f.Use != UseStep && f.Use != UseIgnored {
			continue
		}
		changed := false
		for _, base := range coverageBases {
			changed = changed || changesPlan(t, base, leaf)
		}
		if changed != (f.Use == UseStep) {
			t.Errorf("%s is said to be %q, but changes the plan: %v", leaf.pointer, f.Use, changed)
		}
	}
}

func changesPlan(t *testing.T, base string, leaf specLeaf) bool {
	t.Helper()
	b := loadConfig(t, base)
	o := testOptions(b)
	before, warnings, err := Compile(b, o)
	if err != nil {
		t.Fatal(err)
	}
	b = loadConfig(t, base)
	alter(reflect.ValueOf(b.Spec).Elem(), leaf.path, another)
	after, more, err := Compile(b, o)
	return err != nil || !reflect.DeepEqual(before, after) || !reflect.DeepEqual(warnings, more)
}

func TestFieldsIsACopy(t *testing.T) {
	list := Fields()
	list[0].Pointer = ""
	if fields[0].Pointer == "" || len(list) != len(fields) {
		t.Error("the table can be changed from outside")
	}
}
