package libcontainer

import (
	"bytes"
	"errors"
	"hash/crc32"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

func sampleRecord(id string) *record {
	return &record{
		ID: id, Bundle: "/bundles/a b%\n\xff", Rootfs: "/bundles/rootfs",
		Created:   time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC),
		SharedPID: true,
		Inputs:    inputs{Create: true, NoPivot: true, Rootless: true, ListenFDs: 2, PreserveFDs: 3, ListenNames: "http:a b"},
		Cgroup: cgroupPlace{Mode: "hybrid", Path: "/x/y", Unit: "x-y.scope", Dirs: []cgroupDir{
			{"cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct/x/y"}, {"", "/sys/fs/cgroup/unified/x/y"},
		}},
	}
}

func TestChecksumIsCRC32C(t *testing.T) {
	for _, text := range []string{"", "a", "123456789", strings.Repeat("\x00\xff\x10", 1000)} {
		want := crc32.Checksum([]byte(text), crc32.MakeTable(crc32.Castagnoli))
		if got := checksum([]byte(text)); got != want {
			t.Errorf("checksum of %d bytes = %08x, want %08x", len(text), got, want)
		}
	}
}

func TestRecordRoundTrip(t *testing.T) {
	want := sampleRecord("web")
	data := want.encode()
	got, err := decodeRecord("web", data)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
	data = append(data, newEntry(lineInit).num("pid", 77).num("start", 99).bytes()...)
	data = append(data, newEntry(lineCreated).bytes()...)
	data = append(data, cgroupPlace{Mode: "v2", Dirs: []cgroupDir{{"", "/sys/fs/cgroup/later"}}}.entry().bytes()...)
	data = append(data, newEntry("something-new").num("x", 1).bytes()...)
	got, err = decodeRecord("web", data)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Cgroup.Dirs) != 1 || got.Cgroup.Dirs[0].Dir != "/sys/fs/cgroup/later" {
		t.Errorf("the last cgroup line does not count: %+v", got.Cgroup)
	}
	if got.Init != (sys.Process{Pid: 77, Start: 99}) || !got.IsCreated || got.IsStarted {
		t.Errorf("later lines are not seen: %+v", got)
	}
}

func TestRecordSurvivesDamageAfterItsBeginning(t *testing.T) {
	head := sampleRecord("web").encode()
	initLine := newEntry(lineInit).num("pid", 77).num("start", 99).bytes()
	created := newEntry(lineCreated).bytes()
	for name, data := range map[string][]byte{
		"torn last line":    bytes.Join([][]byte{head, initLine, created[:len(created)-3]}, nil),
		"zeros at the end":  bytes.Join([][]byte{head, initLine, make([]byte, 500)}, nil),
		"garbage in middle": bytes.Join([][]byte{head, []byte("garbage\n"), initLine}, nil),
		"flipped bit":       bytes.Join([][]byte{head, initLine, bytes.Replace(created, []byte("created"), []byte("creaTed"), 1)}, nil),
	} {
		r, err := decodeRecord("web", data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r.Init.Pid != 77 || r.IsCreated {
			t.Errorf("%s: pid %d created %v", name, r.Init.Pid, r.IsCreated)
		}
	}
}

// TestEveryPrefixOfARecord: a maker may be killed, or a disk cut off, at any byte.
func TestEveryPrefixOfARecord(t *testing.T) {
	data := sampleRecord("web").encode()
	head := len(data)
	data = append(data, newEntry(lineInit).num("pid", 77).num("start", 99).bytes()...)
	withInit := len(data)
	data = append(data, newEntry(lineStarted).bytes()...)
	for n := range len(data) + 1 {
		r, err := decodeRecord("web", data[:n])
		if (err == nil) != (n >= head) {
			t.Fatalf("%d of %d bytes: %v", n, len(data), err)
		}
		if err == nil && ((r.Init.Pid == 77) != (n >= withInit) || r.IsStarted != (n == len(data))) {
			t.Fatalf("%d of %d bytes: %+v", n, len(data), r)
		}
	}
}

func TestRecordRejects(t *testing.T) {
	edit := func(change func(*record)) []byte {
		r := sampleRecord("web")
		change(r)
		return r.encode()
	}
	head := sampleRecord("web").encode()
	line := func(e *entry) []byte { return append(bytes.Clone(head), e.bytes()...) }
	for name, data := range map[string][]byte{
		"empty":             nil,
		"null":              []byte("null"),
		"object":            []byte("{}\n"),
		"garbage":           []byte("\x00\xff\x00\n\n\n%%%"),
		"half":              head[:len(head)/2],
		"of another id":     edit(func(r *record) { r.ID = "other" }),
		"id with slash":     edit(func(r *record) { r.ID = "../web" }),
		"relative bundle":   edit(func(r *record) { r.Bundle = "bundle" }),
		"bundle with NUL":   edit(func(r *record) { r.Bundle = "/a\x00b" }),
		"unclean rootfs":    edit(func(r *record) { r.Rootfs = "/a/../b" }),
		"no rootfs":         edit(func(r *record) { r.Rootfs = "" }),
		"cgroup outside":    edit(func(r *record) { r.Cgroup.Dirs[0].Dir = "/etc" }),
		"cgroup climbs":     edit(func(r *record) { r.Cgroup.Dirs[0].Dir = "/sys/fs/cgroup/../../etc" }),
		"cgroup is root":    edit(func(r *record) { r.Cgroup.Dirs[0].Dir = "/sys/fs/cgroup" }),
		"cgroup mode":       edit(func(r *record) { r.Cgroup.Mode = "v3" }),
		"cgroup path":       edit(func(r *record) { r.Cgroup.Path = "x" }),
		"unit with slash":   edit(func(r *record) { r.Cgroup.Unit = "a/b.scope" }),
		"negative fds":      edit(func(r *record) { r.Inputs.PreserveFDs = -1 }),
		"too many fds":      edit(func(r *record) { r.Inputs.ListenFDs = 1 << 30 }),
		"pid 1":             line(newEntry(lineInit).num("pid", 1).num("start", 1)),
		"pid 0":             line(newEntry(lineInit).num("start", 1)),
		"negative pid":      line(newEntry(lineInit).num("pid", -7).num("start", 1)),
		"pid of 2^63":       line(newEntry(lineInit).str("pid", "9223372036854775808")),
		"pid of 2^40":       line(newEntry(lineInit).num("pid", 1<<40)),
		"pid is text":       line(newEntry(lineInit).str("pid", "x")),
		"negative start":    line(newEntry(lineInit).num("pid", 7).num("start", -1)),
		"unknown version":   append(newEntry(lineContainer).num("version", 2).bytes(), head...),
		"time is not known": append(newEntry(lineContainer).num("version", 1).str("created", "x").bytes(), head...),
	} {
		if _, err := decodeRecord("web", data); !errors.Is(err, errRecord) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// FuzzRecord: reading is total, and what is accepted is sound and stable.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(sampleRecord("web").encode())
	f.Add([]byte("1234abcd init pid=%"))
	f.Add(newEntry(lineInit).num("pid", 5).bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		check(t, data)
		// Checksums keep a fuzzer out: give it lines that are right.
		var right []byte
		for _, line := range bytes.Split(data, []byte{'\n'}) {
			right = append(right, (&entry{buf: append([]byte("00000000 "), line...)}).bytes()...)
		}
		check(t, right)
	})
}

func check(t *testing.T, data []byte) {
	r, err := decodeRecord("web", data)
	if err != nil {
		return
	}
	if r.ID != "web" || !isCleanPath(r.Bundle) || !isCleanPath(r.Rootfs) || r.Init.Pid < 0 || r.Init.Pid == 1 {
		t.Fatalf("accepted %+v", r)
	}
	for _, d := range r.Cgroup.Dirs {
		if !strings.HasPrefix(d.Dir, cgroupRoot+"/") || strings.Contains(d.Dir, "..") && !isCleanPath(d.Dir) {
			t.Fatalf("accepted cgroup %q", d.Dir)
		}
	}
	again, err := decodeRecord("web", r.encode())
	if err != nil || !reflect.DeepEqual(again.Cgroup, r.Cgroup) || again.Bundle != r.Bundle || again.Inputs != r.Inputs {
		t.Fatalf("not stable: %+v, %+v, %v", r, again, err)
	}
}
