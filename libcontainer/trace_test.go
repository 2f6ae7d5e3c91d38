package libcontainer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func sampleTrace() *Trace {
	t := NewTrace()
	t.Add(Span{Name: "compile", Category: "host", Start: 1_000_000_123, Duration: 100_000, Pid: 10})
	t.Add(Span{Name: "mount \"a\\b\"\x01 ü", Category: "init", Start: 1_000_200_000, Duration: 700_123, Pid: 11})
	t.Add(Span{Name: "exec", Category: "init", Start: 1_000_900_123, Duration: 0, Pid: 11})
	return t
}

func TestTraceFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace.json")
	want := sampleTrace()
	if err := want.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil || !json.Valid(raw) {
		t.Fatalf("not JSON (%v):\n%s", err, raw)
	}
	got, err := ReadTrace(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Spans(), want.Spans()) {
		t.Errorf("got  %+v\nwant %+v", got.Spans(), want.Spans())
	}
}

func TestTraceTable(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(sampleTrace().Table()), "\n")
	if len(lines) != 5 {
		t.Fatalf("table has %d lines: %q", len(lines), lines)
	}
	if !strings.Contains(lines[1], "mount") || !strings.Contains(lines[1], "700 us  77.8%") || !strings.Contains(lines[2], "compile") {
		t.Errorf("table is not sorted or has wrong shares:\n%s", strings.Join(lines, "\n"))
	}
	if !strings.Contains(lines[4], "900 us  total") {
		t.Errorf("total: %s", lines[4])
	}
	var none *Trace
	if got := none.Table(); !strings.Contains(got, "0 us  total") {
		t.Errorf("table of no trace: %q", got)
	}
}

func TestNoTraceCostsNothing(t *testing.T) {
	var none *Trace
	if n := testing.AllocsPerRun(100, func() { none.end(none.begin(), "step") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	some := NewTrace()
	start := some.begin()
	time.Sleep(2 * time.Millisecond)
	some.end(start, "sleep")
	if s := some.Spans()[0]; s.Duration < 2*time.Millisecond || s.Start != start || s.Pid != os.Getpid() {
		t.Errorf("span %+v", s)
	}
}

func TestReadTraceRejects(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"empty": "", "list": "[]", "text": "x", "types": `{"traceEvents":[{"ts":"x"}]}`} {
		path := filepath.Join(dir, name)
		os.WriteFile(path, []byte(text), 0o600)
		if _, err := ReadTrace(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ReadTrace(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a missing file is no error")
	}
	raw := `{"traceEvents":[{"ph":"M","name":"meta"},{"ph":"X","ts":-1},{"ph":"X","ts":1e300},{"ph":"X","name":"ok","ts":1,"dur":2}]}`
	if got, err := decodeTrace([]byte(raw)); err != nil || len(got.Spans()) != 1 {
		t.Errorf("foreign events: %+v %v", got, err)
	}
}
