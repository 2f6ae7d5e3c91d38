package openmetrics

import (
	"math"
	"testing"
)

func TestText(t *testing.T) {
	up := &Family{Name: "a_state", Type: StateSet, Help: `One "word" \ two` + "\nlines."}
	up.Add(1, Label{"id", "x\\y\"z\n\xff"}, Label{"a_state", "running"})
	counter := &Family{Name: "a_cpu_seconds", Type: Counter, Unit: "seconds", Help: "Time."}
	counter.Add(1.25, Label{"id", "web"})
	counter.Add(1<<40, Label{"id", "db"})
	plain := &Family{Name: "a_limit", Type: Gauge, Help: "No labels."}
	plain.Add(math.Inf(1))
	none := &Family{Name: "a_none", Type: Gauge, Help: "No samples."}
	const want = `# TYPE a_state stateset
# HELP a_state One \"word\" \\ two\nlines.
a_state{id="x\\y\"z\n` + "\uFFFD" + `",a_state="running"} 1
# TYPE a_cpu_seconds counter
# UNIT a_cpu_seconds seconds
# HELP a_cpu_seconds Time.
a_cpu_seconds_total{id="web"} 1.25
a_cpu_seconds_total{id="db"} 1099511627776
# TYPE a_limit gauge
# HELP a_limit No labels.
a_limit +Inf
# EOF
`
	if got := Text([]*Family{up, counter, plain, none}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := Text(nil); got != "# EOF\n" {
		t.Errorf("nothing is %q", got)
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1e15: "1000000000000000", 1e300: "1e+300", 0.000001: "1e-06", -2: "-2", math.Inf(-1): "-Inf",
	} {
		if got := number(v); got != want {
			t.Errorf("%v: %s", v, got)
		}
	}
	if got := number(math.NaN()); got != "NaN" {
		t.Errorf("NaN: %s", got)
	}
}
