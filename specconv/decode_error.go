package specconv

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strconv"
	"strings"

	"github.com/ocirun/ocirun/specconv/internal/jsonscan"
	"github.com/ocirun/ocirun/specconv/plan"
)

// SyntaxError says where a text is no JSON. It unwraps to io.EOF for an empty
// text and to io.ErrUnexpectedEOF for one that is cut off.
type SyntaxError struct {
	// File is the name of the text.
	File string
	// Line and Column count from 1, the column in bytes.
	Line, Column int
	// Err has encoding/json's sentence.
	Err error
}

// Error gives "config.json:12:7: invalid character ...".
func (e *SyntaxError) Error() string {
	return position(e.File, e.Line, e.Column) + e.Err.Error()
}

// Unwrap gives the error without the place.
func (e *SyntaxError) Unwrap() error { return e.Err }

// TypeError says where a text has a value of the wrong type, or a number that
// does not fit.
type TypeError struct {
	// File is the name of the text.
	File string
	// Pointer is the place in the document.
	Pointer plan.Cause
	// Line and Column count from 1, the column in bytes.
	Line, Column int
	// Value is what was found, Struct and Field what it was meant for and Type
	// the type that it should have, all in the words of encoding/json. Struct and
	// Field are empty for the document itself.
	Value, Struct, Field, Type string
}

// Error gives "config.json:12:7: /process/cwd: json: cannot unmarshal number into
// Go struct field Process.process.cwd of type string".
func (e *TypeError) Error() string {
	text := position(e.File, e.Line, e.Column)
	if e.Pointer != "" {
		text += string(e.Pointer) + ": "
	}
	text += "json: cannot unmarshal " + e.Value + " into Go "
	if e.Struct == "" {
		return text + "value of type " + e.Type
	}
	return text + "struct field " + e.Struct + "." + e.Field + " of type " + e.Type
}

func position(file string, line, column int) string {
	return file + ":" + strconv.Itoa(line) + ":" + strconv.Itoa(column) + ": "
}

// explainFault makes the error for a fault in a text that should be a T. Nothing
// of this is prepared while all is well: it reads the text again. As with
// encoding/json, a text that is no JSON is that before all else.
func explainFault[T any](file string, raw []byte, fault jsonscan.Fault) error {
	var skipped json.RawMessage
	err := json.NewDecoder(bytes.NewReader(raw)).Decode(&skipped)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		// The decoder counts the byte that it stumbled over.
		line, column := lineColumn(raw, int(syntax.Offset)-1)
		return &SyntaxError{file, line, column, err}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		line, column := lineColumn(raw, len(raw))
		return &SyntaxError{file, line, column, err}
	case err != nil:
		return err
	case fault.Value == "":
		line, column := lineColumn(raw, fault.Offset)
		return &SyntaxError{file, line, column, errors.New("invalid JSON")}
	}
	path := pathAt(raw, fault.Offset)
	e := &TypeError{File: file, Value: fault.Value}
	e.Line, e.Column = lineColumn(raw, fault.Offset)
	e.describe(reflect.TypeFor[T](), path)
	return e
}

// describe follows the path from the document's type to the value's.
func (e *TypeError) describe(t reflect.Type, path []step) {
	var fields []string
	for _, s := range path {
		e.Pointer += "/" + plan.Cause(s.escaped())
		t = indirect(t)
		switch t.Kind() {
		case reflect.Struct:
			f, ok := fieldByName(t, s.key)
			if !ok {
				return
			}
			e.Struct = t.Name()
			if i := f.Index; len(i) > 1 {
				fields = append(fields, t.Field(i[0]).Name)
			}
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			fields = append(fields, name)
			t = f.Type
		case reflect.Slice, reflect.Map:
			t = t.Elem()
		}
	}
	e.Field = strings.Join(fields, ".")
	e.Type = indirect(t).String()
}

func indirect(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// fieldByName finds the field that a key stands for.
func fieldByName(t reflect.Type, key string) (found reflect.StructField, ok bool) {
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == key {
			return f, true
		}
		if !ok && strings.EqualFold(name, key) {
			found, ok = f, true
		}
	}
	return found, ok
}

func lineColumn(raw []byte, offset int) (line, column int) {
	before := raw[:min(max(offset, 0), len(raw))]
	return 1 + bytes.Count(before, []byte{'\n'}), len(before) - bytes.LastIndexByte(before, '\n')
}
