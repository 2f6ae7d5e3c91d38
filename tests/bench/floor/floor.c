/*
 * The floor: what the kernel alone costs for the default bundle.
 *
 * usage: floor ROOTFS CGROUP PROGRAM [ARG...]
 *
 * Makes the namespaces, mounts, devices, device filter, masked and read-only
 * paths, loopback, limits and cgroup of the `spec` default, hard-coded and
 * without any check that a runtime owes its users, executes PROGRAM, waits for
 * it and removes the cgroup. No runtime that makes the same container can be
 * faster by much; how far above a runtime is, is its own doing.
 *
 * The child shares the parent's memory until execve (as after vfork), on a
 * stack of its own, so no page table is copied. cgroup v2 only.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define NOTHING (MS_NOSUID | MS_NOEXEC | MS_NODEV)

static const char *rootfs;
static char **program;
static char stack[16384] __attribute__((aligned(16)));

__attribute__((noreturn)) static void die(const char *what)
{
	const char *why = strerrordesc_np(errno);

	if (write(2, "floor: ", 7) < 0 || write(2, what, strlen(what)) < 0 || write(2, ": ", 2) < 0 ||
	    write(2, why, strlen(why)) < 0 || write(2, "\n", 1) < 0)
		_exit(126);
	_exit(125);
}

#define MUST(call) do { if ((call) < 0) die(#call); } while (0)

/* The default device rules: mknod of anything, the usual character devices, terminals. */
#define LOAD(dst, field) { BPF_LDX | BPF_MEM | BPF_W, dst, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, field), 0 }
#define ALU(op, dst, k) { BPF_ALU64 | (op) | BPF_K, dst, 0, 0, k }
#define SET(dst, k) ALU(BPF_MOV, dst, k)
#define COPY(dst, src) { BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0 }
#define IF(op, dst, k, off) { BPF_JMP | (op) | BPF_K, dst, 0, off, k }
#define RETURN { BPF_JMP | BPF_EXIT, 0, 0, 0, 0 }
#define DENY_AT 17
#define ALLOW_AT 19
#define DENY(here) (DENY_AT - (here) - 1)
#define ALLOW(here) (ALLOW_AT - (here) - 1)

static const struct bpf_insn filter[] = {
	LOAD(BPF_REG_2, access_type),				/* 0 */
	COPY(BPF_REG_3, BPF_REG_2),
	ALU(BPF_RSH, BPF_REG_3, 16),
	ALU(BPF_AND, BPF_REG_3, ~BPF_DEVCG_ACC_MKNOD),
	IF(BPF_JEQ, BPF_REG_3, 0, ALLOW(4)),
	ALU(BPF_AND, BPF_REG_2, 0xffff),			/* 5 */
	IF(BPF_JNE, BPF_REG_2, BPF_DEVCG_DEV_CHAR, DENY(6)),
	LOAD(BPF_REG_4, major),
	LOAD(BPF_REG_5, minor),
	IF(BPF_JEQ, BPF_REG_4, 136, ALLOW(9)),
	IF(BPF_JNE, BPF_REG_4, 5, 1),				/* 10 */
	IF(BPF_JLE, BPF_REG_5, 2, ALLOW(11)),			/* tty console ptmx */
	IF(BPF_JNE, BPF_REG_4, 1, DENY(12)),
	IF(BPF_JEQ, BPF_REG_5, 3, ALLOW(13)),			/* null */
	IF(BPF_JEQ, BPF_REG_5, 5, ALLOW(14)),			/* zero */
	IF(BPF_JGT, BPF_REG_5, 9, DENY(15)),
	IF(BPF_JGE, BPF_REG_5, 7, ALLOW(16)),			/* full random urandom */
	SET(BPF_REG_0, 0),					/* DENY_AT */
	RETURN,
	SET(BPF_REG_0, 1),					/* ALLOW_AT */
	RETURN,
};

static void filter_devices(int cgroup)
{
	union bpf_attr load, attach;
	int prog;

	memset(&load, 0, sizeof load);
	load.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	load.insns = (uintptr_t)filter;
	load.insn_cnt = LEN(filter);
	load.license = (uintptr_t)"Apache";
	MUST(prog = syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load));
	memset(&attach, 0, sizeof attach);
	attach.target_fd = cgroup;
	attach.attach_bpf_fd = prog;
	attach.attach_type = BPF_CGROUP_DEVICE;
	attach.attach_flags = BPF_F_ALLOW_MULTI;
	MUST(syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach));
	MUST(close(prog));
}

static void make_mounts(void)
{
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL));
	MUST(chdir(rootfs));
	MUST(mount("proc", "proc", "proc", 0, NULL));
	MUST(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"));
	MUST(mkdir("dev/pts", 0755));
	MUST(mkdir("dev/shm", 0755));
	MUST(mkdir("dev/mqueue", 0755));
	MUST(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5"));
	MUST(mount("shm", "dev/shm", "tmpfs", NOTHING, "mode=1777,size=65536k"));
	MUST(mount("mqueue", "dev/mqueue", "mqueue", NOTHING, NULL));
	MUST(mount("sysfs", "sys", "sysfs", NOTHING | MS_RDONLY, NULL));
	MUST(mount("cgroup", "sys/fs/cgroup", "cgroup2", NOTHING | MS_RELATIME | MS_RDONLY, NULL));
}

static void make_devices(void)
{
	static const struct { const char *path; int major, minor; } nodes[] = {
		{ "dev/null", 1, 3 }, { "dev/zero", 1, 5 }, { "dev/full", 1, 7 },
		{ "dev/random", 1, 8 }, { "dev/urandom", 1, 9 }, { "dev/tty", 5, 0 },
	};
	static const struct { const char *path, *target; } links[] = {
		{ "dev/fd", "/proc/self/fd" }, { "dev/stdin", "/proc/self/fd/0" },
		{ "dev/stdout", "/proc/self/fd/1" }, { "dev/stderr", "/proc/self/fd/2" },
		{ "dev/ptmx", "pts/ptmx" },
	};

	umask(0);
	for (size_t i = 0; i < LEN(nodes); i++)
		MUST(mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)));
	for (size_t i = 0; i < LEN(links); i++)
		MUST(symlink(links[i].target, links[i].path));
	umask(022);
}

static void enter_root(void)
{
	MUST(syscall(SYS_pivot_root, ".", "."));
	MUST(umount2(".", MNT_DETACH));
	MUST(chdir("/"));
}

static void hide_paths(void)
{
	static const char *const masked[] = {
		"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
		"/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi",
	};
	static const char *const readonly[] = { "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger" };

	for (size_t i = 0; i < LEN(readonly); i++) {
		if (mount(readonly[i], readonly[i], NULL, MS_BIND | MS_REC, NULL) < 0) {
			if (errno == ENOENT)
				continue;
			die(readonly[i]);
		}
		MUST(mount(NULL, readonly[i], NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | NOTHING, NULL));
	}
	for (size_t i = 0; i < LEN(masked); i++) {
		if (mount("/dev/null", masked[i], NULL, MS_BIND, NULL) == 0 || errno == ENOENT)
			continue;
		if (errno != ENOTDIR)
			die(masked[i]);
		MUST(mount("tmpfs", masked[i], "tmpfs", MS_RDONLY, "nr_blocks=1,nr_inodes=1"));
	}
	MUST(mount(NULL, "/", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL));
}

static void raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	MUST(fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	MUST(ioctl(fd, SIOCSIFFLAGS, &request));
	MUST(close(fd));
}

static void drop_privileges(void)
{
	const uint32_t keep = 1u << CAP_AUDIT_WRITE | 1u << CAP_KILL | 1u << CAP_NET_BIND_SERVICE;
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct sets[2] = { { keep, keep, 0 }, { 0, 0, 0 } };
	struct rlimit files = { 1024, 1024 };

	MUST(setrlimit(RLIMIT_NOFILE, &files));
	for (int c = 0; c <= 63; c++) {
		if (c < 32 && keep >> c & 1)
			continue;
		if (prctl(PR_CAPBSET_DROP, c, 0, 0, 0) < 0) {
			if (errno == EINVAL)
				break; /* beyond the kernel's last capability */
			die("drop a capability");
		}
	}
	MUST(syscall(SYS_capset, &header, sets));
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

__attribute__((noreturn, used)) static void container(void)
{
	static char *const env[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm", "HOME=/root", NULL };

	make_mounts();
	make_devices();
	enter_root();
	raise_loopback();
	MUST(sethostname("ocirun", 6));
	hide_paths();
	drop_privileges();
	execve(program[0], program, env);
	die(program[0]);
}

/* Calls container() on the new stack in the child; the parent returns when the child has executed or ended. */
static long spawn(struct clone_args *args)
{
#if defined(__x86_64__)
	long ret;
	__asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\txor %%ebp, %%ebp\n\tcall container\n1:"
			 : "=a"(ret) : "a"(SYS_clone3), "D"(args), "S"(sizeof *args) : "rcx", "r11", "memory", "cc");
	return ret;
#elif defined(__aarch64__)
	register long x0 __asm__("x0") = (long)args;
	register long x1 __asm__("x1") = sizeof *args;
	register long x8 __asm__("x8") = SYS_clone3;
	__asm__ volatile("svc #0\n\tcbnz x0, 1f\n\tbl container\n1:" : "+r"(x0) : "r"(x1), "r"(x8) : "x30", "memory", "cc");
	return x0;
#elif defined(__riscv) && __riscv_xlen == 64
	register long a0 __asm__("a0") = (long)args;
	register long a1 __asm__("a1") = sizeof *args;
	register long a7 __asm__("a7") = SYS_clone3;
	__asm__ volatile("ecall\n\tbnez a0, 1f\n\tcall container\n1:" : "+r"(a0) : "r"(a1), "r"(a7) : "ra", "memory");
	return a0;
#else
#error "no clone3 for this architecture"
#endif
}

int main(int argc, char **argv)
{
	struct clone_args args;
	int cgroup, status;
	long pid;

	if (argc < 4) {
		errno = EINVAL;
		die("usage: floor ROOTFS CGROUP PROGRAM [ARG...]");
	}
	rootfs = argv[1];
	program = argv + 3;
	MUST(mkdir(argv[2], 0755));
	MUST(cgroup = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	filter_devices(cgroup);

	memset(&args, 0, sizeof args);
	args.flags = CLONE_VM | CLONE_VFORK | CLONE_INTO_CGROUP | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
		     CLONE_NEWUTS | CLONE_NEWCGROUP;
	args.exit_signal = SIGCHLD;
	args.stack = (uintptr_t)stack;
	args.stack_size = sizeof stack;
	args.cgroup = cgroup;
	pid = spawn(&args);
	if (pid < 0) {
		errno = -pid;
		die("clone3");
	}
	MUST(waitpid(pid, &status, 0));
	MUST(rmdir(argv[2]));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
