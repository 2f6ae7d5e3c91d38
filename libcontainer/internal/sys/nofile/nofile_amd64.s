#include "textflag.h"

// func getrlimit(l *Limit) (r uintptr)
TEXT ·getrlimit(SB),NOSPLIT|NOFRAME,$0-16
	MOVQ	$0, DI	// this process
	MOVQ	$7, SI	// RLIMIT_NOFILE
	MOVQ	$0, DX
	MOVQ	l+0(FP), R10
	MOVL	$302, AX	// prlimit64
	SYSCALL
	MOVQ	AX, r+8(FP)
	RET
