package main

import (
	"context"
	"crypto/sha256"
	_ "embed" // the floor's source and the root's recipe
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

var (
	//go:embed floor/floor.c
	floorSource string
	//go:embed mkroot.sh
	rootRecipe string
)

const modulePath = "module github.com/ocirun/ocirun\n"

// findTree returns the repository that holds the working directory.
func findTree() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if text, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil && strings.HasPrefix(string(text), modulePath) {
			return dir, nil
		}
		if dir == "/" {
			return "", errors.New("run it inside the ocirun repository")
		}
	}
}

// privateRoot returns the cached root with the peers, made when it is missing.
func privateRoot(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(rootRecipe))
	dir := filepath.Join(cache, "ocirun-bench", fmt.Sprintf("root-%x", sum[:6]))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	unfinished := fmt.Sprintf("%s.%d", dir, os.Getpid())
	cmd := exec.CommandContext(ctx, "bash", "-s", "--", unfinished)
	cmd.Stdin, cmd.Stderr = strings.NewReader(rootRecipe), os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("make a root with crun and runc: %w", err)
	}
	return dir, os.Rename(unfinished, dir)
}

// emptyRoot makes a root without peers, for machines that cannot make one with them.
func emptyRoot() (string, error) {
	dir, err := os.MkdirTemp("", "ocirun-bench")
	if err != nil {
		return "", err
	}
	for _, d := range []string{"bin", "proc", "sys", "dev", "run", "tmp"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			return dir, err
		}
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return dir, fmt.Errorf("install busybox-static: %w", err)
	}
	if err := copyFile(busybox, filepath.Join(dir, "bin/busybox"), 0o755); err != nil {
		return dir, err
	}
	return dir, os.Symlink("busybox", filepath.Join(dir, "bin/true"))
}

// peer describes a runtime that the root brings.
func peer(root, name string) contender {
	for _, dir := range []string{"/usr/bin", "/usr/sbin"} {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(root + path); err == nil {
			return contender{Name: name, Kind: kindOCI, Path: path}
		}
	}
	return contender{Name: name, Kind: kindOCI, Absent: "not in the private root"}
}

// workFolder is the folder of one run, as seen from the host and from inside the root.
type workFolder struct {
	outside, inside string
}

// newWorkFolder makes it in the root itself, so that all is measured on one file system.
func newWorkFolder(root string) (workFolder, error) {
	removeStale(root)
	name := fmt.Sprintf("/bench.%d", os.Getpid())
	w := workFolder{root + name, name}
	for _, dir := range []string{"bin", "files"} {
		if err := os.MkdirAll(filepath.Join(w.outside, dir), 0o755); err != nil {
			return w, err
		}
	}
	for _, file := range []string{"resolv.conf", "hostname", "hosts"} {
		if err := os.WriteFile(filepath.Join(w.outside, "files", file), nil, 0o644); err != nil {
			return w, err
		}
	}
	return w, nil
}

// removeStale removes the folders of runs that were killed.
func removeStale(root string) {
	folders, _ := filepath.Glob(filepath.Join(root, "bench.*"))
	for _, folder := range folders {
		pid := strings.TrimPrefix(filepath.Ext(folder), ".")
		if _, err := os.Stat(filepath.Join("/proc", pid)); errors.Is(err, fs.ErrNotExist) {
			os.RemoveAll(folder)
		}
	}
}

// install copies a binary of the host into the root.
func (w workFolder) install(name, binary string) (contender, error) {
	err := copyFile(binary, filepath.Join(w.outside, "bin", name), 0o755)
	return contender{Name: name, Kind: kindOCI, Path: filepath.Join(w.inside, "bin", name)}, err
}

// floor compiles the floor program; without a C compiler it is absent.
func (w workFolder) floor(ctx context.Context) contender {
	c := contender{Name: "floor", Kind: kindFloor, Path: filepath.Join(w.inside, "bin/floor")}
	for _, compiler := range []string{"clang", "gcc", "cc"} {
		path, err := exec.LookPath(compiler)
		if err != nil {
			continue
		}
		cmd := exec.CommandContext(ctx, path, "-O2", "-static", "-x", "c", "-", "-o", filepath.Join(w.outside, "bin/floor"))
		cmd.Stdin = strings.NewReader(floorSource)
		if text, err := cmd.CombinedOutput(); err != nil {
			c.Absent = fmt.Sprintf("%s: %v: %s", compiler, err, strings.Join(strings.Fields(string(text)), " "))
			continue
		}
		c.Absent, c.Version = "", "compiled by "+compiler
		return c
	}
	if c.Absent == "" {
		c.Absent = "no C compiler"
	}
	return c
}

func copyFile(from, to string, mode fs.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
