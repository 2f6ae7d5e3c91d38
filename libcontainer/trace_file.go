package libcontainer

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// traceLimit bounds what ReadTrace takes.
const traceLimit = 64 << 20

// WriteFile writes the trace in the Trace Event Format, which Perfetto and
// Chrome's about:tracing show. An existing file is replaced.
func (t *Trace) WriteFile(path string) error {
	return os.WriteFile(path, t.Encode(), 0o644)
}

// Encode gives what WriteFile writes.
func (t *Trace) Encode() []byte {
	out := make([]byte, 0, 64+128*len(t.Spans()))
	out = append(out, `{"traceEvents":[`...)
	for i, s := range t.Spans() {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, "\n{\"name\":"...)
		out = appendJSONString(out, s.Name)
		out = append(out, `,"cat":`...)
		out = appendJSONString(out, s.Category)
		out = append(out, `,"ph":"X","ts":`...)
		out = appendMicroseconds(out, s.Start)
		out = append(out, `,"dur":`...)
		out = appendMicroseconds(out, s.Duration)
		out = append(out, `,"pid":`...)
		out = strconv.AppendInt(out, int64(s.Pid), 10)
		out = append(out, `,"tid":`...)
		out = strconv.AppendInt(out, int64(s.Pid), 10)
		out = append(out, '}')
	}
	return append(out, "\n],\"displayTimeUnit\":\"ns\"}\n"...)
}

// appendMicroseconds writes the format's unit with the nanoseconds after a point.
func appendMicroseconds(out []byte, d time.Duration) []byte {
	if d < 0 {
		d = 0
	}
	out = strconv.AppendInt(out, int64(d/time.Microsecond), 10)
	fraction := int64(d % time.Microsecond)
	return append(out, '.', byte('0'+fraction/100), byte('0'+fraction/10%10), byte('0'+fraction%10))
}

// appendJSONString quotes a string; bytes that are not UTF-8 become U+FFFD.
func appendJSONString(out []byte, s string) []byte {
	out = append(out, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			out = append(out, '\\', byte(c))
		case c < ' ':
			out = append(out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			out = utf8.AppendRune(out, c)
		}
	}
	return append(out, '"')
}

// ReadTrace reads what WriteFile wrote.
func ReadTrace(path string) (*Trace, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > traceLimit {
		return nil, fmt.Errorf("%s: trace of %d bytes is too large", path, info.Size())
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t, err := decodeTrace(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: not a trace: %w", path, err)
	}
	return t, nil
}

func decodeTrace(raw []byte) (*Trace, error) {
	var file struct {
		TraceEvents []struct {
			Name, Cat, Ph string
			TS, Dur       float64
			Pid           int
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, err
	}
	t := NewTrace()
	for _, e := range file.TraceEvents {
		const most = float64(1 << 62 / 1000)
		if e.Ph != "X" || e.TS < 0 || e.Dur < 0 || e.TS > most || e.Dur > most {
			continue
		}
		t.Add(Span{Name: e.Name, Category: e.Cat, Start: fromMicroseconds(e.TS), Duration: fromMicroseconds(e.Dur), Pid: e.Pid})
	}
	return t, nil
}

func fromMicroseconds(us float64) time.Duration {
	return time.Duration(us*1000 + 0.5)
}

// Table lists the steps, the longest first, each with its share of the time from
// the first step's start to the last one's end.
func (t *Trace) Table() string {
	spans := slices.Clone(t.Spans())
	slices.SortStableFunc(spans, func(a, b Span) int { return int(b.Duration - a.Duration) })
	total := t.total()
	var out strings.Builder
	fmt.Fprintf(&out, "%10s %6s  %-5s  %s\n", "TIME", "SHARE", "LANE", "STEP")
	for _, s := range spans {
		share := 0.0
		if total > 0 {
			share = 100 * float64(s.Duration) / float64(total)
		}
		fmt.Fprintf(&out, "%7d us %5.1f%%  %-5s  %s\n", s.Duration.Microseconds(), share, s.Category, s.Name)
	}
	fmt.Fprintf(&out, "%7d us  total, from the first step to the end of the last\n", total.Microseconds())
	return out.String()
}

func (t *Trace) total() time.Duration {
	var first, last time.Duration
	for i, s := range t.Spans() {
		if i == 0 || s.Start < first {
			first = s.Start
		}
		last = max(last, s.Start+s.Duration)
	}
	return last - first
}
