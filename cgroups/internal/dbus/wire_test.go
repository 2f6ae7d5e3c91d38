package dbus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	godbus "github.com/godbus/dbus/v5"
)

// values are in both implementations' forms.
var values = []struct {
	sig    string
	ours   any
	theirs any
}{
	{"b", true, true},
	{"y", uint64(200), byte(200)},
	{"n", int64(-2), int16(-2)},
	{"q", uint64(65535), uint16(65535)},
	{"i", int64(-70000), int32(-70000)},
	{"u", uint64(1) << 31, uint32(1) << 31},
	{"x", int64(math.MinInt64), int64(math.MinInt64)},
	{"t", uint64(math.MaxUint64), uint64(math.MaxUint64)},
	{"d", 0.25, 0.25},
	{"s", "zwölf\n", "zwölf\n"},
	{"o", "/a/b", godbus.ObjectPath("/a/b")},
	{"g", "a{sv}", godbus.ParseSignatureMust("a{sv}")},
	{"v", Variant{"t", uint64(7)}, godbus.MakeVariant(uint64(7))},
	{"as", []any{"a", "bc"}, []string{"a", "bc"}},
	{"ay", []any{uint64(1), uint64(255)}, []byte{1, 255}},
	{"at", []any{}, []uint64{}},
	{"au", []any{uint64(4)}, []uint32{4}},
	{"a(st)", []any{[]any{"x", uint64(9)}, []any{"yy", uint64(10)}}, []struct {
		S string
		T uint64
	}{{"x", 9}, {"yy", 10}}},
	{"a{sv}", []any{[]any{"k", Variant{"b", true}}}, map[string]godbus.Variant{"k": godbus.MakeVariant(true)}},
	{"a(sa(sv))", []any{[]any{"u", []any{[]any{"p", Variant{"as", []any{"z"}}}}}}, []struct {
		S string
		P []struct {
			N string
			V godbus.Variant
		}
	}{{"u", []struct {
		N string
		V godbus.Variant
	}{{"p", godbus.MakeVariant([]string{"z"})}}}}},
}

// TestEncode compares what we write with what another implementation writes, and has that read it.
func TestEncode(t *testing.T) {
	for _, v := range values {
		call := Call{Destination: "a.b", Path: "/p", Interface: "c.d", Member: "M", Sig: "s" + v.sig, Args: []any{"x", v.ours}}
		data, err := call.encode(7)
		if err != nil {
			t.Errorf("%s: %v", v.sig, err)
			continue
		}
		m, err := godbus.DecodeMessage(bytes.NewReader(data))
		if err != nil {
			t.Errorf("%s: %v", v.sig, err)
			continue
		}
		want := encodeTheirs(t, []any{"x", v.theirs})
		if got := data[len(data)-int(binary.LittleEndian.Uint32(data[4:])):]; !bytes.Equal(got, want) {
			t.Errorf("%s: % x, the other side writes % x", v.sig, got, want)
		}
		if m.Serial() != 7 || m.Headers[godbus.FieldMember].Value() != "M" || m.Headers[godbus.FieldPath].Value() != godbus.ObjectPath("/p") {
			t.Errorf("%s: header %v", v.sig, m.Headers)
		}
	}
}

// encodeTheirs gives the body of a message as the other implementation writes it.
func encodeTheirs(t *testing.T, body []any) []byte {
	t.Helper()
	var out bytes.Buffer
	m := godbus.Message{Type: godbus.TypeMethodCall, Body: body, Headers: map[godbus.HeaderField]godbus.Variant{
		godbus.FieldPath: godbus.MakeVariant(godbus.ObjectPath("/p")), godbus.FieldMember: godbus.MakeVariant("M"),
		godbus.FieldSignature: godbus.MakeVariant(godbus.SignatureOf(body...)),
	}}
	if err := m.EncodeTo(&out, binary.LittleEndian); err != nil {
		t.Fatal(err)
	}
	data := out.Bytes()
	return data[len(data)-int(binary.LittleEndian.Uint32(data[4:])):]
}

// TestDecode reads what another implementation writes, in both orders of bytes.
func TestDecode(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, v := range values {
			var out bytes.Buffer
			err := (&godbus.Message{Type: godbus.TypeSignal, Body: []any{"x", v.theirs}, Headers: map[godbus.HeaderField]godbus.Variant{
				godbus.FieldPath: godbus.MakeVariant(godbus.ObjectPath("/p")), godbus.FieldInterface: godbus.MakeVariant("c.d"),
				godbus.FieldMember:    godbus.MakeVariant("M"),
				godbus.FieldSignature: godbus.MakeVariant(godbus.ParseSignatureMust("s" + v.sig)),
			}}).EncodeTo(&out, order)
			if err != nil {
				t.Fatalf("%s: %v", v.sig, err)
			}
			data := out.Bytes()
			n, err := messageLength(data)
			if err != nil || n != len(data) {
				t.Fatalf("%s: length %d, %v, want %d", v.sig, n, err, len(data))
			}
			m, err := parse(data)
			if err == nil {
				err = m.decode()
			}
			if err != nil {
				t.Errorf("%s: %v", v.sig, err)
				continue
			}
			if len(m.Body) != 2 || !reflect.DeepEqual(m.Body[1], v.ours) || m.Path != "/p" || m.Interface != "c.d" || m.Member != "M" {
				t.Errorf("%s: %#v, want %#v", v.sig, m, v.ours)
			}
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for _, c := range []struct {
		sig string
		v   any
	}{
		{"s", 1},
		{"s", "a\x00b"},
		{"s", "\xff"},
		{"o", "a"},
		{"o", "/a//b"},
		{"o", "/a-b"},
		{"g", "z"},
		{"y", uint64(256)},
		{"n", int64(40000)},
		{"q", int64(1)},
		{"as", "a"},
		{"(ss)", []any{"a"}},
		{"(s)", []any{"a", "b"}},
		{"v", "x"},
		{"v", Variant{"ss", "x"}},
		{"v", Variant{"", "x"}},
		{"g", strings.Repeat("s", 256)},
		{"d", 1},
	} {
		call := Call{Path: "/p", Sig: c.sig, Args: []any{c.v}}
		if _, err := call.encode(1); err == nil {
			t.Errorf("%s of %#v is taken", c.sig, c.v)
		}
	}
	if _, err := (&Call{Sig: "ss", Args: []any{"a"}}).encode(1); !errors.Is(err, errValue) {
		t.Errorf("a missing value: %v", err)
	}
}

func TestSplit(t *testing.T) {
	for sig, want := range map[string]string{
		"s": "s", "su": "s", "as": "as", "a{sv}u": "a{sv}", "(ii)s": "(ii)", "aa(sa{sv})": "aa(sa{sv})", "v": "v",
		"": "!", "a": "!", "(": "!", "()": "!", "(s": "!", "a{vs}": "!", "a{s}": "!", "a{sss}": "!", "z": "!", "{ss}": "!",
		strings.Repeat("a", 40) + "s": "!",
	} {
		first, rest, err := split(sig)
		if want == "!" {
			if err == nil {
				t.Errorf("split(%q) = %q", sig, first)
			}
			continue
		}
		if err != nil || first != want || first+rest != sig {
			t.Errorf("split(%q) = %q, %q, %v", sig, first, rest, err)
		}
	}
}

// FuzzParse: no bytes make the reader panic, and what is longer than it says is refused.
func FuzzParse(f *testing.F) {
	for _, v := range values {
		data, err := (&Call{Path: "/p", Member: "M", Sig: v.sig, Args: []any{v.ours}}).encode(1)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < fixedHeader {
			return
		}
		n, err := messageLength(data)
		if err != nil || n > len(data) {
			return
		}
		m, err := parse(data[:n])
		if err != nil || m.decode() != nil {
			return
		}
		if m.sig == "" {
			return
		}
		// What was understood can be said again.
		if _, err := (&Call{Path: "/p", Sig: m.sig, Args: m.Body}).encode(1); err != nil && !errors.Is(err, errValue) {
			t.Fatalf("%q: %v", m.sig, err)
		}
	})
}
