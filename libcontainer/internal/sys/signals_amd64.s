#include "textflag.h"

// The kernel calls this with the signal in DI and its siginfo in SI:
// write(signalPipe, siginfo, siginfoSize).
TEXT ·signalHandler(SB),NOSPLIT|NOFRAME,$0
	MOVL	·signalPipe(SB), DI
	MOVL	$24, DX
	MOVL	$1, AX	// write
	SYSCALL
	RET

// The handler returns to here.
TEXT ·signalReturn(SB),NOSPLIT|NOFRAME,$0
	MOVL	$15, AX	// rt_sigreturn
	SYSCALL
	INT	$3

DATA ·signalHandlerPC(SB)/8, $·signalHandler(SB)
GLOBL ·signalHandlerPC(SB), RODATA|NOPTR, $8

DATA ·signalReturnPC(SB)/8, $·signalReturn(SB)
GLOBL ·signalReturnPC(SB), RODATA|NOPTR, $8
