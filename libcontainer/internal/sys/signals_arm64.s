#include "textflag.h"

// The kernel calls this with the signal in R0 and its siginfo in R1:
// write(signalPipe, siginfo, siginfoSize). It returns to the kernel's own code.
TEXT ·signalHandler(SB),NOSPLIT|NOFRAME,$0
	MOVW	·signalPipe(SB), R0
	MOVD	$24, R2
	MOVD	$64, R8	// write
	SVC
	RET

DATA ·signalHandlerPC(SB)/8, $·signalHandler(SB)
GLOBL ·signalHandlerPC(SB), RODATA|NOPTR, $8
