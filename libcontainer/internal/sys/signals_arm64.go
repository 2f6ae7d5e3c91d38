package sys

// sigaction is the kernel's struct sigaction.
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

func handlerAction() sigaction {
	return sigaction{handler: signalHandlerPC, flags: saSiginfo | saOnStack | saRestart}
}
