package sys

import (
	"errors"

	"golang.org/x/sys/unix"
)

// allSeals makes a memfd immutable (fcntl(2), "File Sealing").
const allSeals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE

// NewMemfd makes an anonymous file (memfd_create(2)) that cannot be executed;
// kernels before 6.3 do not know that flag and are asked without it.
func NewMemfd(name string) (int, error) {
	return newMemfd(name, unix.MFD_NOEXEC_SEAL)
}

// NewExecMemfd makes an anonymous file to be executed. Where vm.memfd_noexec
// forbids it the error is unix.EACCES.
func NewExecMemfd(name string) (int, error) {
	return newMemfd(name, unix.MFD_EXEC)
}

func newMemfd(name string, kind int) (int, error) {
	flags := unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := retryFD(func() (int, error) { return unix.MemfdCreate(name, flags|kind) })
	if errors.Is(err, unix.EINVAL) {
		return retryFD(func() (int, error) { return unix.MemfdCreate(name, flags) })
	}
	return fd, err
}

// SealedMemfd makes an anonymous file with the given content that nobody can
// change any more.
func SealedMemfd(name string, content []byte, executable bool) (int, error) {
	create := NewMemfd
	if executable {
		create = NewExecMemfd
	}
	fd, err := create(name)
	if err != nil {
		return -1, err
	}
	err = WriteAll(fd, content)
	if err == nil {
		err = Seal(fd)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// Seal makes a memfd immutable.
func Seal(fd int) error {
	_, err := retryFD(func() (int, error) { return unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, allSeals) })
	return err
}

// Sealed reports whether the file is a memfd that Seal has made immutable.
func Sealed(fd int) bool {
	seals, err := retryFD(func() (int, error) { return unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0) })
	return err == nil && seals&allSeals == allSeals
}
