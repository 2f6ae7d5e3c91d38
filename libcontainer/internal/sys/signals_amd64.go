package sys

// sigaction is the kernel's struct sigaction.
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

// signalReturnPC is the way back from the handler, which the program supplies on
// this architecture: SA_RESTORER, which the manual does not have.
var signalReturnPC uintptr

const saRestorer = 0x04000000

func signalReturn() //nolint:unused // its address is taken by signals_amd64.s

func handlerAction() sigaction {
	return sigaction{
		handler:  signalHandlerPC,
		flags:    saSiginfo | saOnStack | saRestart | saRestorer,
		restorer: signalReturnPC,
	}
}
