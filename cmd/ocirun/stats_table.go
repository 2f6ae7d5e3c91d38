package main

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/ocirun/ocirun/cgroups"
	"github.com/ocirun/ocirun/libcontainer"
)

// statsTable draws samples one after the other.
type statsTable struct {
	screen *screen
	drawn  bool
	before map[string]processorTime
}

// processorTime is how much a container had used at a time.
type processorTime struct {
	at   time.Time
	used uint64
}

const statsHeader = "ID\tSTATUS\tCPU\tCPU TIME\tMEM\tPEAK\tLIMIT\tOOM\tPIDS\tPEAK\tLIMIT\tREAD\tWRITE\tRX\tTX\tSTALL CPU\tMEM\tIO\n"

// frame gives what is to be printed, and remembers the samples.
func (t *statsTable) frame(samples []sample) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 1, 2, ' ', 0)
	fmt.Fprint(w, statsHeader)
	for i := range samples {
		fmt.Fprint(w, t.row(&samples[i])+"\n")
	}
	_ = w.Flush() // into memory
	t.remember(samples)
	first := !t.drawn
	t.drawn = true
	return t.screen.show(b.String(), first)
}

func (t *statsTable) remember(samples []sample) {
	t.before = make(map[string]processorTime, len(samples))
	for i := range samples {
		if s := &samples[i]; s.stats != nil {
			t.before[s.id] = processorTime{s.at, s.stats.CPU.Usage.Total}
		}
	}
}

func (t *statsTable) row(s *sample) string {
	if s.err != nil {
		return s.id + "\terror: " + printable(s.err.Error())
	}
	if s.stats == nil {
		return s.id + "\t" + string(s.status)
	}
	st := s.stats
	received, sent := "-", "-"
	if st.Networks != nil {
		received, sent = traffic(st.Networks)
	}
	return strings.Join([]string{
		s.id, string(s.status), t.share(s), (time.Duration(st.CPU.Usage.Total) * time.Nanosecond).Round(10 * time.Millisecond).String(),
		sizeOrDash(st.Memory.Usage.Usage), sizeOrDash(st.Memory.Usage.Max), limitText(st.Memory.Usage.Limit), count(st.Memory.OOMKills, st.Memory.Raw != nil),
		count(st.Pids.Current, st.Pids.Current > 0), count(st.Pids.Peak, st.Pids.Peak > 0), count(st.Pids.Limit, st.Pids.Limit > 0),
		formatSize(transferred(st.BlockIO.ServiceBytes, "Read")), formatSize(transferred(st.BlockIO.ServiceBytes, "Write")), received, sent,
		stall(st.CPU.PSI), stall(st.Memory.PSI), stall(st.BlockIO.PSI),
	}, "\t")
}

// share is of one processor, since the look before.
func (t *statsTable) share(s *sample) string {
	before, ok := t.before[s.id]
	used, elapsed := s.stats.CPU.Usage.Total, s.at.Sub(before.at)
	if !ok || used < before.used || elapsed <= 0 { // the id may be another container's now
		return "-"
	}
	return strconv.FormatFloat(100*float64(used-before.used)/float64(elapsed), 'f', 1, 64) + "%"
}

func traffic(list []libcontainer.NetworkInterface) (received, sent string) {
	var rx, tx uint64
	for i := range list {
		rx, tx = rx+list[i].RxBytes, tx+list[i].TxBytes
	}
	return formatSize(rx), formatSize(tx)
}

func stall(p *cgroups.PSI) string {
	if p == nil {
		return "-"
	}
	return strconv.FormatFloat(p.Some.Avg10, 'f', 1, 64) + "%"
}

func count(n uint64, known bool) string {
	if !known {
		return "-"
	}
	return strconv.FormatUint(n, 10)
}

func sizeOrDash(bytes uint64) string {
	if bytes == 0 {
		return "-"
	}
	return formatSize(bytes)
}

func limitText(bytes uint64) string {
	if limit, ok := limitOf(bytes); ok {
		return formatSize(limit)
	}
	return "-"
}

// formatSize is the opposite of parseSize: "512B", "1.5M".
func formatSize(bytes uint64) string {
	const step, few = 1024, 10
	v, unit := float64(bytes), -1
	for v >= step && unit < len(sizeUnits)-1 {
		v, unit = v/step, unit+1
	}
	switch {
	case unit < 0:
		return strconv.FormatUint(bytes, 10) + "B"
	case v < few:
		return strconv.FormatFloat(v, 'f', 1, 64) + strings.ToUpper(sizeUnits[unit:unit+1])
	}
	return strconv.FormatFloat(v, 'f', 0, 64) + strings.ToUpper(sizeUnits[unit:unit+1])
}

// printable keeps what an error quotes from doing something to the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}
