package jsonscan

import (
	"encoding/json"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

type record struct {
	Name  string
	Tags  []string
	Sizes []uint64
	Sub   *record
	Extra map[string]string
}

func readRecord(s *Scanner, r *record) {
	for s.Open('{'); s.Key(); {
	again:
		switch string(s.Name) {
		case "Name":
			s.String(&r.Name)
		case "Tags":
			s.Strings(&r.Tags)
		case "Sizes":
			List(s, &r.Sizes, (*Scanner).Uint64)
		case "Sub":
			Pointer(s, &r.Sub, readRecord)
		case "Extra":
			Map(s, &r.Extra, (*Scanner).String)
		default:
			if s.Fold("Name Tags Sizes Sub Extra") {
				goto again
			}
			s.Skip()
		}
	}
}

// read gives what the scanner makes of a text, or its fault.
func read(text string) (record, Fault, bool) {
	var r record
	s := New([]byte(text))
	readRecord(s, &r)
	fault, failed := s.Fault()
	return r, fault, failed
}

// checkRecord demands what encoding/json makes of a text.
func checkRecord(t *testing.T, text string) {
	t.Helper()
	have, _, failed := read(text)
	var want record
	err := json.NewDecoder(strings.NewReader(text)).Decode(&want)
	if failed != (err != nil) {
		t.Fatalf("%.80q: failed %v, encoding/json says %v", text, failed, err)
	}
	if err == nil && !reflect.DeepEqual(have, want) {
		t.Errorf("%.80q: have %+v, want %+v", text, have, want)
	}
}

// Many strings and lists share pieces of memory; none may run into another.
func TestSharedMemoryStaysApart(t *testing.T) {
	words := func(n, size int) string {
		list := make([]string, n)
		for i := range list {
			list[i] = `"` + strings.Repeat(string(rune('a'+i%26)), size) + `"`
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	for _, n := range []int{0, 1, 15, 16, 17, 63, 64, 65, 130, 5000} {
		for _, size := range []int{0, 1, 40, 1023, 1024, 1025} {
			if n*size > 200_000 {
				continue
			}
			checkRecord(t, `{"Tags":`+words(n, size)+`,"Sub":{"Tags":`+words(3, 5)+`,"Sub":{"Tags":`+words(n, 2)+`}}}`)
		}
	}
	// Brackets and commas inside strings make the guessed length wrong.
	checkRecord(t, `{"Tags":["a]","b","c"],"Sub":{"Tags":["d,e,f","g",null,"]]"]},"Extra":{"x":"y"}}`)
	checkRecord(t, `{"Tags":["a]","b","c"],"Sub":{"Tags":[null,null]}}`)
}

func TestFaults(t *testing.T) {
	for text, want := range map[string]Fault{
		`{"Name":5}`:             {8, "number"},
		`{"Name": {}}`:           {9, "object"},
		`{"Tags":"x"}`:           {8, "string"},
		`{"Tags":[true]}`:        {9, "bool"},
		`{"Sizes":[1,-2]}`:       {12, "number -2"},
		`{"Sizes":[1.5]}`:        {10, "number 1.5"},
		`{"Sub":[]}`:             {7, "array"},
		`{"x":nul}`:              {5, ""},
		`{"Name":"a`:             {10, ""},
		`{"Name":"a" "Tags":[]}`: {12, ""},
	} {
		if _, fault, failed := read(text); !failed || fault != want {
			t.Errorf("%s: %+v, want %+v", text, fault, want)
		}
	}
}

// A short text must not ask for much memory.
func TestGuessesAreBounded(t *testing.T) {
	text := []byte(`{"Tags":[` + strings.Repeat(",", 1<<20) + `]}`)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var r record
	readRecord(New(text), &r)
	runtime.ReadMemStats(&after)
	if bytes := after.TotalAlloc - before.TotalAlloc; bytes > 1<<20 {
		t.Errorf("%d bytes", bytes)
	}
}

func TestOffsetIsBehindTheValue(t *testing.T) {
	var r record
	s := New([]byte(" {\"Name\":\"x\"} \n rest"))
	readRecord(s, &r)
	if s.Offset() != 13 || r.Name != "x" {
		t.Errorf("offset %d, %+v", s.Offset(), r)
	}
}

func FuzzScanner(f *testing.F) {
	for _, text := range []string{
		`{"Name":"\u00e9\ud83d\ude00","Tags":["a",null],"Sizes":[0,18446744073709551615],"Sub":{"Extra":{"a":"b"}}}`,
		`{"name":1e5,"x":[[{}]]}`, `[`, `{"Tags":["a]","b"],"Tags":[null]}`,
	} {
		f.Add(text)
	}
	f.Fuzz(checkRecord)
}
