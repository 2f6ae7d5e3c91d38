package libcontainer

import (
	"errors"
	"fmt"
	"path"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/libcontainer/internal/resctrl"
	"github.com/ocirun/ocirun/specconv"
	"github.com/ocirun/ocirun/specconv/plan"
)

// findResctrl finds the file system of resource control. Tests have one of their own,
// since few machines have the hardware.
var findResctrl = resctrl.Find

// probeResctrl looks at what there is to share, if the configuration asks for any of it.
func probeResctrl(spec *specs.Spec) (specconv.Resctrl, error) {
	if spec.Linux == nil || spec.Linux.IntelRdt == nil {
		return specconv.Resctrl{}, nil
	}
	fs, err := findResctrl()
	if err != nil || fs.Root == "" {
		return specconv.Resctrl{}, err
	}
	can := fs.Can()
	return specconv.Resctrl{Mounted: true, L3: can.L3, Bandwidth: can.Bandwidth, Monitoring: can.Monitoring}, nil
}

// resctrlStep gives the step of the plan about a class of service, or -1.
func resctrlStep(p *plan.Plan) (int, plan.Resctrl) {
	for i, e := range p.Entries {
		if step, ok := e.Step.(plan.Resctrl); ok {
			return i, step
		}
	}
	return -1, plan.Resctrl{}
}

// placeResctrl makes the container's class of service and its monitoring group. What
// will be there is written down first.
func (b *builder) placeResctrl() error {
	at, step := resctrlStep(b.plan)
	if at < 0 {
		return nil
	}
	start := b.o.Trace.begin()
	fs, err := findResctrl()
	if err != nil {
		return err
	}
	group := resctrl.Group{
		ID: b.id, Class: step.Class, L3: step.L3, Bandwidth: step.Bandwidth, More: step.More, Monitored: step.Monitored,
	}
	placed, err := fs.Plan(group)
	if err != nil {
		return b.plan.Failed(at, err, "")
	}
	if err := b.creation.recordResctrl(resctrlPlace{Root: fs.Root, Placed: placed}); err != nil {
		return err
	}
	if err := fs.Make(group, placed); err != nil {
		// Nothing is left of it, and what is there is not ours.
		b.creation.record.Resctrl = resctrlPlace{}
		return b.plan.Failed(at, err, "")
	}
	b.o.Trace.end(start, step.Action())
	return nil
}

// serveResctrl puts the init into its class of service. What it starts later is born
// there.
func (b *builder) serveResctrl() error {
	if err := b.creation.record.Resctrl.add(b.init.Pid); err != nil {
		at, _ := resctrlStep(b.plan)
		return b.plan.Failed(at, err, "")
	}
	return b.answer()
}

// resctrlPlace says where the container's tasks are counted and limited.
type resctrlPlace struct {
	// Root is where the file system is mounted.
	Root string
	resctrl.Placed
}

func (p resctrlPlace) add(pid int) error { return resctrl.FS{Root: p.Root}.Add(p.Placed, pid) }

// stats reads what a container's class of service has and uses.
func (p resctrlPlace) stats() (resctrl.Stats, error) {
	if p.Dir == "" {
		return resctrl.Stats{}, nil
	}
	return resctrl.FS{Root: p.Root}.Stats(p.Placed)
}

// What callers of `update` know as errors.
var (
	errNoL3        = errors.New("Intel RDT/CAT: l3 cache schema is not enabled")         //nolint:staticcheck // a name begins it
	errNoBandwidth = errors.New("Intel RDT/MBA: memory bandwidth schema is not enabled") //nolint:staticcheck // a name begins it
	errNoClass     = errors.New("updating a non-existent Intel RDT configuration is not supported: the container was made without intelRdt")
)

// update writes lines into the schemata of the container's class of service, both or
// none. undo brings back what they were before.
func (p resctrlPlace) update(l3, bandwidth string) (undo func() error, err error) {
	if l3 == "" && bandwidth == "" {
		return func() error { return nil }, nil
	}
	fs, err := findResctrl()
	if err != nil {
		return nil, err
	}
	var can resctrl.Can
	lack := "no resctrl file system is mounted"
	if fs.Root != "" {
		can, lack = fs.Can(), "the hardware has none of it"
	}
	switch {
	case l3 != "" && !can.L3:
		return nil, fmt.Errorf("%w: %s", errNoL3, lack)
	case bandwidth != "" && !can.Bandwidth:
		return nil, fmt.Errorf("%w: %s", errNoBandwidth, lack)
	case p.Dir == "":
		return nil, errNoClass
	}
	fs.Root = p.Root
	return fs.Update(p.Placed, l3, bandwidth)
}

func (p resctrlPlace) entry() *entry {
	return newEntry(lineResctrl).str("root", p.Root).str("dir", p.Dir).str("monitor", p.Monitor).flag("own", p.Own)
}

// decode takes only what can be the container's: what is removed has its name.
func (p *resctrlPlace) decode(f fields, id string) error {
	*p = resctrlPlace{Root: f.str("root"), Placed: resctrl.Placed{Dir: f.str("dir"), Monitor: f.str("monitor"), Own: f.flag("own")}}
	switch {
	case !isCleanPath(p.Root) || !isCleanPath(p.Dir) || p.Monitor != "" && !isCleanPath(p.Monitor):
		return errors.New("bad path of a class of service")
	case p.Own && p.Dir != path.Join(p.Root, id), p.Monitor != "" && p.Monitor != path.Join(p.Dir, "mon_groups", id):
		return errors.New("class of service of another container")
	}
	return nil
}
