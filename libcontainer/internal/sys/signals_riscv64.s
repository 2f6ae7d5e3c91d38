#include "textflag.h"

// The kernel calls this with the signal in A0 and its siginfo in A1:
// write(signalPipe, siginfo, siginfoSize). It returns to the kernel's own code.
TEXT ·signalHandler(SB),NOSPLIT|NOFRAME,$0
	MOVW	·signalPipe(SB), A0
	MOV	$24, A2
	MOV	$64, A7	// write
	ECALL
	RET

DATA ·signalHandlerPC(SB)/8, $·signalHandler(SB)
GLOBL ·signalHandlerPC(SB), RODATA|NOPTR, $8
