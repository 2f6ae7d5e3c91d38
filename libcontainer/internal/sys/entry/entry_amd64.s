#include "textflag.h"

// The kernel starts the program here, with the number of arguments and the arguments on the
// stack. Nothing may be changed there, and no register means anything yet. Whatever fails,
// the program is only slower.
TEXT ·begin(SB),NOSPLIT|NOFRAME,$0
	MOVL	$2, R12	// the CPUs that are needed
	LEAQ	8(SP), R13

	// Is one of the arguments "exec"? At the end of them there is more to read: the strings
	// of the environment, then the name of the file.
argument:
	ADDQ	$8, R13
	MOVQ	(R13), SI
	TESTQ	SI, SI
	JZ	affinity
	CMPL	(SI), $0x63657865
	JNE	argument
	CMPB	4(SI), $0
	JNE	argument
	MOVL	$1, R12

	MOVL	$157, AX	// prctl
	MOVL	$30, DI	// PR_GET_TIMERSLACK
	SYSCALL
	CMPQ	AX, $0
	JLE	affinity	// 0: a real-time thread is woken in time whatever it says
	MOVQ	AX, R14
	MOVL	$157, AX	// prctl
	MOVL	$29, DI	// PR_SET_TIMERSLACK
	MOVL	$1000000, SI
	SYSCALL
	TESTQ	AX, AX
	JNZ	affinity
	MOVQ	R14, ·slack(SB)

affinity:
	MOVL	$204, AX	// sched_getaffinity
	XORL	DI, DI
	MOVL	$1024, SI
	LEAQ	·cpus(SB), DX
	SYSCALL
	CMPQ	AX, $0
	JLE	start
	MOVQ	AX, R14
	MOVL	$309, AX	// getcpu
	LEAQ	·cpu(SB), DI
	XORL	SI, SI
	XORL	DX, DX
	SYSCALL
	TESTQ	AX, AX
	JNZ	start

	// This CPU, and its neighbour if two are needed: other processes choose others.
	LEAQ	·cpus(SB), R8
	LEAQ	·few(SB), DX
	MOVLQZX	·cpu(SB), R9
	BTSQ	R9, (DX)
	CMPL	R12, $1
	JEQ	compare
	XORQ	$1, R9
	BTQ	R9, (R8)
	JCC	start
	BTSQ	R9, (DX)

	// Are these all?
compare:
	MOVQ	R14, R10
word:
	SUBQ	$8, R10
	JLT	start
	MOVQ	(R8)(R10*1), R9
	CMPQ	R9, (DX)(R10*1)
	JEQ	word
	MOVL	$203, AX	// sched_setaffinity
	XORL	DI, DI
	MOVQ	R14, SI
	SYSCALL
	TESTQ	AX, AX
	JNZ	start
	MOVQ	R14, ·size(SB)

start:
	JMP	_rt0_amd64_linux(SB)

// func restore()
TEXT ·restore(SB),NOSPLIT|NOFRAME,$0-0
	MOVQ	·size(SB), SI
	TESTQ	SI, SI
	JZ	timer
	MOVL	$203, AX	// sched_setaffinity
	XORL	DI, DI
	LEAQ	·cpus(SB), DX
	SYSCALL
timer:
	MOVQ	·slack(SB), SI
	TESTQ	SI, SI
	JZ	done
	MOVL	$157, AX	// prctl
	MOVL	$29, DI	// PR_SET_TIMERSLACK
	SYSCALL
done:
	RET
