package main

import (
	"context"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer"
)

// engine is what the commands need of the library; tests put another one there.
type engine interface {
	Create(id string, o libcontainer.CreateOptions) error
	Run(id string, o libcontainer.RunOptions) (status int, err error)
	Restore(id string, o libcontainer.RestoreOptions) (status int, err error)
	Load(id string) (container, error)
	List() ([]libcontainer.Entry, error)
	Remove(id string, force bool) error
	Explain(id string, o libcontainer.CreateOptions) (*libcontainer.Explanation, error)
	Review(o libcontainer.CreateOptions) ([]libcontainer.Finding, error)
}

// container is one container of an engine.
type container interface {
	Start(o libcontainer.StartOptions) error
	State() (*libcontainer.State, error)
	Exec(o libcontainer.ExecOptions) (status int, err error)
	Kill(sig unix.Signal) error
	Checkpoint(o libcontainer.CheckpointOptions) error
	Pause() error
	Resume() error
	Pids() ([]int, error)
	Stats() (*libcontainer.Stats, error)
	NotifyOOM(ctx context.Context) (<-chan struct{}, error)
	Update(o libcontainer.UpdateOptions) error
	Explain() (*libcontainer.Explanation, error)
}

// store is the engine of the real program.
type store struct{ *libcontainer.Store }

func openStore(a *app, root string) (engine, error) {
	s, err := libcontainer.NewStore(root)
	if err != nil {
		return nil, err
	}
	s.Warn = a.log.warn
	return store{s}, nil
}

func (s store) Create(id string, o libcontainer.CreateOptions) error {
	_, err := s.Store.Create(id, o)
	return err
}

func (s store) Load(id string) (container, error) {
	c, err := s.Open(id)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (s store) Explain(id string, o libcontainer.CreateOptions) (*libcontainer.Explanation, error) {
	return libcontainer.Explain(o, id)
}

func (s store) Review(o libcontainer.CreateOptions) ([]libcontainer.Finding, error) {
	return libcontainer.Review(o)
}

// engine opens the state root.
func (a *app) engine() (engine, error) { return a.open(a, a.global.root) }

// engineForNew opens the state root for a new container.
func (a *app) engineForNew() (engine, error) {
	if err := a.global.makeRuntimeDir(); err != nil {
		return nil, err
	}
	return a.engine()
}

// load finds a container.
func (a *app) load(id string) (container, error) {
	e, err := a.engine()
	if err != nil {
		return nil, err
	}
	return e.Load(id)
}
