package libcontainer

import (
	"github.com/ocirun/ocirun/specconv"
)

// Explain compiles the plan of a bundle as Create would, without making
// anything.
func Explain(o CreateOptions, id string) (*Explanation, error) {
	var warnings []string
	o.Warn = func(message string) { warnings = append(warnings, message) }
	b := &builder{id: id, o: &o, gated: true, detached: true, launch: newLaunch()}
	defer b.close()
	if err := checkID(id); err != nil {
		return nil, err
	}
	bundle, err := specconv.Load(o.Bundle)
	if err != nil {
		return nil, err
	}
	b.bundle = bundle
	if err := b.compile(); err != nil {
		return nil, err
	}
	return &Explanation{Plan: b.plan, Warnings: warnings}, nil
}

// Explain gives the plan that the container was made with. It is compiled from
// the copy of the configuration and the options in the container's record, which
// is what it was compiled from at first.
func (c *Container) Explain() (*Explanation, error) {
	r, err := c.dir.load()
	if err != nil {
		return nil, err
	}
	raw, err := c.dir.rawConfig()
	if err != nil {
		return nil, err
	}
	spec, err := specconv.Decode(raw)
	if err != nil {
		return nil, err
	}
	i := r.Inputs
	o := CreateOptions{
		Bundle: r.Bundle, NoPivot: i.NoPivot, NoNewKeyring: i.NoNewKeyring, Rootless: i.Rootless,
		ListenFDs: i.ListenFDs, ListenNames: i.ListenNames, PreserveFDs: i.PreserveFDs, CgroupManager: i.CgroupManager,
	}
	if i.ConsoleSocket {
		o.ConsoleSocket = "console.sock"
	}
	if i.Notify {
		o.NotifySocket = notifySocketName
	}
	var warnings []string
	o.Warn = func(message string) { warnings = append(warnings, message) }
	b := &builder{
		store: c.store, id: r.ID, o: &o, gated: i.Create, detached: i.Detach, launch: newLaunch(), made: r,
		bundle: &specconv.Bundle{Dir: r.Bundle, Raw: raw, Spec: spec},
	}
	defer b.close()
	if err := b.compile(); err != nil {
		return nil, err
	}
	return &Explanation{Plan: b.plan, Warnings: warnings}, nil
}
