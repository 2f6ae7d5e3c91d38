package cgroups

import (
	"errors"
	"strconv"

	"golang.org/x/sys/unix"
)

// Errors that callers ask for.
var (
	// ErrNoUnified is returned where a v2 cgroup is needed and there is none.
	ErrNoUnified = errors.New("no cgroup v2 hierarchy on this machine")
	// ErrFrozen refuses an existing cgroup whose processes would not run.
	ErrFrozen = errors.New("container's cgroup unexpectedly frozen")
	// ErrBusy means that processes of the cgroup outlived SIGKILL.
	ErrBusy = errors.New("processes of the cgroup are still alive")
)

// NotEmptyError refuses an existing cgroup that has processes already.
type NotEmptyError struct {
	Path  string
	Count int
}

func (e *NotEmptyError) Error() string {
	return "container's cgroup is not empty: " + strconv.Itoa(e.Count) + " process(es) found"
}

// WriteError is a value that the kernel refused. It unwraps to the errno.
type WriteError struct {
	Path, Value string
	Err         error
}

func (e *WriteError) Error() string {
	return "failed to write " + strconv.Quote(e.Value) + " to " + e.Path + ": " + e.Err.Error()
}

// Unwrap gives the errno.
func (e *WriteError) Unwrap() error { return e.Err }

// FieldError is a resource that cannot be applied.
type FieldError struct {
	// Pointer is the JSON pointer of the culprit relative to /linux/resources, such as "/memory/limit".
	Pointer string
	Err     error
}

func (e *FieldError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *FieldError) Unwrap() error { return e.Err }

// field wraps an error of a resource, if there is one.
func field(pointer string, err error) error {
	if err == nil {
		return nil
	}
	return &FieldError{Pointer: pointer, Err: err}
}

// ControllerError is a v2 controller that a limit needs and the cgroup does not have.
type ControllerError struct {
	Controller, Path string
	// Err is why it could not be enabled, or ENOENT if the kernel does not offer it.
	Err error
}

func (e *ControllerError) Error() string {
	hint := "enable it in cgroup.subtree_control of the parent cgroups, or in the kernel"
	switch {
	case errors.Is(e.Err, unix.EBUSY):
		hint = "a parent cgroup has processes of its own, so it cannot enable controllers"
	case denied(e.Err):
		hint = "it is not delegated to this user; with systemd, set Delegate= for it"
	}
	return "controller " + strconv.Quote(e.Controller) + " not available in " + e.Path + " (" + hint + "): " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *ControllerError) Unwrap() error { return e.Err }
