package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ocirun/ocirun/libcontainer"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"-1": -1, "0": 0, "1": 1, "1048576": 1 << 20, "1k": 1 << 10, "1K": 1 << 10, "2m": 2 << 20, "3g": 3 << 30, "1t": 1 << 40, "1p": 1 << 50,
		"1b": 1, "1kb": 1 << 10, "1KiB": 1 << 10, "1.5g": 3 << 29, "0.5k": 512, "10 m": 10 << 20, "1 ": 1, ".5k": 512,
	} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"bad": "invalid size: 'bad'", "": "invalid size: ''", "-2": "invalid size: '-2'", "-1k": "invalid size: '-1k'", "k": "invalid size: 'k'",
		"1x": "invalid suffix: 'x'", "1kk": "invalid suffix: 'kk'", "1ib": "invalid suffix: 'ib'", "1kib2": "invalid size: '1kib2'",
		"1e3": "invalid size: '1e3'", "0x10": "invalid size: '0x10'", "1_0": "invalid size: '1_0'", "1..2": "invalid size: '1..2'",
		"9999999p": "invalid size: '9999999p': value out of range", "inf": "invalid size: 'inf'",
	} {
		if got, err := parseSize(text); err == nil || err.Error() != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}

func TestUpdateFlags(t *testing.T) {
	for _, c := range []struct{ argv, want string }{
		{"", `{"memory":{},"cpu":{}}`},
		{"--memory 100m --memory-reservation=50m --memory-swap -1", `{"memory":{"limit":104857600,"reservation":52428800,"swap":-1},"cpu":{}}`},
		{"--pids-limit 0", `{"memory":{},"cpu":{},"pids":{"limit":0}}`},
		{"--pids-limit -1", `{"memory":{},"cpu":{},"pids":{"limit":-1}}`},
		{"--cpu-period 1 --cpu-quota -2 --cpu-burst 3 --cpu-share 4", `{"memory":{},"cpu":{"shares":4,"quota":-2,"burst":3,"period":1}}`},
		{"--cpu-rt-period 1 --cpu-rt-runtime 2 --cpu-idle 1", `{"memory":{},"cpu":{"realtimeRuntime":2,"realtimePeriod":1,"idle":1}}`},
		{"--cpuset-cpus 0-1 --cpuset-mems 0", `{"memory":{},"cpu":{"cpus":"0-1","mems":"0"}}`},
		{"--blkio-weight 500", `{"memory":{},"cpu":{},"blockIO":{"weight":500}}`},
		{"--cpu-quota= --memory=", `{"memory":{},"cpu":{}}`},
	} {
		call := newCall(t)
		if code := call.run(append([]string{"update"}, append(strings.Fields(c.argv), "web")...)...); code != 0 {
			t.Fatalf("%s: exit %d, %s", c.argv, code, call.err.String())
		}
		got, err := json.Marshal(call.fake.updated.Resources)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s, want %s (%v)", c.argv, got, c.want, err)
		}
	}
}

func TestUpdateFailures(t *testing.T) {
	for argv, want := range map[string]string{
		"update --memory bad web":         "invalid value for memory: invalid size: 'bad'",
		"update --memory-swap x web":      "invalid value for memory-swap: invalid size: 'x'",
		"update --cpu-quota bad web":      `invalid value for cpu-quota: strconv.ParseInt: parsing "bad": invalid syntax`,
		"update --cpu-share -1 web":       `invalid value for cpu-share: strconv.ParseUint: parsing "-1": invalid syntax`,
		"update --devices web":            "--devices is about the rules in --resources, which is not given",
		"update -r /nonexistent/file web": "open /nonexistent/file: no such file or directory",
	} {
		c := newCall(t)
		if code := c.run(strings.Fields(argv)...); code != 1 || c.fake.updated != nil {
			t.Errorf("%s: exit %d", argv, code)
		}
		if got := c.message(t); got != want {
			t.Errorf("%s: %q, want %q", argv, got, want)
		}
	}
}

func TestUpdateResources(t *testing.T) {
	text := `{"memory":{"limit":5},"unknown":{"x":1}}`
	file := filepath.Join(t.TempDir(), "r.json")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, argv := range [][]string{
		{"update", "--resources", file, "web"},
		{"update", "--resources=-", "--memory", "bad", "web"},
		{"update", "-r", "-", "web"},
	} {
		c := newCall(t)
		c.in = strings.NewReader(text)
		if code := c.run(argv...); code != 0 || *c.fake.updated.Resources.Memory.Limit != 5 {
			t.Errorf("%q: exit %d, %s", argv, code, c.err.String())
		}
	}
	c := newCall(t)
	c.in = strings.NewReader(`{"memory":`)
	if code := c.run("update", "-r", "-", "web"); code != 1 || !strings.HasPrefix(c.message(t), "standard input:1:11: ") {
		t.Errorf("exit %d, %s", code, c.err.String())
	}
}

// What is not about the cgroup, or only at times.
func TestUpdateOptions(t *testing.T) {
	for argv, want := range map[string]libcontainer.UpdateOptions{
		"":                                  {},
		"--l3-cache-schema L3:0=f":          {L3CacheSchema: "L3:0=f"},
		"--mem-bw-schema MB:0=50 -r -":      {MemBwSchema: "MB:0=50"},
		"--devices --resources -":           {Devices: true},
		"--devices=false --mem-bw-schema=x": {MemBwSchema: "x"},
	} {
		c := newCall(t)
		c.in = strings.NewReader(`{"devices": []}`)
		if code := c.run(append([]string{"update"}, append(strings.Fields(argv), "web")...)...); code != 0 {
			t.Fatalf("%s: exit %d, %s", argv, code, c.err.String())
		}
		got := *c.fake.updated
		got.Resources = nil
		if got != want {
			t.Errorf("%s: %+v, want %+v", argv, got, want)
		}
		if want.Devices && c.fake.updated.Resources.Devices == nil {
			t.Errorf("%s: an empty list of rules is taken for none", argv)
		}
	}
}

func TestUpdateWarns(t *testing.T) {
	c := newCall(t)
	if code := c.run("update", "--kernel-memory", "1m", "web"); code != 0 || !strings.Contains(c.err.String(), "ignored") {
		t.Errorf("exit %d, %q", code, c.err.String())
	}
}

func TestEventsStats(t *testing.T) {
	c := newCall(t)
	c.fake.stats.Pids.Current = 3
	if code := c.run("events", "--stats", "web"); code != 0 {
		t.Fatal(code, c.err.String())
	}
	var line struct {
		Type, ID string
		Data     map[string]json.RawMessage
	}
	if err := json.Unmarshal(c.out.Bytes(), &line); err != nil || strings.Count(c.out.String(), "\n") != 1 {
		t.Fatal(err, c.out.String())
	}
	if line.Type != "stats" || line.ID != "web" || string(line.Data["pids"]) != `{"current":3}` {
		t.Errorf("%s", c.out.String())
	}
	for _, key := range []string{"cpu", "cpuset", "memory", "pids", "blkio", "hugetlb", "intel_rdt", "network_interfaces"} {
		if line.Data[key] == nil {
			t.Errorf("no %s in %s", key, c.out.String())
		}
	}
}

// It ends when the container does, and says what happened meanwhile.
func TestEvents(t *testing.T) {
	c := newCall(t)
	c.fake.ooms = make(chan struct{})
	go func() {
		c.fake.ooms <- struct{}{}
		time.Sleep(50 * time.Millisecond)
		close(c.fake.ooms)
	}()
	if code := c.run("events", "--interval", "10ms", "web"); code != 0 {
		t.Fatal(code, c.err.String())
	}
	out := c.out.String()
	if !strings.Contains(out, `{"type":"oom","id":"web"}`+"\n") || !strings.Contains(out, `{"type":"stats","id":"web","data":{"cpu":`) {
		t.Errorf("%s", out)
	}
}

func TestEventsFailures(t *testing.T) {
	for _, c := range []struct {
		argv string
		does error
		want string
	}{
		{"events --interval 0 web", nil, "duration interval must be greater than 0"},
		{"events --interval -1s web", nil, "duration interval must be greater than 0"},
		{"events --interval x web", nil, `invalid value "x" for flag -interval: parse error`},
		{"events web", libcontainer.ErrNotRunning, "container with id web is not running"},
		{"events --stats web", libcontainer.ErrNotRunning, "container with id web is not running"},
		{"events --stats web", errors.New("no"), "no"},
	} {
		call := newCall(t)
		call.fake.does = c.does
		if code := call.run(strings.Fields(c.argv)...); code != 1 {
			t.Errorf("%s: exit %d", c.argv, code)
		}
		if got := call.message(t); got != c.want {
			t.Errorf("%s: %q, want %q", c.argv, got, c.want)
		}
	}
}
