package specconv

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// FuzzCompile feeds whole configurations. Whatever they hold, Compile ends
// without a panic, and a plan of what Validate has nothing against has the
// properties of every plan.
func FuzzCompile(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "configs", "*.json"))
	if err != nil || len(files) == 0 {
		f.Fatal("no configurations", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for mode := range uint8(8) {
			f.Add(raw, mode)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte, mode uint8) {
		spec, err := Decode(raw)
		if err != nil {
			return
		}
		b := &Bundle{Dir: "/bundle", Raw: raw, Spec: spec}
		o := testOptions(b)
		switch mode % 4 {
		case 1:
			onV1(&o)
		case 2:
			onHybrid(&o)
		case 3:
			o.Host.CgroupMode, o.Rootless = cgroupNone, true
		}
		o.Create = mode&4 != 0
		refused := FirstError(Validate(b, o))
		p, _, err := Compile(b, o)
		if err != nil || refused != nil {
			return
		}
		var doc any
		if json.Unmarshal(raw, &doc) != nil {
			return
		}
		for _, v := range violations(p, b, doc) {
			t.Error(v)
		}
		_ = p.String()
	})
}
