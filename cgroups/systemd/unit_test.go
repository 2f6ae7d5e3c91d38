package systemd

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/cgroups"
)

const scope = "ocirun-web.scope"

func (f *fake) newUnit(t *testing.T, change func(*Config)) *Unit {
	t.Helper()
	c := Config{ID: "web", Prefix: "ocirun", Host: f.host(), Resources: &specs.LinuxResources{
		Memory: &specs.LinuxMemory{Limit: p(int64(1 << 30))}, Pids: &specs.LinuxPids{Limit: p(int64(5))},
	}}
	if change != nil {
		change(&c)
	}
	u, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	u.Pid = os.Getpid()
	t.Cleanup(u.Close)
	return u
}

// TestUnit: the whole life of a unit, by the manager's own socket and over a bus.
func TestUnit(t *testing.T) {
	for _, bus := range []bool{false, true} {
		f := startFake(t, false, bus)
		u := f.newUnit(t, func(c *Config) { c.Annotations = map[string]string{annotationPrefix + "TimeoutStopSec": "5"} })
		dir := filepath.Join(f.root, "mine/system.slice", scope)
		if got := u.Paths()[""]; got != dir {
			t.Errorf("the cgroup is %s, want %s", got, dir)
		}
		if f.has(scope, "Slice") != "none" {
			t.Fatal("New started the unit")
		}
		if err := u.Create(); err != nil {
			t.Fatal(err)
		}
		for property, want := range map[string]string{
			"Slice": "system.slice", "Delegate": "true", "PIDs": "[" + itoa(os.Getpid()) + "]", "MemoryMax": "1073741824", "TasksMax": "5",
			"MemoryAccounting": "true", "CPUAccounting": "true", "TasksAccounting": "true", "IOAccounting": "true", "BlockIOAccounting": "none",
			"DefaultDependencies": "false", "CollectMode": "inactive-or-failed", "TimeoutStopUSec": "5000000", "Description": "container web",
		} {
			if got := f.has(scope, property); got != want {
				t.Errorf("%s is %s, want %s", property, got, want)
			}
		}
		f.called()
		if err := u.Set(&specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: p(int64(1 << 30))}, Pids: &specs.LinuxPids{Limit: p(int64(5))}}); err != nil {
			t.Fatal(err)
		}
		if calls := f.called(); calls != "" {
			t.Errorf("limits that the unit has already: %s", calls)
		}
		if text := content(t, dir, "memory.max"); text != "1073741824" {
			t.Errorf("memory.max holds %q", text)
		}
		again, err := Load(scope, false, map[string]string{"": "/sys/fs/cgroup/system.slice/" + scope})
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Remove(); err != nil {
			t.Fatal(err)
		}
		again.Close()
		if f.has(scope, "Slice") != "none" {
			t.Error("the unit is still there")
		}
		if err := again.Remove(); err != nil {
			t.Errorf("a unit that is gone: %v", err)
		}
		again.Close()
	}
}

func content(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func itoa(n int) string { return number("", uint64(n)).value.String() }

func TestUpdate(t *testing.T) {
	f := startFake(t, false, false)
	u := f.newUnit(t, func(c *Config) {
		c.Resources.CPU = &specs.LinuxCPU{Quota: p(int64(50000)), Period: p(uint64(50000))}
	})
	if err := u.Create(); err != nil {
		t.Fatal(err)
	}
	dir := u.Paths()[""]
	if err := os.WriteFile(filepath.Join(dir, "cpu.max"), []byte("50000 50000\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	u.fresh, u.sent = false, nil // as one that was loaded
	if err := u.Update(&specs.LinuxResources{CPU: &specs.LinuxCPU{Quota: p(int64(25000))}}); err != nil {
		t.Fatal(err)
	}
	if quota, period := f.has(scope, "CPUQuotaPerSecUSec"), f.has(scope, "CPUQuotaPeriodUSec"); quota != "500000" || period != "50000" {
		t.Errorf("half a CPU of the old period is %s of %s", quota, period)
	}
	// A file that is missing stands for a limit that the kernel refuses.
	if err := os.Remove(filepath.Join(dir, "pids.max")); err != nil {
		t.Fatal(err)
	}
	err := u.Update(&specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: p(int64(2 << 30))}, Pids: &specs.LinuxPids{Limit: p(int64(9))}})
	if err == nil {
		t.Fatal("no error")
	}
	if memory, tasks := f.has(scope, "MemoryMax"), f.has(scope, "TasksMax"); memory != "1073741824" || tasks != "5" {
		t.Errorf("after a failed update the unit has %s and %s", memory, tasks)
	}
}

// On version 1 systemd writes to the list of devices too: it has to know other rules, and forget the ones before.
func TestUpdateDevices(t *testing.T) {
	f := startFake(t, false, false)
	u := f.newUnit(t, nil)
	if err := u.Create(); err != nil {
		t.Fatal(err)
	}
	u.fresh, u.sent, u.v1 = false, nil, true // as one that was loaded
	conv := converter{v1: true}
	none := []specs.LinuxDeviceCgroup{}
	for rules, want := range map[*[]specs.LinuxDeviceCgroup]string{
		nil:   "",
		&none: "DeviceAllow=[] DevicePolicy=strict DeviceAllow=[[char-* m]",
	} {
		conv.list = nil
		var list []specs.LinuxDeviceCgroup
		if rules != nil {
			list = *rules
		}
		if err := u.otherDevices(&conv, list); err != nil || !strings.HasPrefix(join(conv.list), want) || want == "" && len(conv.list) > 0 {
			t.Errorf("%v: %s, %v", list, join(conv.list), err)
		}
	}
	if err := u.bus.set(u.unit, []Property{noDevices, text("DevicePolicy", "auto")}); err != nil {
		t.Fatal(err)
	}
	before, err := u.tell(&specs.LinuxResources{Devices: none})
	if err != nil || join(before) != "DeviceAllow=[] DevicePolicy=auto DeviceAllow=[]" {
		t.Errorf("before: %s, %v", join(before), err)
	}
	if policy := f.has(scope, "DevicePolicy"); policy != "strict" {
		t.Errorf("policy %s", policy)
	}
}

// TestOOMKilled: what was counted for the scope goes with it.
func TestOOMKilled(t *testing.T) {
	f := startFake(t, false, false)
	u := f.newUnit(t, nil)
	dir := u.Paths()[""]
	count := func(n string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Dir(dir)+"/memory.events", []byte("oom 9\noom_kill "+n+"\noom_group_kill 7\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	count("3")
	if err := u.Create(); err != nil {
		t.Fatal(err)
	}
	check := func(what string, want bool) {
		t.Helper()
		if killed, err := u.OOMKilled(); killed != want || err != nil {
			t.Errorf("%s: %v, %v", what, killed, err)
		}
	}
	count("4")
	check("in another unit", false)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	check("gone", true)
	count("3")
	check("gone for another reason", false)
}

// TestLateLimits: a limit that would have kept the process out is told later.
func TestLateLimits(t *testing.T) {
	f := startFake(t, false, false)
	resources := &specs.LinuxResources{Pids: &specs.LinuxPids{Limit: p(int64(1))}}
	u := f.newUnit(t, func(c *Config) { c.Resources = resources })
	if err := u.Create(); err != nil {
		t.Fatal(err)
	}
	if got := f.has(scope, "TasksMax"); got != "none" {
		t.Errorf("TasksMax is %s at the start", got)
	}
	_, late := cgroups.StartLimits(resources)
	if err := u.Set(late); err != nil {
		t.Fatal(err)
	}
	if got := f.has(scope, "TasksMax"); got != "1" {
		t.Errorf("TasksMax is %s", got)
	}
}

// TestLeftover: a unit of the name that has failed gives way, one that runs does not.
func TestLeftover(t *testing.T) {
	f := startFake(t, false, false)
	f.failed = []string{scope}
	u := f.newUnit(t, nil)
	if err := u.Create(); err != nil {
		t.Fatal(err)
	}
	if calls := f.called(); calls != "Get Get StartTransientUnit ResetFailedUnit StartTransientUnit" {
		t.Error(calls)
	}
	other := f.newUnit(t, nil)
	err := other.Create()
	if err == nil || !strings.Contains(err.Error(), `error creating systemd unit "ocirun-web.scope"`) || !isError(err, errUnitExists) {
		t.Errorf("a unit that runs: %v", err)
	}
	if calls := f.called(); strings.Contains(calls, "StopUnit") || f.has(scope, "Slice") == "none" {
		t.Errorf("somebody else's unit was stopped: %s", calls)
	}
}

func TestJobFails(t *testing.T) {
	f := startFake(t, false, false)
	f.result = "failed"
	err := f.newUnit(t, nil).Create()
	if err == nil || err.Error() != `error creating systemd unit "ocirun-web.scope": got "failed"` {
		t.Error(err)
	}
	if calls := f.called(); !strings.Contains(calls, "StopUnit") {
		t.Errorf("the unit that may have been made is not stopped: %s", calls)
	}
	f.result = "done"
	f.refuse["StartTransientUnit"] = "org.freedesktop.DBus.Error.PropertyReadOnly"
	err = f.newUnit(t, nil).Create()
	if err == nil || err.Error() != `error creating systemd unit "ocirun-web.scope": it said org.freedesktop.DBus.Error.PropertyReadOnly` {
		t.Error(err)
	}
}

// TestJobHangs: the wait for a job has an end.
func TestJobHangs(t *testing.T) {
	f := startFake(t, false, false)
	before := jobTimeout
	jobTimeout = 300 * time.Millisecond
	defer func() { jobTimeout = before }()
	f.result = "lost"
	u := f.newUnit(t, nil)
	if err := u.Create(); err == nil || err.Error() != "Timeout waiting for systemd to create ocirun-web.scope" {
		t.Error(err)
	}
}

func TestUserManager(t *testing.T) {
	for _, bus := range []bool{false, true} {
		f := startFake(t, true, bus)
		u := f.newUnit(t, func(c *Config) { c.User = true })
		if got, want := u.Paths()[""], filepath.Join(f.root, "mine/user.slice", scope); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if err := u.bus.start(u.Name(), u.Properties()); err != nil {
			t.Fatal(err)
		}
		// The directory of the fake is another one, so the process cannot be placed by writing.
		f.called()
		if err := u.Place(os.Getpid()); err != nil || f.called() != "AttachProcessesToUnit" {
			t.Errorf("place: %v", err)
		}
	}
}

func TestNew(t *testing.T) {
	f := startFake(t, false, false)
	var path *PathError
	var annotation *AnnotationError
	if _, err := New(Config{ID: "web", Path: "/a", Host: f.host()}); !errors.As(err, &path) {
		t.Error(err)
	}
	if _, err := New(Config{ID: "web", Host: f.host(), Annotations: map[string]string{annotationPrefix + "X": "1"}}); !errors.As(err, &annotation) {
		t.Error(err)
	}
	if _, err := New(Config{ID: "web", User: true, Host: cgroups.Host{Mode: cgroups.ModeHybrid}}); !errors.Is(err, ErrUserV1) {
		t.Error(err)
	}
	if _, err := New(Config{ID: "web", User: true, Host: f.host()}); err == nil || !strings.Contains(err.Error(), "loginctl enable-linger") {
		t.Error(err)
	}
	runDir = filepath.Join(runDir, "elsewhere")
	if _, err := New(Config{ID: "web", Host: f.host()}); !errors.Is(err, ErrNotRunning) {
		t.Error(err)
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, unit := range []string{"", "a", "a.service", "../a.scope", "a b.scope", strings.Repeat("a", maxName) + ".scope"} {
		if _, err := Load(unit, false, nil); err == nil {
			t.Errorf("%q is taken", unit)
		}
	}
}

// TestSlice: a slice has no process of its own and is not delegated.
func TestSlice(t *testing.T) {
	f := startFake(t, false, false)
	u := f.newUnit(t, func(c *Config) { c.Path = "::web-one.slice" })
	list := join(u.Properties())
	if !strings.Contains(list, "Wants=[web.slice]") || strings.Contains(list, "Delegate") || strings.Contains(list, "Slice=") {
		t.Error(list)
	}
	if got, want := u.Paths()[""], filepath.Join(f.root, "mine/web.slice/web-one.slice"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestV1: the controllers of version 1 have properties of their own.
func TestV1(t *testing.T) {
	f := startFake(t, false, false)
	host := cgroups.Host{Mode: cgroups.ModeHybrid, Root: f.root, Unified: f.root + "/unified", V1: []cgroups.Hierarchy{{Mount: f.root + "/memory", Controllers: []string{"memory"}}}}
	u := f.newUnit(t, func(c *Config) { c.Host = host })
	list := join(u.Properties())
	for _, part := range []string{"MemoryLimit=1073741824", "BlockIOAccounting=yes", "DevicePolicy=strict", "DeviceAllow=[[char-* m]"} {
		if !strings.Contains(list, part) {
			t.Errorf("no %s in %s", part, list)
		}
	}
}
