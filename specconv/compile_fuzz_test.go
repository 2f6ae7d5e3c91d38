package specconv

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// fuzzBases are the configurations that FuzzCompile starts from.
var fuzzBases = []string{"everything", "userns", "docker-limits", "cri-container", "podman-rootless", "joined"}

// hostileTexts are values that mean something to the compiler, or should not.
var hostileTexts = []string{
	"", "/", "..", "/../../x", "a/b", "a b", "x\x00y", "/proc", "/proc/sys/x", "/dev", "/dev/null", "/dev/ptmx",
	"bind", "rbind", "ro", "rro", "remount", "mode=7", "noatime", "rshared", "private", "tmpcopyup", "tmpfs",
	"cgroup", "proc", "RLIMIT_CPU", "CAP_KILL", "CAP_", "user", "pid", "mount", "time", "cgroup2", "HOME=", "PATH=",
	"=", "A=1", "~/~0", "net.ipv4.x", "c", "p", "slave", "SCMP_ACT_ALLOW", "read", "-1", "9999999999999999999999",
}

// hostile gives a field a value that n chooses.
func hostile(n byte) func(reflect.Value) {
	return func(v reflect.Value) {
		text := hostileTexts[int(n)%len(hostileTexts)]
		numbers := []int64{0, -1, 1, 7, 1 << 31, 1<<63 - 1}
		switch v.Kind() {
		case reflect.Bool:
			v.SetBool(n&1 != 0)
		case reflect.String:
			v.SetString(text)
		case reflect.Slice:
			hostileList(v, n, text)
		case reflect.Map:
			if v.Type().Elem().Kind() == reflect.String {
				v.Set(reflect.ValueOf(map[string]string{text: text, "key": ""}))
			}
		default:
			number := reflect.ValueOf(numbers[int(n)%len(numbers)])
			if v.CanInt() || v.CanUint() {
				v.Set(number.Convert(v.Type()))
			}
		}
	}
}

func hostileList(v reflect.Value, n byte, text string) {
	item := reflect.New(v.Type().Elem()).Elem()
	if item.Kind() == reflect.String {
		item.SetString(text)
	}
	switch n % 4 {
	case 0:
		v.SetZero()
	case 1:
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	case 2:
		v.Set(reflect.Append(v.Slice3(0, v.Len(), v.Len()), item))
	default:
		v.Set(reflect.AppendSlice(v.Slice3(0, v.Len(), v.Len()), v))
	}
}

// FuzzCompile changes real configurations, field by field. Whatever they hold
// then, Compile ends without a panic, and a plan of what Validate has nothing
// against has the properties of every plan. Each three bytes of the input choose
// a field, how much of its path is kept, and a value.
func FuzzCompile(f *testing.F) {
	leaves := allLeaves()
	for i := range fuzzBases {
		for mode := range byte(8) {
			f.Add([]byte{byte(i), mode})
			f.Add([]byte{byte(i), mode, 3, 9, 1, 40, 9, 2, 90, 1, 17})
		}
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) < 2 || len(input) > 64 {
			return
		}
		b := loadConfig(t, fuzzBases[int(input[0])%len(fuzzBases)])
		for rest := input[2:]; len(rest) >= 3; rest = rest[3:] {
			path := leaves[int(rest[0])%len(leaves)].path
			if depth := int(rest[1]) % 16; depth > 0 && depth < len(path) && path[depth] != "*" {
				alter(reflect.ValueOf(b.Spec).Elem(), path[:depth], reflect.Value.SetZero)
				continue
			}
			alter(reflect.ValueOf(b.Spec).Elem(), path, hostile(rest[2]))
		}
		compileHostile(t, b.Spec, input[1])
	})
}

func compileHostile(t *testing.T, spec *specs.Spec, mode byte) {
	t.Helper()
	raw, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	if spec, err = Decode(raw); err != nil {
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
	refused := 0
	for _, p := range Validate(b, o) {
		if !p.Warning {
			refused++
		}
	}
	p, _, err := Compile(b, o)
	if err != nil || refused > 0 {
		return
	}
	var doc any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	for _, v := range violations(p, b, doc) {
		t.Errorf("%s\n%s", v, raw)
	}
	_ = p.String()
}
