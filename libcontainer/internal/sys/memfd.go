package sys

import "golang.org/x/sys/unix"

// SealedMemfd puts data into memory that nobody can change any more (memfd_create(2)), and
// that can be executed or not. Where vm.memfd_noexec forbids what can be, it gives an error.
func SealedMemfd(name string, executable bool, parts ...[]byte) (int, error) {
	flags, kind := unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING, unix.MFD_NOEXEC_SEAL
	if executable {
		kind = unix.MFD_EXEC
	}
	fd, err := unix.MemfdCreate(name, flags|kind)
	if err == unix.EINVAL { // before Linux 6.3 there were no kinds, and no need of them
		fd, err = unix.MemfdCreate(name, flags)
	}
	if err != nil {
		return -1, err
	}
	if err := fillAndSeal(fd, parts); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func fillAndSeal(fd int, parts [][]byte) error {
	for _, data := range parts {
		if err := WriteAll(fd, data); err != nil {
			return err
		}
	}
	_, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS,
		unix.F_SEAL_SEAL|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE)
	return err
}
