/*
 * What the programs have that ocirun carries with it: system calls, and no
 * library. They begin in program_main, with the stack as the kernel has made it:
 * the number of arguments, the arguments, the environment.
 */
#ifndef OCIRUN_PROGRAM_H
#define OCIRUN_PROGRAM_H

#include "kernel.h"

#if defined(__x86_64__)
#include "arch_amd64.h"
#elif defined(__aarch64__)
#include "arch_arm64.h"
#else
#include "arch_riscv64.h"
#endif

#define sys0(nr) raw_syscall(nr, 0, 0, 0, 0, 0, 0)
#define sys1(nr, a) raw_syscall(nr, (long)(a), 0, 0, 0, 0, 0)
#define sys2(nr, a, b) raw_syscall(nr, (long)(a), (long)(b), 0, 0, 0, 0)
#define sys3(nr, a, b, c) raw_syscall(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define sys4(nr, a, b, c, d) raw_syscall(nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define sys5(nr, a, b, c, d, e) raw_syscall(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define sys6(nr, a, b, c, d, e, f) raw_syscall(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* The compiler may call these even in freestanding code. */
void *memcpy(void *dst, const void *src, u64 n)
{
	u8 *d = dst;
	const u8 *s = src;
	while (n--)
		*d++ = *s++;
	return dst;
}

void *memset(void *dst, int c, u64 n)
{
	u8 *d = dst;
	while (n--)
		*d++ = (u8)c;
	return dst;
}

static __attribute__((noreturn)) void leave(int status)
{
	for (;;)
		sys1(NR_exit_group, status);
}

/* parse_number reads a decimal number, and a space behind it. */
static inline s64 parse_number(char **text)
{
	char *s = *text;
	int negative = *s == '-';
	s64 n = 0;

	s += negative;
	while (*s >= '0' && *s <= '9')
		n = n * 10 + (*s++ - '0');
	*text = *s == ' ' ? s + 1 : s;
	return negative ? -n : n;
}

#endif
