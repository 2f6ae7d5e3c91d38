package sys

// sigaction is the kernel's struct sigaction, which has no restorer here.
type sigaction struct {
	handler uintptr
	flags   uint64
	mask    uint64
}

func handlerAction() sigaction {
	return sigaction{handler: signalHandlerPC, flags: saSiginfo | saOnStack | saRestart}
}
