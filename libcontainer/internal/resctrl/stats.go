package resctrl

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// Stats says what a class of service may use, and what its monitoring group has used.
// The JSON form is that of the "intel_rdt" of an `events` line.
type Stats struct {
	L3Info        *L3Info         `json:"l3_cache_info,omitempty"`
	L3Root        string          `json:"l3_cache_schema_root,omitempty"`
	L3            string          `json:"l3_cache_schema,omitempty"`
	BandwidthInfo *BandwidthInfo  `json:"mem_bw_info,omitempty"`
	BandwidthRoot string          `json:"mem_bw_schema_root,omitempty"`
	Bandwidth     string          `json:"mem_bw_schema,omitempty"`
	Schemata      []string        `json:"schemata,omitempty"`
	Traffic       []TrafficStats  `json:"mbm_stats,omitempty"`
	Occupancy     []OccupancyStat `json:"cmt_stats,omitempty"`
}

// L3Info is what the hardware has of cache classes; the mask is hexadecimal.
type L3Info struct {
	Mask    string `json:"cbm_mask,omitempty"`
	MinBits uint64 `json:"min_cbm_bits,omitempty"`
	Classes uint64 `json:"num_closids,omitempty"`
}

// BandwidthInfo is what the hardware has of classes of memory bandwidth, in percent or
// MB/s.
type BandwidthInfo struct {
	Granularity uint64 `json:"bandwidth_gran,omitempty"`
	DelayLinear uint64 `json:"delay_linear,omitempty"`
	Min         uint64 `json:"min_bandwidth,omitempty"`
	Classes     uint64 `json:"num_closids,omitempty"`
}

// TrafficStats counts bytes between one cache and memory.
type TrafficStats struct {
	Total uint64 `json:"mbm_total_bytes,omitempty"`
	Local uint64 `json:"mbm_local_bytes,omitempty"`
}

// OccupancyStat is how many bytes of one cache are used.
type OccupancyStat struct {
	Bytes uint64 `json:"llc_occupancy,omitempty"`
}

// Stats reads what there is about a group: nothing of what the hardware does not have.
func (f FS) Stats(p Placed) (Stats, error) {
	r := reader{}
	can := f.Can()
	root, own := r.lines(f.Root+"/schemata"), r.lines(p.Dir+"/schemata")
	s := Stats{Schemata: own}
	if can.L3 {
		s.L3Root, s.L3 = line(root, "L3"), line(own, "L3")
		s.L3Info = &L3Info{
			Mask:    r.text(f.Root + "/info/L3/cbm_mask"),
			MinBits: r.number(f.Root + "/info/L3/min_cbm_bits"),
			Classes: r.number(f.Root + "/info/L3/num_closids"),
		}
	}
	if can.Bandwidth {
		s.BandwidthRoot, s.Bandwidth = line(root, "MB"), line(own, "MB")
		s.BandwidthInfo = &BandwidthInfo{
			Granularity: r.number(f.Root + "/info/MB/bandwidth_gran"),
			DelayLinear: r.number(f.Root + "/info/MB/delay_linear"),
			Min:         r.number(f.Root + "/info/MB/min_bandwidth"),
			Classes:     r.number(f.Root + "/info/MB/num_closids"),
		}
	}
	if dir := p.monitored(); dir != "" && can.Monitoring {
		r.monitor(dir+"/mon_data", &s)
	}
	return s, r.err
}

// monitored is the group that counts the container's processes and no others, or "".
func (p Placed) monitored() string {
	if p.Monitor == "" && p.Own {
		return p.Dir
	}
	return p.Monitor
}

// line gives the first line of a resource, such as "L3:0=ff;1=ff"; "L3CODE" and others
// of the kind count.
func line(schemata []string, resource string) string {
	i := slices.IndexFunc(schemata, func(l string) bool { return strings.HasPrefix(l, resource) })
	if i < 0 {
		return ""
	}
	return schemata[i]
}

// reader reads files. Errors stick; a file that is not there is empty.
type reader struct{ err error }

func (r *reader) text(path string) string {
	const limit = 1 << 20
	if r.err != nil {
		return ""
	}
	text, err := sys.ReadFileAt(unix.AT_FDCWD, path, limit)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return ""
	}
	r.err = err
	return strings.TrimSpace(string(text))
}

func (r *reader) lines(path string) (list []string) {
	for l := range strings.Lines(r.text(path)) {
		list = append(list, strings.TrimSpace(l))
	}
	return list
}

// number takes "Unavailable" and "Error", which the kernel has for a counter that it
// cannot read now, for zero.
func (r *reader) number(path string) uint64 {
	n, _ := strconv.ParseUint(r.text(path), 10, 64)
	return n
}

// monitor reads a directory for each cache, such as mon_L3_00.
func (r *reader) monitor(dir string, s *Stats) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) && r.err == nil {
			r.err = err
		}
		return
	}
	for _, e := range entries {
		cache := filepath.Join(dir, e.Name())
		if r.has(cache + "/mbm_total_bytes") {
			s.Traffic = append(s.Traffic, TrafficStats{r.number(cache + "/mbm_total_bytes"), r.number(cache + "/mbm_local_bytes")})
		}
		if r.has(cache + "/llc_occupancy") {
			s.Occupancy = append(s.Occupancy, OccupancyStat{r.number(cache + "/llc_occupancy")})
		}
	}
}

func (r *reader) has(path string) bool { return r.err == nil && exists(path) }
