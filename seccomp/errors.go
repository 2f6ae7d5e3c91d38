package seccomp

// FieldError is one thing that is wrong with a seccomp section.
type FieldError struct {
	// Pointer says where, as a JSON pointer from the section ("/syscalls/3/action").
	Pointer string
	// Err says what.
	Err error
}

// Error gives the pointer and the text.
func (e *FieldError) Error() string {
	if e.Pointer == "" {
		return e.Err.Error()
	}
	return e.Pointer + ": " + e.Err.Error()
}

// Unwrap gives the error without the pointer.
func (e *FieldError) Unwrap() error { return e.Err }
