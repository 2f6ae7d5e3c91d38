#include "textflag.h"

// func vforkCalls(args *cloneArgs, size uintptr, calls *call, failed *uintptr) (r uintptr)
//
// The child shares the memory and the stack of the thread, which waits; so it touches no
// stack, and keeps what it needs in registers that system calls preserve.
TEXT ·vforkCalls(SB),NOSPLIT|NOFRAME,$0-40
	MOVQ	args+0(FP), DI
	MOVQ	size+8(FP), SI
	MOVQ	calls+16(FP), R12
	MOVQ	failed+24(FP), R13
	MOVL	$435, AX	// clone3
	SYSCALL
	TESTQ	AX, AX
	JZ	next
	MOVQ	AX, r+32(FP)
	RET

next:
	MOVQ	0(R12), AX
	MOVQ	8(R12), DI
	MOVQ	16(R12), SI
	MOVQ	24(R12), DX
	MOVQ	32(R12), R10
	MOVQ	40(R12), R8
	SYSCALL
	CMPQ	AX, $0xfffffffffffff001
	JCC	failed
	ADDQ	$48, R12
	JMP	next

failed:
	NEGQ	AX
	MOVQ	AX, 0(R13)
	MOVL	$127, DI
	MOVL	$231, AX	// exit_group
	SYSCALL
	INT	$3
