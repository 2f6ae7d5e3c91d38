package resctrl

import (
	"encoding/json"
	"os"
	"testing"
)

func TestStats(t *testing.T) {
	f := fake(t, nil)
	for name, text := range map[string]string{
		"schemata": "    L3:0=fff;1=fff\n    MB:0=100\n", "info/L3/cbm_mask": "fff\n", "info/L3/min_cbm_bits": "1\n", "info/L3/num_closids": "16\n",
		"info/MB/bandwidth_gran": "10\n", "info/MB/delay_linear": "1\n", "info/MB/min_bandwidth": "20\n", "info/MB/num_closids": "8\n",
	} {
		must(t, os.MkdirAll(f.Root+"/info/MB", 0o755), os.WriteFile(f.Root+"/"+name, []byte(text), 0o644))
	}
	p, err := f.make(Group{ID: "web", L3: "L3:0=f;1=f", Bandwidth: "MB:0=20", Monitored: true})
	must(t, err)
	for cache, used := range map[string]string{"mon_L3_00": "4096", "mon_L3_01": "Unavailable"} {
		dir := p.Monitor + "/mon_data/" + cache
		must(t, os.MkdirAll(dir, 0o755), os.WriteFile(dir+"/llc_occupancy", []byte(used+"\n"), 0o644),
			os.WriteFile(dir+"/mbm_total_bytes", []byte("200\n"), 0o644), os.WriteFile(dir+"/mbm_local_bytes", []byte("100\n"), 0o644))
	}
	s, err := f.Stats(p)
	must(t, err)
	got, err := json.Marshal(s)
	must(t, err)
	const want = `{"l3_cache_info":{"cbm_mask":"fff","min_cbm_bits":1,"num_closids":16},"l3_cache_schema_root":"L3:0=fff;1=fff","l3_cache_schema":"L3:0=f;1=f",` +
		`"mem_bw_info":{"bandwidth_gran":10,"delay_linear":1,"min_bandwidth":20,"num_closids":8},"mem_bw_schema_root":"MB:0=100","mem_bw_schema":"MB:0=20",` +
		`"schemata":["L3:0=f;1=f","MB:0=20"],"mbm_stats":[{"mbm_total_bytes":200,"mbm_local_bytes":100},{"mbm_total_bytes":200,"mbm_local_bytes":100}],` +
		`"cmt_stats":[{"llc_occupancy":4096},{}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// What is counted for a class that others use too is not the container's.
func TestStatsOfSharedClass(t *testing.T) {
	f := fake(t, map[string]string{"gold": "L3:0=f\n"})
	must(t, os.MkdirAll(f.Root+"/gold/mon_data/mon_L3_00", 0o755), os.WriteFile(f.Root+"/gold/mon_data/mon_L3_00/llc_occupancy", []byte("1\n"), 0o644))
	s, err := f.Stats(Placed{Dir: f.Root + "/gold"})
	must(t, err)
	if s.L3 != "L3:0=f" || s.Occupancy != nil || s.BandwidthInfo != nil {
		t.Errorf("got %+v", s)
	}
}
