package main

import (
	"bytes"
	"context"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer"
	"github.com/ocirun/ocirun/specconv/plan"
)

// fakeEngine answers as it is told and remembers what it was asked.
type fakeEngine struct {
	fakeContainer
	created  libcontainer.RunOptions
	restored libcontainer.RestoreOptions
	status   int
	err      error
	entries  []libcontainer.Entry
	asked    string
	removed  bool
	warnings []string
	findings []libcontainer.Finding
}

func (f *fakeEngine) Create(id string, o libcontainer.CreateOptions) error {
	_, err := f.Run(id, libcontainer.RunOptions{CreateOptions: o})
	return err
}

func (f *fakeEngine) Run(id string, o libcontainer.RunOptions) (int, error) {
	f.asked, f.created = id, o
	for _, w := range f.warnings {
		o.Warn(w)
	}
	return f.status, f.err
}

func (f *fakeEngine) Restore(id string, o libcontainer.RestoreOptions) (int, error) {
	f.asked, f.restored = id, o
	return f.status, f.err
}

func (f *fakeEngine) Load(id string) (container, error) {
	f.asked = id
	if f.err != nil {
		return nil, f.err
	}
	return &f.fakeContainer, nil
}

func (f *fakeEngine) List() ([]libcontainer.Entry, error) { return f.entries, f.err }

func (f *fakeEngine) Remove(id string, force bool) error {
	f.asked, f.removed = id, force
	return f.err
}

func (f *fakeEngine) Review(o libcontainer.CreateOptions) ([]libcontainer.Finding, error) {
	f.created.CreateOptions = o
	return f.findings, f.err
}

func (f *fakeEngine) Explain(id string, o libcontainer.CreateOptions) (*libcontainer.Explanation, error) {
	f.asked, f.created.CreateOptions = id, o
	return f.explained, f.err
}

type fakeContainer struct {
	state     libcontainer.State
	killed    unix.Signal
	pids      []int
	does      error
	started   bool
	explained *libcontainer.Explanation
	executed  libcontainer.ExecOptions
	status    int
	stats     libcontainer.Stats
	ooms      chan struct{}
	updated   *libcontainer.UpdateOptions
	saved     libcontainer.CheckpointOptions
}

func (c *fakeContainer) Checkpoint(o libcontainer.CheckpointOptions) error {
	c.saved = o
	return c.does
}

func (c *fakeContainer) Start(libcontainer.StartOptions) error {
	c.started = true
	return c.does
}

func (c *fakeContainer) Exec(o libcontainer.ExecOptions) (int, error) {
	c.executed = o
	return c.status, c.does
}

func (c *fakeContainer) Kill(sig unix.Signal) error {
	c.killed = sig
	return c.does
}

func (c *fakeContainer) State() (*libcontainer.State, error)         { return &c.state, c.does }
func (c *fakeContainer) Pause() error                                { return c.does }
func (c *fakeContainer) Resume() error                               { return c.does }
func (c *fakeContainer) Stats() (*libcontainer.Stats, error)         { return &c.stats, c.does }
func (c *fakeContainer) Pids() ([]int, error)                        { return c.pids, c.does }
func (c *fakeContainer) Explain() (*libcontainer.Explanation, error) { return c.explained, c.does }

func (c *fakeContainer) NotifyOOM(context.Context) (<-chan struct{}, error) { return c.ooms, c.does }

func (c *fakeContainer) Update(o libcontainer.UpdateOptions) error {
	c.updated = &o
	return c.does
}

// call is one call of the program with a fake behind it.
type call struct {
	*app
	fake     *fakeEngine
	env      map[string]string
	out, err bytes.Buffer
}

func newCall(t *testing.T) *call {
	t.Helper()
	c := &call{fake: &fakeEngine{}, env: map[string]string{"PATH": "/usr/bin:/bin"}}
	c.app = newApp()
	c.app.out, c.app.err, c.app.log.err = &c.out, &c.err, &c.err
	c.app.open = func(*app, string) (engine, error) { return c.fake, nil }
	c.app.host = host{
		getenv: func(name string) string { return c.env[name] }, pid: 4711,
		inUserNamespace:  func() bool { return false },
		hasUnifiedCgroup: func() bool { return false },
		isInherited:      func(int) bool { return false },
	}
	return c
}

// run calls the program and gives the exit code.
func (c *call) run(args ...string) int { return c.main(append([]string{"/usr/sbin/ocirun"}, args...)) }

var exampleState = libcontainer.State{
	OCIVersion: "1.3.0", ID: "web", Pid: 42, Status: libcontainer.Running, Bundle: "/srv/web", Rootfs: "/srv/web/rootfs",
	Created: time.Date(2026, 11, 21, 3, 4, 5, 678900000, time.FixedZone("", 3600)), Annotations: map[string]string{"b": "<2>", "a": "1"},
}

func examplePlan() *plan.Plan {
	p := &plan.Plan{Spawn: plan.Spawn{New: plan.NamespacePID | plan.NamespaceMount}}
	p.Add(plan.Prepare, "/linux/cgroupsPath", plan.Cgroup{Path: "/web", Mode: "v2"})
	p.Add(plan.Process, "/linux/seccomp", plan.Seccomp{Filter: []byte{6, 0, 0, 0, 0, 0, 0xff, 0x7f}}) // return ALLOW
	return p
}
