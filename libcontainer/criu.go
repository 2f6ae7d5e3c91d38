package libcontainer

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/criu"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// The names of CRIU's logs.
const (
	dumpLog    = "dump.log"
	restoreLog = "restore.log"
)

// descriptorsName is the file that lists, beside the images, what the standard
// streams were.
const descriptorsName = "descriptors.json"

// criuConfig is where the host's options for CRIU are, if no annotation names
// another file.
const criuConfig = "/etc/criu/runc.conf"

// criuConfigAnnotation names a file of options for CRIU; an empty one means none.
const criuConfigAnnotation = "org.criu.config"

// errNoCRIU says what to do.
var errNoCRIU = errors.New("checkpoint and restore need criu, which is not on PATH: install the package criu, version 3.0 or later")

// findCRIU looks criu up on PATH.
func findCRIU() (string, error) {
	path := os.Getenv("PATH")
	if path == "" {
		path = criu.DefaultPath
	}
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			continue
		}
		file := filepath.Join(dir, "criu")
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file, nil
		}
	}
	return "", errNoCRIU
}

// checkCRIU refuses a version that is too old for what is wanted.
func checkCRIU(w *criu.Worker, major, minor int, what string) error {
	v, err := w.Version()
	if err != nil {
		return fmt.Errorf("ask criu for its version: %w", err)
	}
	if v.Before(major, minor) {
		return fmt.Errorf("criu %v is too old: %s needs version %d.%d or later", v, what, major, minor)
	}
	return nil
}

// criuConfigFile is the file of options that a container's requests are made with,
// or nothing.
func criuConfigFile(annotations map[string]string) string {
	if file, ok := annotations[criuConfigAnnotation]; ok {
		return file
	}
	if err := unix.Access(criuConfig, unix.F_OK); err != nil {
		return ""
	}
	return criuConfig
}

// imageDirs are the directories of a checkpoint, held open.
type imageDirs struct {
	images, work int
	workPath     string
}

// openImages opens the directories, and makes them if that is wanted.
func (o *CRIUOptions) openImages(create bool) (*imageDirs, error) {
	d := &imageDirs{images: -1, work: -1, workPath: o.WorkPath}
	if d.workPath == "" {
		d.workPath = o.ImagePath
	}
	var err error
	if d.images, err = openImageDir(o.ImagePath, create); err != nil {
		return nil, err
	}
	if d.work, err = openImageDir(d.workPath, true); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// openImageDir opens a directory. What a checkpoint holds is for nobody but its
// owner: the memory of processes.
func openImageDir(path string, create bool) (int, error) {
	if create {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return -1, err
		}
	}
	return sys.OpenAt(unix.AT_FDCWD, path, unix.O_RDONLY|unix.O_DIRECTORY, 0)
}

func (d *imageDirs) close() { closeAll(d.images, d.work) }

// explain adds to an error of CRIU what its log says about it.
func (d *imageDirs) explain(action, log string, err error) error {
	var said *criu.Error
	if !errors.As(err, &said) {
		return fmt.Errorf("criu %s: %w", action, err)
	}
	path := filepath.Join(d.workPath, log)
	text, readErr := readTail(d.work, log)
	if readErr != nil {
		return fmt.Errorf("criu %s failed: %w", action, err)
	}
	lines := logErrors(text)
	if len(lines) == 0 {
		return fmt.Errorf("criu %s failed: %w (log file: %s)", action, err, path)
	}
	return &criuError{fmt.Sprintf("criu %s failed: %s (log file: %s)", action, strings.Join(lines, "; "), path), err}
}

// criuError has the words of CRIU's log.
type criuError struct {
	message string
	cause   error
}

func (e *criuError) Error() string { return e.message }

func (e *criuError) Unwrap() error { return e.cause }

const (
	// logTail is how much of the end of a log is looked at.
	logTail = 256 << 10
	// logLines is how many of its errors are told.
	logLines = 5
)

func readTail(dir int, name string) ([]byte, error) {
	fd, err := sys.OpenAt(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), name)
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fs.ErrInvalid
	}
	from := max(info.Size()-logTail, 0)
	text := make([]byte, info.Size()-from)
	n, err := file.ReadAt(text, from)
	if n < len(text) {
		return nil, err
	}
	return text, nil
}

// logErrors takes the last errors out of a log, without the times in front of them.
func logErrors(text []byte) []string {
	var found []string
	for line := range bytes.Lines(text) {
		if at := bytes.Index(line, []byte("Error (")); at >= 0 {
			found = append(found, strings.TrimSpace(string(line[at:])))
		}
	}
	return found[max(len(found)-logLines, 0):]
}
