package specconv

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

// oracle is the specification's type as encoding/json reads it, but for the
// sections that Decode skips over.
type oracle struct {
	specs.Spec
	Solaris json.RawMessage `json:"solaris"`
	Windows json.RawMessage `json:"windows"`
	VM      json.RawMessage `json:"vm"`
	ZOS     json.RawMessage `json:"zos"`
	FreeBSD json.RawMessage `json:"freebsd"`
}

// reference decodes the first value of a text with encoding/json.
func reference(raw []byte, into any) error {
	return json.NewDecoder(bytes.NewReader(raw)).Decode(into)
}

// checkAgainstReference demands that Decode and encoding/json agree on a text.
func checkAgainstReference(t *testing.T, raw []byte) {
	t.Helper()
	var want oracle
	wantErr := reference(raw, &want)
	have, err := Decode(raw)
	if errors.Is(err, errNullConfig) {
		if wantErr != nil || !reflect.DeepEqual(want, oracle{}) {
			t.Errorf("Decode sees null, encoding/json gives %v, %v", want, wantErr)
		}
		return
	}
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("Decode gives error %v, encoding/json %v", err, wantErr)
	}
	if err == nil && !reflect.DeepEqual(*have, want.Spec) {
		t.Errorf("Decode gives\n%s\nencoding/json\n%s", asJSON(t, have), asJSON(t, want.Spec))
	}
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// filled makes a value with every field set, lists with two elements. The
// sections for other systems stay empty.
func filled(v reflect.Value, seed *int) {
	*seed++
	switch v.Kind() {
	case reflect.String:
		v.SetString("text " + string(rune('a'+*seed%26)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(-int64(*seed))
	case reflect.Uint, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*seed))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(v.Elem(), seed)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		filled(v.Index(0), seed)
		filled(v.Index(1), seed)
	case reflect.Map:
		value := reflect.New(v.Type().Elem()).Elem()
		filled(value, seed)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("key"), value)
	case reflect.Struct:
		for i := range v.NumField() {
			platform := v.Type().Field(i).Tag.Get("platform")
			if v.Field(i).Kind() != reflect.Pointer || platform == "" || strings.Contains(platform, "linux") {
				filled(v.Field(i), seed)
			}
		}
	}
}

func TestEveryFieldIsDecoded(t *testing.T) {
	var want specs.Spec
	seed := 0
	filled(reflect.ValueOf(&want).Elem(), &seed)
	if seed < 150 {
		t.Fatalf("only %d values were filled in", seed)
	}
	have, err := Decode(asJSON(t, want))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(*have, want) {
		t.Errorf("have\n%s\nwant\n%s", asJSON(t, have), asJSON(t, want))
	}
	process, err := DecodeProcess("process.json", asJSON(t, want.Process))
	if err != nil || !reflect.DeepEqual(process, want.Process) {
		t.Errorf("DecodeProcess gives %s, %v", asJSON(t, process), err)
	}
	resources, err := DecodeResources("-", asJSON(t, want.Linux.Resources))
	if err != nil || !reflect.DeepEqual(resources, want.Linux.Resources) {
		t.Errorf("DecodeResources gives %s, %v", asJSON(t, resources), err)
	}
}

func TestFixturesDecodeAsWithEncodingJSON(t *testing.T) {
	files, err := filepath.Glob("testdata/configs/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			checkAgainstReference(t, raw)
		})
	}
}

// decodeSamples are texts whose treatment encoding/json defines; they also seed
// the fuzzer.
var decodeSamples = []string{
	`{}`, ` { } `, "{\n}\r\t ", `{} trailing`, `{}{}`, `{}]`,
	`{"ociVersion":"1.0","OCIVERSION":"2.0"}`,
	`{"OciVersion":"1.0"}`, `{"o\u0063iVersion":"1"}`, `{"Hoſtname":"h"}`, `{"linux":{"maskedPathſ":["/a"]}}`,
	`{"process":null,"root":null,"mounts":null,"hooks":null,"annotations":null,"linux":null}`,
	`{"process":{"user":null,"args":null,"terminal":null,"cwd":null,"oomScoreAdj":null}}`,
	`{"process":{"args":[]},"mounts":[],"annotations":{}}`,
	`{"process":{"args":[null,"a",null]}}`,
	`{"process":{"cwd":"/a","args":["x","y","z"]},"process":{"args":[null,"q"]}}`,
	`{"process":{"args":["x","y"]},"process":{"args":[]},"process":{"args":[null,null]}}`,
	`{"process":{"args":["x"]},"process":null}`,
	`{"mounts":[{"destination":"/a","type":"t"},{"source":"s"}],"mounts":[{"source":"q"},null,{}]}`,
	`{"annotations":{"a":"1","b":null},"annotations":{"a":"2","c":""}}`,
	`{"linux":{"resources":{"rdma":{"m":{"hcaHandles":3},"m":{"hcaObjects":4},"n":null}}}}`,
	`{"linux":{"resources":{"blockIO":{"weightDevice":[{"major":8,"minor":1,"weight":500}]}}}}`,
	`{"linux":{"devices":[{"path":"/dev/x","fileMode":438,"uid":4294967295}]}}`,
	`{"linux":{"seccomp":{"defaultAction":"A","architectures":["X","Y"],"flags":[],"syscalls":[{"names":["a"]}]}}}`,
	`{"hostname":"\u00e9\ud83d\ude00\ud800\udc00x\ud800\n\"\\\/\b\f\r\t"}`, "{\"hostname\":\"\xff\xc3\xa9\xc3\"}",
	`{"hostname":"\ud800\ud800\udc00 \udc00 \ud800\u0041"}`,
	"{\"a\xff\":1}", `{"x":[1,-0.5e+10,{"y":[true,false,null]}]}`,
	`{"windows":{"layerFolders":5},"vm":[],"zos":1,"freebsd":"x","solaris":true}`,
	`{"process":{"user":{"uid":4294967295,"gid":0,"additionalGids":[1,2,3]}}}`,
	`{"process":{"rlimits":[{"type":"a","hard":18446744073709551615,"soft":0}]}}`,
	`{"process":{"oomScoreAdj":-1000}}`, `{"process":{"oomScoreAdj":-0}}`,
	`{"linux":{"resources":{"memory":{"limit":-9223372036854775808,"swap":9223372036854775807}}}}`,
	// From here on texts that are refused.
	``, ` `, `null`, `nullx`, `nul`, `[]`, `"x"`, `5`, `true`, `{`, `{"`, `{"a`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`,
	`{,}`, `{"a":1,}`, `{"a" 1}`, `{a:1}`, `{"a":tru}`, `{"a":+1}`, `{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":1e}`,
	`{"a":-}`, `{"a":"\x"}`, `{"a":"\u12g4"}`, "{\"a\":\"\n\"}", `{"a":[1,]}`, `{"a":[1 2]}`, `{"a":[}`, `{"a":]}`,
	"\ufeff{}", "{\x00}", `{'a':1}`, `{"a":1 "b":2}`, `{"a":NaN}`, `{"root":{"path":"x}`, `/* */ {}`,
	`{"ociVersion":1}`, `{"ociVersion":{}}`, `{"ociVersion":[]}`, `{"ociVersion":true}`,
	`{"process":5}`, `{"process":[]}`, `{"process":"x"}`, `{"process":{"args":"sh"}}`, `{"process":{"args":{}}}`,
	`{"process":{"args":["a",5]}}`, `{"process":{"terminal":"yes"}}`, `{"process":{"terminal":1}}`,
	`{"process":{"user":{"uid":-1}}}`, `{"process":{"user":{"uid":-0}}}`, `{"process":{"user":{"uid":1.0}}}`,
	`{"process":{"user":{"uid":1e3}}}`, `{"process":{"user":{"uid":4294967296}}}`, `{"process":{"user":{"uid":"0"}}}`,
	`{"process":{"user":{"uid":18446744073709551616}}}`, `{"process":{"User":{"UID":"0"}}}`,
	`{"process":{"oomScoreAdj":9223372036854775808}}`, `{"process":{"scheduler":{"nice":2147483648}}}`,
	`{"process":{"scheduler":{"nice":-2147483649}}}`, `{"linux":{"resources":{"blockIO":{"weight":65536}}}}`,
	`{"linux":{"resources":{"blockIO":{"weightDevice":[{"major":"8"}]}}}}`,
	`{"linux":{"resources":{"blockIO":{"weightDevice":[{"weight":"8"}]}}}}`,
	`{"annotations":{"a":1}}`, `{"annotations":["a"]}`, `{"annotations":{"a/b~c":{}}}`,
	`{"linux":{"resources":{"rdma":{"mlx":{"hcaHandles":-1}}}}}`, `{"linux":{"devices":[{},{"fileMode":-1}]}}`,
	`{"mounts":[{},{"destination":5}]}`, `{"linux":{"seccomp":{"syscalls":[{"args":[{"index":-1}]}]}}}`,
	`{"linux":{"seccomp":{"architectures":[5]}}}`, `{"process":5,"x":tru}`, `{"process":{"cwd":5}} x`,
}

func TestDecodeAsEncodingJSON(t *testing.T) {
	for _, text := range decodeSamples {
		t.Run(text, func(t *testing.T) { checkAgainstReference(t, []byte(text)) })
	}
	for _, depth := range []int{9_999, 10_000, 10_001, 200_000} {
		text := strings.Repeat(`[`, depth-1) + strings.Repeat(`]`, depth-1)
		checkAgainstReference(t, []byte(`{"x":`+text+`}`))
	}
}

// A type error has encoding/json's sentence, and so has a syntax error.
func TestErrorsHaveTheKnownSentences(t *testing.T) {
	checked := 0
	for _, text := range decodeSamples {
		var spec specs.Spec
		want := reference([]byte(text), &spec)
		_, err := Decode([]byte(text))
		if want == nil || err == nil {
			continue
		}
		checked++
		if !strings.HasSuffix(err.Error(), want.Error()) {
			t.Errorf("%s: error %q, want %q", text, err, want)
		}
	}
	if checked < 50 {
		t.Fatalf("only %d errors were compared", checked)
	}
}

func TestErrorPositions(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"{\n\t\"root\": {\n\t\t\"path\": 5\n\t}\n}", "config.json:3:11: /root/path: json: cannot unmarshal number into Go struct field Root.root.path of type string"},
		{"{\n\t\"hostname\": \"x\",\n\tfoo: 1\n}", "config.json:3:2: invalid character 'f' looking for beginning of object key string"},
		{"{\n\"annotations\": {\"a/b~c\":\n  [] } }", "config.json:3:3: /annotations/a~1b~0c: json: cannot unmarshal array into Go struct field Spec.annotations of type string"},
		{"", "config.json:1:1: EOF"},
		{"{\n  \"a\": [", "config.json:2:9: unexpected EOF"},
		{"[]", "config.json:1:1: json: cannot unmarshal array into Go value of type specs.Spec"},
		{`{"mounts":[{},{"options":["a", 7]}]}`, "config.json:1:32: /mounts/1/options/1: json: cannot unmarshal number into Go struct field Mount.mounts.options of type string"},
		{`{"process":{"user":{"uid":-1}}}`, "config.json:1:27: /process/user/uid: json: cannot unmarshal number -1 into Go struct field User.process.user.uid of type uint32"},
	} {
		if _, err := Decode([]byte(test.text)); err == nil || err.Error() != test.want {
			t.Errorf("%s:\nhave %v\nwant %s", test.text, err, test.want)
		}
	}
	if _, err := Decode(nil); !errors.Is(err, io.EOF) {
		t.Errorf("an empty text gives %v", err)
	}
	_, err := DecodeResources("limits.json", []byte(`{"pids":{"limit":true}}`))
	want := "limits.json:1:18: /pids/limit: json: cannot unmarshal bool into Go struct field LinuxPids.pids.limit of type int64"
	if err == nil || err.Error() != want {
		t.Errorf("have %v\nwant %s", err, want)
	}
}

func TestPosition(t *testing.T) {
	raw := []byte("{\n \"a/b\": {\"c\": [1,\n  {\"d\":2}, \"c\"]},\n \"c\": null}")
	for _, test := range []struct {
		pointer      string
		line, column int
	}{
		{"", 1, 1},
		{"/a~1b", 2, 9},
		{"/a~1b/c", 2, 15},
		{"/a~1b/c/0", 2, 16},
		{"/a~1b/c/1/d", 3, 8},
		{"/a~1b/c/2", 3, 12},
		{"/c", 4, 7},
		{"/d", 0, 0},
		{"/a", 0, 0},
		{"/a~1b/c/3", 0, 0},
		{"c", 0, 0},
	} {
		line, column, ok := Position(raw, plan.Cause(test.pointer))
		if line != test.line || column != test.column || ok != (test.line > 0) {
			t.Errorf("%s: %d:%d %v, want %d:%d", test.pointer, line, column, ok, test.line, test.column)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, text := range decodeSamples {
		f.Add([]byte(text))
	}
	var spec specs.Spec
	seed := 0
	filled(reflect.ValueOf(&spec).Elem(), &seed)
	all, err := json.Marshal(spec)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(all)
	f.Fuzz(func(t *testing.T, raw []byte) {
		checkAgainstReference(t, raw)
		if line, column, ok := Position(raw, "/process/args/0"); ok != (line > 0 && column > 0) {
			t.Errorf("position %d:%d, %v", line, column, ok)
		}
	})
}
