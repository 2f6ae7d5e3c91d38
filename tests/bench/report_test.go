package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func row(bundle, variant, name string, us float64) series {
	return series{Bundle: bundle, Variant: variant, Runtime: name, Summary: summary{Runs: 9, MedianUS: us, MinUS: us, P90US: us}}
}

// goodReport is one in which ocirun keeps every promise exactly.
func goodReport() *report {
	r := newReport(options{assert: true})
	r.Contenders = []contender{{Name: nameOcirun, Version: "ocirun version 1"}, {Name: nameCrun}, {Name: nameRunc, Absent: "not in the private root"}}
	r.Series = []series{
		row(bundleDefault, anyCache, nameOcirun, 600), row(bundleDefault, anyCache, nameCrun, 1000), row(bundleDefault, anyCache, nameFloor, 300),
		row(bundleDocker, coldCache, nameOcirun, 350), row(bundleDocker, coldCache, nameCrun, 1000),
		row(bundleDocker, warmCache, nameOcirun, 350), row(bundleDocker, warmCache, nameCrun, 500),
		row(bundleExec, anyCache, nameOcirun, 550), row(bundleExec, anyCache, nameCrun, 1000),
	}
	r.Footprints = []footprint{{Runtime: nameOcirun, PrivateKiB: 200}, {Runtime: nameCrun, PrivateKiB: 1800}}
	r.Limits = []memoryLimit{{Runtime: nameOcirun, Bytes: 1 << 20}, {Runtime: nameCrun, Error: "not even with 16 MiB"}}
	return r
}

func TestRatiosStayWithinBundleAndVariant(t *testing.T) {
	r := goodReport()
	r.Ratios = ratios(r.Series)
	for _, c := range []struct {
		bundle, variant, name, against string
		want                           float64
		known                          bool
	}{
		{bundleDefault, anyCache, nameOcirun, nameFloor, 2, true},
		{bundleDefault, anyCache, nameCrun, nameOcirun, 1000.0 / 600, true},
		{bundleDocker, warmCache, nameOcirun, nameCrun, 0.7, true},
		{bundleDocker, coldCache, nameOcirun, nameFloor, 0, false},
		{bundleDocker, anyCache, nameOcirun, nameCrun, 0, false},
	} {
		got, known := r.ratio(c.bundle, c.variant, c.name, c.against)
		if got != c.want || known != c.known {
			t.Errorf("%s/%s %s against %s: %v, %v", c.bundle, c.variant, c.name, c.against, got, known)
		}
	}
}

func TestFinish(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*report)
		want   string // part of the error; empty: none
	}{
		"kept":               {func(*report) {}, ""},
		"slower than crun":   {func(r *report) { r.Series[0].Summary.MedianUS = 601 }, "1 of 6 promises"},
		"far from the floor": {func(r *report) { r.Series[2].Summary.MedianUS = 200 }, "1 of 6 promises"},
		"slow when cold":     {func(r *report) { r.Series[3].Summary.MedianUS = 351 }, "1 of 6 promises"},
		"slow exec":          {func(r *report) { r.Series[7].Summary.MedianUS = 551 }, "1 of 6 promises"},
		"large init":         {func(r *report) { r.Footprints[0].PrivateKiB = 201 }, "1 of 6 promises"},
		"large limit":        {func(r *report) { r.Limits[0].Bytes++ }, "1 of 6 promises"},
		"crun absent":        {func(r *report) { r.Series = r.Series[:1] }, "4 of 6 promises"},
		"ocirun absent":      {func(r *report) { r.Contenders[0].Absent = "no such file" }, "no such file"},
		"ocirun fails once":  {func(r *report) { r.Series[3].Error = "exit status 1" }, "exit status 1"},
		"crun fails":         {func(r *report) { r.Series[1].Error = "exit status 1" }, ""},
		"no limit works":     {func(r *report) { r.Limits[0] = memoryLimit{Runtime: nameOcirun, Error: "not even"} }, "not even"},
		"create fails":       {func(r *report) { r.Footprints[0].Error = "no pid file" }, "no pid file"},
	} {
		t.Run(name, func(t *testing.T) {
			r := goodReport()
			c.change(r)
			err := r.finish(&bytes.Buffer{})
			if c.want == "" && err != nil {
				t.Errorf("unexpected error: %v", err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestPeersMayFailWithoutAssert(t *testing.T) {
	r := goodReport()
	r.options.assert = false
	r.Series, r.Limits = r.Series[:1], nil
	if err := r.finish(&bytes.Buffer{}); err != nil {
		t.Error(err)
	}
}

func TestPrint(t *testing.T) {
	r := goodReport()
	var out bytes.Buffer
	if err := r.finish(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"runc     absent: not in the private root",
		"ocirun  0.60",
		"crun, memory limit: not even with 16 MiB",
		"ok   default bundle, of crun's time: 0.6, at most 0.6",
		"Docker-like bundle, warm",
		"1024",
	} {
		if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), strings.Join(strings.Fields(want), " ")) {
			t.Errorf("%q is not in:\n%s", want, out.String())
		}
	}
}

func TestJSONFile(t *testing.T) {
	r := goodReport()
	r.options.jsonFile = filepath.Join(t.TempDir(), "out.json")
	if err := r.finish(&bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(r.options.jsonFile)
	if err != nil {
		t.Fatal(err)
	}
	back := report{options: r.options}
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back.Ratios, r.Ratios) || !reflect.DeepEqual(back.Checks, r.check()) || len(back.Series) != len(r.Series) {
		t.Errorf("the file does not hold the report:\n%s", data)
	}
}
