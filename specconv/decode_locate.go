package specconv

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/ocirun/ocirun/specconv/plan"
)

// step is one step of the way from the document to a value in it: a member's key
// or an element's index.
type step struct {
	key   string
	index int
	array bool
}

// escaped gives the step as a reference token of a JSON pointer (RFC 6901).
func (s step) escaped() string {
	if s.array {
		return strconv.Itoa(s.index)
	}
	return strings.ReplaceAll(strings.ReplaceAll(s.key, "~", "~0"), "/", "~1")
}

// walk calls visit with the way to each value of a document and the offset where
// it begins, until visit says that it has seen enough.
func walk(raw []byte, visit func(path []step, offset int) (enough bool)) {
	var path []step
	wantKey := false
	decoder := json.NewDecoder(bytes.NewReader(raw))
	for {
		offset := tokenStart(raw, int(decoder.InputOffset()))
		token, err := decoder.Token()
		if err != nil {
			return
		}
		top := len(path) - 1
		switch token {
		case json.Delim('}'), json.Delim(']'):
			path = path[:top]
		default:
			if key, ok := token.(string); ok && wantKey {
				path[top].key, wantKey = key, false
				continue
			}
			if top >= 0 && path[top].array {
				path[top].index++
			}
			if visit(path, offset) {
				return
			}
			if token == json.Delim('{') || token == json.Delim('[') {
				path = append(path, step{index: -1, array: token == json.Delim('[')})
			}
		}
		if len(path) == 0 {
			return
		}
		wantKey = !path[len(path)-1].array
	}
}

// tokenStart skips what stands between two tokens.
func tokenStart(raw []byte, offset int) int {
	for offset < len(raw) && strings.IndexByte(" \t\r\n,:", raw[offset]) >= 0 {
		offset++
	}
	return offset
}

// pathAt gives the way to the value at an offset.
func pathAt(raw []byte, offset int) (found []step) {
	walk(raw, func(path []step, at int) bool {
		if at == offset {
			found = append(found, path...)
		}
		return at >= offset
	})
	return found
}

// Position says where in the text of a config.json the value of a JSON pointer
// begins. Line and column count from 1, the column in bytes. The document need
// not hold the value: then ok is false. Of a key that occurs twice it is the last
// one that counts.
func Position(raw []byte, pointer plan.Cause) (line, column int, ok bool) {
	want := string(pointer)
	offset := -1
	walk(raw, func(path []step, at int) bool {
		rest := want
		for _, s := range path {
			var found bool
			if rest, found = strings.CutPrefix(rest, "/"+s.escaped()); !found {
				return false
			}
		}
		if rest == "" {
			offset = at
		}
		return false
	})
	if offset < 0 {
		return 0, 0, false
	}
	line, column = lineColumn(raw, offset)
	return line, column, true
}
