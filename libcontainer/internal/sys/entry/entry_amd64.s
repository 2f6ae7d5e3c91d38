#include "textflag.h"

// The system calls, and their constants.
#define NR_PRCTL	157
#define NR_SCHED_SETAFFINITY	203
#define NR_SCHED_GETAFFINITY	204
#define NR_PRLIMIT64	302
#define NR_GETCPU	309
#define PR_SET_TIMERSLACK	29
#define PR_GET_TIMERSLACK	30
#define RLIMIT_NOFILE	7

// The kernel starts the program here, with the number of arguments and the arguments on the
// stack. Nothing may be changed there, and no register means anything yet. Whatever fails,
// the program is only slower.
TEXT ·begin(SB),NOSPLIT|NOFRAME,$0
	MOVQ	·memProfileRate(SB), AX
	MOVQ	$0, (AX)

	// No more files than the standard streams, which the Go runtime opens if they are closed.
	MOVL	$NR_PRLIMIT64, AX
	XORL	DI, DI
	MOVL	$RLIMIT_NOFILE, SI
	XORL	DX, DX
	LEAQ	·files(SB), R10
	SYSCALL
	TESTQ	AX, AX
	JNZ	arguments
	CMPQ	·files+0(SB), $3
	JLS	arguments
	MOVQ	$3, ·fewFiles+0(SB)
	MOVQ	·files+8(SB), AX
	MOVQ	AX, ·fewFiles+8(SB)
	MOVL	$NR_PRLIMIT64, AX
	XORL	DI, DI
	MOVL	$RLIMIT_NOFILE, SI
	LEAQ	·fewFiles(SB), DX
	XORL	R10, R10
	SYSCALL
	TESTQ	AX, AX
	JNZ	arguments
	MOVQ	$1, ·isLimited(SB)

	// Is one of the arguments "exec", and none before it "run" or "create"? At the end of them
	// there is more to read: the strings of the environment, then the name of the file.
arguments:
	MOVL	$2, R12	// the CPUs that are needed
	LEAQ	8(SP), R13
argument:
	ADDQ	$8, R13
	MOVQ	(R13), SI
	TESTQ	SI, SI
	JZ	affinity
	CMPL	(SI), $0x006e7572	// run
	JEQ	affinity
	CMPL	(SI), $0x61657263	// crea
	JEQ	create
	CMPL	(SI), $0x63657865	// exec
	JNE	argument
	CMPB	4(SI), $0
	JNE	argument
	MOVL	$1, R12

	MOVL	$NR_PRCTL, AX
	MOVL	$PR_GET_TIMERSLACK, DI
	SYSCALL
	CMPQ	AX, $0
	JLE	affinity	// 0: a real-time thread is woken in time whatever it says
	MOVQ	AX, R14
	MOVL	$NR_PRCTL, AX
	MOVL	$PR_SET_TIMERSLACK, DI
	MOVL	$10000000, SI
	SYSCALL
	TESTQ	AX, AX
	JNZ	affinity
	MOVQ	R14, ·slack(SB)

	JMP	affinity

create:
	CMPL	3(SI), $0x00657461	// ate
	JNE	argument

affinity:
	MOVL	$NR_SCHED_GETAFFINITY, AX
	XORL	DI, DI
	MOVL	$1024, SI
	LEAQ	·cpus(SB), DX
	SYSCALL
	CMPQ	AX, $0
	JLE	start
	MOVQ	AX, R14
	MOVL	$NR_GETCPU, AX
	LEAQ	·cpu(SB), DI
	XORL	SI, SI
	XORL	DX, DX
	SYSCALL
	TESTQ	AX, AX
	JNZ	start

	CALL	chooseCPUs<>(SB)
	JCC	start
	MOVL	$NR_SCHED_SETAFFINITY, AX
	XORL	DI, DI
	MOVQ	R14, SI
	LEAQ	·few(SB), DX
	SYSCALL
	TESTQ	AX, AX
	JNZ	start
	MOVQ	R14, ·size(SB)

start:
	JMP	_rt0_amd64_linux(SB)

// chooseCPUs puts the CPUs that are needed, whose number is in R12, into few, and sets the
// carry flag if the process may use others as well: this one, and its neighbour if two are
// needed, so that other processes choose others. Without that neighbour it chooses none. R14
// is the size of the masks.
TEXT chooseCPUs<>(SB),NOSPLIT|NOFRAME,$0
	LEAQ	·cpus(SB), R8
	LEAQ	·few(SB), DX
	MOVLQZX	·cpu(SB), R9
	BTSQ	R9, (DX)
	CMPL	R12, $1
	JEQ	compare
	XORQ	$1, R9
	BTQ	R9, (R8)
	JCC	chosen
	BTSQ	R9, (DX)

	// Are these all?
compare:
	MOVQ	R14, R10
word:
	SUBQ	$8, R10
	JLT	all
	MOVQ	(R8)(R10*1), R9
	CMPQ	R9, (DX)(R10*1)
	JEQ	word
	STC
	RET
all:
	CLC
chosen:
	RET

// func choose(wanted, size int) (limits bool)
TEXT ·choose(SB),NOSPLIT,$0-17
	MOVQ	wanted+0(FP), R12
	MOVQ	size+8(FP), R14
	CALL	chooseCPUs<>(SB)
	SETCS	limits+16(FP)
	RET

// func restore()
TEXT ·restore(SB),NOSPLIT|NOFRAME,$0-0
	CMPQ	·isLimited(SB), $0
	JEQ	cpus
	MOVL	$NR_PRLIMIT64, AX
	XORL	DI, DI
	MOVL	$RLIMIT_NOFILE, SI
	LEAQ	·files(SB), DX
	XORL	R10, R10
	SYSCALL
cpus:
	MOVQ	·size(SB), SI
	TESTQ	SI, SI
	JZ	timer
	MOVL	$NR_SCHED_SETAFFINITY, AX
	XORL	DI, DI
	LEAQ	·cpus(SB), DX
	SYSCALL
timer:
	MOVQ	·slack(SB), SI
	TESTQ	SI, SI
	JZ	done
	MOVL	$NR_PRCTL, AX
	MOVL	$PR_SET_TIMERSLACK, DI
	SYSCALL
done:
	RET
