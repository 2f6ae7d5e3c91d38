package libcontainer

import "errors"

// The errors that callers ask about. Their texts are part of the command-line
// contract: engines match them.
var (
	// ErrNotExist: no container of that id is in the store.
	ErrNotExist = errors.New("container does not exist")
	// ErrExist: the id is taken.
	ErrExist = errors.New("container with given ID already exists")
	// ErrEmptyID: the id is the empty string.
	ErrEmptyID = errors.New("container id cannot be empty")
	// ErrInvalidID: the id has a character outside of [A-Za-z0-9_+.-], or is "."
	// or "..", or longer than a file name.
	ErrInvalidID = errors.New("invalid container ID format")
	// ErrNotRunning: the operation needs a live process.
	ErrNotRunning = errors.New("container not running")
	// ErrNotPaused: the container to resume is not paused.
	ErrNotPaused = errors.New("container not paused")
	// ErrStartStopped: the container to start has ended.
	ErrStartStopped = errors.New("cannot start a container that has stopped")
	// ErrStartRunning: the container to start was started before.
	ErrStartRunning = errors.New("cannot start an already running container")
	// ErrStartPaused: the container to start is paused.
	ErrStartPaused = errors.New("cannot start a container in the paused state")
	// ErrStillRunning: the process did not end in time after SIGKILL.
	ErrStillRunning = errors.New("container init still running")
	// ErrConsoleNeeded: a detached container with a terminal needs somewhere to
	// send it.
	ErrConsoleNeeded = errors.New("cannot allocate tty if ocirun will detach without setting console socket")
	// ErrConsoleUseless: there is no terminal to send to the console socket.
	ErrConsoleUseless = errors.New("cannot use console socket if ocirun will not detach or allocate tty")
)
