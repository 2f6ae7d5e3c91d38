package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	stageTimeout = 15 * time.Minute
	stageFlag    = "-inner-stage" // first argument of the inner half; the second is the job file
	outcomeFD    = 3
)

// startStage runs the inner half in new mount and pid namespaces and returns
// what it hands back. Its end, however it comes, ends all that it started.
func startStage(ctx context.Context, j job) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, stageTimeout)
	defer cancel()
	jobFile, err := writeJob(j)
	if err != nil {
		return outcome{}, err
	}
	defer os.Remove(jobFile)
	self, err := os.Executable()
	if err != nil {
		return outcome{}, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return outcome{}, err
	}
	defer r.Close()
	cmd := exec.CommandContext(ctx, self, stageFlag, jobFile)
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{w}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL}
	err = cmd.Start()
	w.Close()
	if err != nil {
		return outcome{}, fmt.Errorf("start the %s stage: %w", j.Stage, err)
	}
	data, readErr := io.ReadAll(r)
	if err := errors.Join(readErr, cmd.Wait()); err != nil {
		return outcome{}, fmt.Errorf("%s stage: %w", j.Stage, errors.Join(ctx.Err(), err))
	}
	var result outcome
	if err := json.Unmarshal(data, &result); err != nil {
		return outcome{}, fmt.Errorf("%s stage: %w", j.Stage, err)
	}
	return result, nil
}

func writeJob(j job) (string, error) {
	data, err := json.Marshal(j)
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp("", "bench-job")
	if err != nil {
		return "", err
	}
	defer f.Close()
	_, err = f.Write(data)
	return f.Name(), err
}

// innerMain is the main of the inner half.
func innerMain(jobFile string) error {
	data, err := os.ReadFile(jobFile)
	if err != nil {
		return err
	}
	var j job
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	result, err := runStage(j)
	if err != nil {
		return err
	}
	out := os.NewFile(outcomeFD, "outcome")
	return errors.Join(json.NewEncoder(out).Encode(result), out.Close())
}

func runStage(j job) (result outcome, err error) {
	wanted := viewV2
	if j.Stage == stageMemory || j.Stage == stageSweepMemory {
		wanted = ""
	}
	view, err := enterRoot(j.Root, wanted)
	if errors.Is(err, errNoMemoryController) {
		return outcome{Notes: []string{"memory limits are not measured: " + err.Error()}}, nil
	}
	if err != nil {
		return outcome{}, err
	}
	defer func() { err = errors.Join(err, sweep(j.Prefix)) }()
	if j.Stage == stageSweep || j.Stage == stageSweepMemory {
		return outcome{}, nil
	}
	r, err := newRunner(j)
	if err != nil {
		return outcome{}, err
	}
	result.View = view
	if j.Stage == stageMemory {
		result.Limits = r.limits(view)
		return result, nil
	}
	if err := os.Mkdir(filepath.Join("/sys/fs/cgroup", j.Prefix), 0o755); err != nil {
		return outcome{}, err
	}
	result.Notes = r.prove()
	result.Contenders = r.job.Contenders
	result.Series = r.timeAll()
	result.Footprints = r.footprints()
	return result, nil
}

// sweep removes every cgroup named after this run; their processes are gone or about to be.
func sweep(prefix string) error {
	var dirs []string
	err := filepath.WalkDir("/sys/fs/cgroup", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		if d.IsDir() && strings.Contains(path, "/"+prefix) {
			dirs = append(dirs, path)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := len(dirs) - 1; i >= 0; i-- {
		for try := 0; ; try++ {
			err := os.Remove(dirs[i])
			if err == nil || errors.Is(err, fs.ErrNotExist) {
				break
			}
			if try == 40 {
				return fmt.Errorf("remove a cgroup: %w", err)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	return nil
}
