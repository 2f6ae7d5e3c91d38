package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/ocirun/ocirun/cgroups"
	"github.com/ocirun/ocirun/libcontainer"
)

// sample is one look at one container. Without stats it has ended, or err says what
// is wrong.
type sample struct {
	id     string
	at     time.Time
	status libcontainer.Status
	stats  *libcontainer.Stats
	err    error
}

// look reads all containers, or those that are named, in their order.
func (w *watch) look() ([]sample, error) {
	if len(w.ids) > 0 {
		samples := make([]sample, 0, len(w.ids))
		for _, id := range w.ids {
			samples = append(samples, w.lookAt(id))
		}
		return samples, nil
	}
	entries, err := w.engine.List()
	switch {
	case errors.Is(err, fs.ErrNotExist) && w.global.explicit:
		return nil, fmt.Errorf("open %s: no such file or directory", w.global.root)
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	samples := make([]sample, 0, len(entries))
	for _, e := range entries {
		switch {
		case e.Err != nil:
			samples = append(samples, sample{id: e.ID, at: time.Now(), err: e.Err})
		case e.State.Status != libcontainer.Stopped && e.State.Status != libcontainer.Creating:
			s := w.lookAt(e.ID)
			if s.stats != nil || s.err != nil && !errors.Is(s.err, libcontainer.ErrNotExist) {
				samples = append(samples, s) // the others have ended since
			}
		}
	}
	return samples, nil
}

// lookAt reads one container.
func (w *watch) lookAt(id string) sample {
	s := sample{id: id, at: time.Now()}
	c, err := w.engine.Load(id)
	if err != nil {
		s.err = err
		return s
	}
	state, err := c.State()
	if err != nil {
		s.err = err
		return s
	}
	s.status, s.at = state.Status, time.Now()
	s.stats, err = c.Stats()
	switch {
	case errors.Is(err, libcontainer.ErrNotRunning):
		s.stats, s.status = nil, libcontainer.Stopped
	case err != nil:
		s.stats, s.err = nil, err
	}
	return s
}

// statsLine is the form of a sample as a line of JSON.
type statsLine struct {
	Time   time.Time           `json:"time"`
	ID     string              `json:"id"`
	Status libcontainer.Status `json:"status,omitempty"`
	Error  string              `json:"error,omitempty"`
	Data   *libcontainer.Stats `json:"data,omitempty"`
	Extra  *statsExtra         `json:"extra,omitempty"`
}

// statsExtra is what has no place in the data of an event.
type statsExtra struct {
	OOMKills uint64                       `json:"oomKills"`
	PidsPeak uint64                       `json:"pidsPeak,omitempty"`
	Rdma     []cgroups.RdmaStats          `json:"rdma,omitempty"`
	Misc     map[string]cgroups.MiscStats `json:"misc,omitempty"`
}

func (s *sample) line() statsLine {
	l := statsLine{Time: s.at.UTC(), ID: s.id, Status: s.status, Data: s.stats}
	if s.err != nil {
		l.Error = s.err.Error()
	}
	if s.stats != nil {
		l.Extra = &statsExtra{OOMKills: s.stats.Memory.OOMKills, PidsPeak: s.stats.Pids.Peak, Rdma: s.stats.Rdma, Misc: s.stats.Misc}
	}
	return l
}

// limitOf tells a limit from none: version 1 has a number for none that is below the
// greatest one by less than a page.
func limitOf(bytes uint64) (limit uint64, ok bool) {
	const none = 1 << 62
	return bytes, bytes > 0 && bytes < none
}

// transferred adds up one operation, "Read" for instance, on all devices.
func transferred(list []cgroups.BlockIOEntry, operation string) (sum uint64) {
	for _, e := range list {
		if strings.EqualFold(e.Op, operation) {
			sum += e.Value
		}
	}
	return sum
}
