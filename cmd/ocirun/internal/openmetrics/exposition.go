package openmetrics

import (
	"math"
	"strconv"
	"strings"
)

// Type is what a family of metrics is (OpenMetrics 1.0, "Metric Types").
type Type string

// The types that are written here.
const (
	Gauge    Type = "gauge"
	Counter  Type = "counter"
	StateSet Type = "stateset"
)

// Label is a name with a value. The value may be any text.
type Label struct{ Name, Value string }

// Family is one metric with its samples: all there are, since a family stands in an
// exposition once.
type Family struct {
	// Name is without the "_total" of a counter and with the unit, if it has one, as
	// its last word.
	Name string
	Type Type
	// Unit is a base unit, such as "seconds" or "bytes", or empty.
	Unit string
	// Help is one sentence.
	Help    string
	samples []sample
}

type sample struct {
	labels []Label
	value  float64
}

// Add adds a sample. No two of a family have the same labels.
func (f *Family) Add(value float64, labels ...Label) {
	f.samples = append(f.samples, sample{labels, value})
}

// Text gives the exposition of the families that have samples.
func Text(families []*Family) string {
	var b strings.Builder
	for _, f := range families {
		if len(f.samples) > 0 {
			f.write(&b)
		}
	}
	b.WriteString("# EOF\n")
	return b.String()
}

func (f *Family) write(b *strings.Builder) {
	b.WriteString("# TYPE " + f.Name + " " + string(f.Type) + "\n")
	if f.Unit != "" {
		b.WriteString("# UNIT " + f.Name + " " + f.Unit + "\n")
	}
	b.WriteString("# HELP " + f.Name + " " + escape(f.Help) + "\n")
	name := f.Name
	if f.Type == Counter {
		name += "_total"
	}
	for _, s := range f.samples {
		b.WriteString(name)
		for i, l := range s.labels {
			b.WriteByte("{,"[min(i, 1)])
			b.WriteString(l.Name + `="` + escape(l.Value) + `"`)
		}
		if len(s.labels) > 0 {
			b.WriteByte('}')
		}
		b.WriteString(" " + number(s.value) + "\n")
	}
}

// escape is for help texts and values of labels alike ("escaped-string" in the grammar,
// which is UTF-8).
func escape(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.ReplaceAll(text, `\`, `\\`)
	text = strings.ReplaceAll(text, "\n", `\n`)
	return strings.ReplaceAll(text, `"`, `\"`)
}

// number writes whole numbers as such: not all readers of counters of bytes like
// exponents.
func number(v float64) string {
	const exact = 1 << 53
	switch {
	case math.IsInf(v, 1):
		return "+Inf"
	case math.IsInf(v, -1):
		return "-Inf"
	case math.IsNaN(v):
		return "NaN"
	case v == math.Trunc(v) && math.Abs(v) < exact:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
