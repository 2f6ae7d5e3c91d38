/*
 * Loads the filter on standard input and makes getppid(2) in the three ways that
 * an x86_64 kernel knows: as itself, as i386 and as x32. Prints the results.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

static long native(long nr)
{
	long ret;
	__asm__ volatile("syscall" : "=a"(ret) : "a"(nr) : "rcx", "r11", "memory");
	return ret;
}

static long i386(long nr)
{
	long ret;
	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(nr) : "r8", "r9", "r10", "r11", "memory");
	return (int)ret;
}

int main(void)
{
	static struct sock_filter insns[4096];
	ssize_t size = read(0, insns, sizeof(insns));
	struct sock_fprog prog = { .len = size / sizeof(insns[0]), .filter = insns };

	if (size <= 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog)) {
		perror("load");
		return 1;
	}
	printf("%ld", native(110));
	fflush(stdout);
	printf(" %ld", native(0x40000000 | 110));
	fflush(stdout);
	printf(" %ld\n", i386(64));
	return 0;
}
