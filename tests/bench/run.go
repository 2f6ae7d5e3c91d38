package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const commandTimeout = 10 * time.Second

// environment of every command: nothing of the caller's gets in the way.
var environment = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C"}

// runner starts contenders inside the private root.
type runner struct {
	job    job
	nextID int
	null   *os.File
	stderr *os.File // unlinked file, emptied before every run: a pipe would need a goroutine of ours
}

func newRunner(j job) (*runner, error) {
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	stderr, err := os.CreateTemp("/tmp", "stderr")
	if err != nil {
		return nil, err
	}
	return &runner{job: j, null: null, stderr: stderr}, os.Remove(stderr.Name())
}

func (r *runner) bundle(name string) string { return filepath.Join(r.job.Work, name) }

// stateRoot is a contender's --root for one variant.
func (r *runner) stateRoot(c contender, variant string) string {
	return filepath.Join("/run/bench", c.Name+"-"+variant)
}

func (r *runner) newID() string {
	r.nextID++
	return fmt.Sprintf("%s-%d", r.job.Prefix, r.nextID)
}

// runArgs is the command line that runs bundle in the foreground and removes the container after.
func (r *runner) runArgs(c contender, bundle, variant, id string, payload ...string) []string {
	switch c.Kind {
	case kindFloor:
		rootfs := filepath.Join(r.bundle(bundle), "rootfs")
		return append([]string{c.Path, rootfs, "/sys/fs/cgroup/" + id}, payload...)
	case kindBare:
		return append([]string{}, payload...)
	default:
		return []string{c.Path, "--root", r.stateRoot(c, variant), "run", "--bundle", r.bundle(bundle), id}
	}
}

// measure runs one command without output and returns what it took. An exit status other than 0 is an error.
func (r *runner) measure(args []string) (sample, error) {
	if err := r.emptyStderr(); err != nil {
		return sample{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = environment, r.null, r.null, r.stderr
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if err != nil {
		return sample{}, r.explain(ctx, args, err)
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return sample{}, errors.New("the kernel gave no resource usage")
	}
	return sample{
		Wall:     wall,
		CPU:      cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
		Faults:   usage.Minflt,
		Switches: usage.Nvcsw + usage.Nivcsw,
	}, nil
}

// output runs one command and returns its standard output.
func (r *runner) output(args []string) (string, error) {
	if err := r.emptyStderr(); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	var stdout bytes.Buffer
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = environment, r.null, &stdout, r.stderr
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return "", r.explain(ctx, args, err)
	}
	return stdout.String(), nil
}

func (r *runner) emptyStderr() error {
	if err := r.stderr.Truncate(0); err != nil {
		return err
	}
	_, err := r.stderr.Seek(0, 0)
	return err
}

func (r *runner) explain(ctx context.Context, args []string, err error) error {
	if ctx.Err() != nil {
		err = fmt.Errorf("not done after %v", commandTimeout)
	}
	text := make([]byte, 2048)
	n, _ := r.stderr.ReadAt(text, 0)
	words := strings.Join(strings.Fields(string(text[:n])), " ")
	return fmt.Errorf("%s: %w: %s", filepath.Base(args[0]), err, words)
}

// discard removes what a failed or created container may have left; errors
// are of no interest, what stays is found by sweep.
func (r *runner) discard(c contender, variant, id string) {
	if c.Kind == kindOCI {
		_, _ = r.output([]string{c.Path, "--root", r.stateRoot(c, variant), "delete", "--force", id})
	}
	r.reap()
}

// reap collects orphans: the inner half is pid 1 of its namespace.
func (r *runner) reap() {
	for range 1000 {
		if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); pid <= 0 || err != nil {
			return
		}
	}
}
