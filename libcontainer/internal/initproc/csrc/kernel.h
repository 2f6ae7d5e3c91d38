/*
 * The parts of the kernel's interface that the init and the relay use by themselves. They are
 * written down here because the cross headers of three architectures are not
 * worth their installation: every number is part of the kernel's stable ABI
 * (asm/unistd.h and linux/ *.h of the architecture).
 */
#ifndef OCIRUN_KERNEL_H
#define OCIRUN_KERNEL_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef int s32;
typedef long s64;

#if defined(__x86_64__)
enum {
	NR_read = 0, NR_write = 1, NR_close = 3, NR_mmap = 9, NR_rt_sigaction = 13,
	NR_pread64 = 17, NR_sendmsg = 46, NR_recvmsg = 47, NR_clone = 56, NR_execve = 59, NR_wait4 = 61,
	NR_kill = 62, NR_fcntl = 72, NR_getcwd = 79, NR_setpgid = 109, NR_prctl = 157,
	NR_fstatfs = 138, NR_clock_gettime = 228, NR_exit_group = 231, NR_mkdirat = 258,
	NR_mknodat = 259, NR_readlinkat = 267, NR_ppoll = 271, NR_accept4 = 288,
	NR_dup3 = 292, NR_pipe2 = 293, NR_statx = 332, NR_getpid = 39,
	NR_rt_sigprocmask = 14, NR_ioctl = 16, NR_sendto = 44, NR_splice = 275, NR_signalfd4 = 289,
};
#elif defined(__aarch64__) || defined(__riscv)
enum {
	NR_getcwd = 17, NR_dup3 = 24, NR_fcntl = 25, NR_mknodat = 33, NR_mkdirat = 34,
	NR_fstatfs = 44, NR_close = 57, NR_pipe2 = 59, NR_read = 63, NR_write = 64,
	NR_pread64 = 67, NR_ppoll = 73, NR_readlinkat = 78, NR_exit_group = 94,
	NR_clock_gettime = 113, NR_kill = 129, NR_rt_sigaction = 134, NR_setpgid = 154,
	NR_prctl = 167, NR_getpid = 172, NR_sendmsg = 211, NR_recvmsg = 212, NR_clone = 220, NR_execve = 221,
	NR_mmap = 222, NR_accept4 = 242, NR_wait4 = 260, NR_statx = 291,
	NR_ioctl = 29, NR_signalfd4 = 74, NR_splice = 76, NR_rt_sigprocmask = 135, NR_sendto = 206,
};
#else
#error "ocirun's init knows x86-64, arm64 and riscv64"
#endif

/* The same on every architecture. */
enum {
	NR_pidfd_send_signal = 424, NR_pidfd_open = 434, NR_close_range = 436, NR_openat2 = 437, NR_faccessat2 = 439,
};

enum {
	E_PERM = 1, E_NOENT = 2, E_INTR = 4, E_AGAIN = 11, E_ACCES = 13, E_EXIST = 17,
	E_NOTDIR = 20, E_ISDIR = 21, E_INVAL = 22, E_PIPE = 32, E_RANGE = 34,
	E_NAMETOOLONG = 36, E_LOOP = 40, E_PROTO = 71,
};

enum {
	PROT_READ = 1, PROT_WRITE = 2, MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_ANONYMOUS = 0x20,
	O_NONBLOCK = 04000, O_CLOEXEC = 02000000, O_PATH = 010000000,
	F_SETFL = 4,
	AT_FDCWD = -100, AT_SYMLINK_NOFOLLOW = 0x100, AT_EACCESS = 0x200, AT_EMPTY_PATH = 0x1000,
	RESOLVE_NO_SYMLINKS = 0x04, RESOLVE_BENEATH = 0x08,
	S_IFMT = 0170000, S_IFREG = 0100000, S_IFDIR = 0040000, S_IFSOCK = 0140000,
	X_OK = 1,
	SOL_SOCKET = 1, SCM_RIGHTS = 1, MSG_NOSIGNAL = 0x4000, MSG_CMSG_CLOEXEC = 0x40000000, SOCK_CLOEXEC = 02000000,
	CLONE_PARENT = 0x8000, CLONE_PARENT_SETTID = 0x100000, PR_SET_PDEATHSIG = 1, PR_SET_NAME = 15,
	SIGHUP = 1, SIGINT = 2, SIGQUIT = 3, SIGKILL = 9, SIGPIPE = 13, SIGTERM = 15, SIGCHLD = 17, SIGTTOU = 22, SIGWINCH = 28,
	SIG_BLOCK = 0, SFD_NONBLOCK = 04000, SFD_CLOEXEC = 02000000,
	MSG_DONTWAIT = 0x40, SPLICE_F_MOVE = 1, SPLICE_F_NONBLOCK = 2,
	TCSETS = 0x5402, TIOCGWINSZ = 0x5413, TIOCSWINSZ = 0x5414,
	CLOCK_MONOTONIC = 1,
	POLLIN = 1, POLLOUT = 4, POLLERR = 8, POLLHUP = 16,
	STATX_TYPE_MODE = 3,
	PATH_MAX = 4096, MAX_SYMLINKS = 40,
};
#if defined(__aarch64__)
enum { O_DIRECTORY = 040000, O_NOFOLLOW = 0100000 };
#else
enum { O_DIRECTORY = 0200000, O_NOFOLLOW = 0400000 };
#endif

struct statx_buf {
	u32 mask, blksize;
	u64 attributes;
	u32 nlink, uid, gid;
	u16 mode, pad0;
	u64 ino, size, blocks, attributes_mask;
	u64 times[8];
	u32 rdev_major, rdev_minor, dev_major, dev_minor;
	u64 spare[14];
};
struct open_how_buf { u64 flags, mode, resolve; };
struct statfs_buf { s64 type; s64 rest[14]; };
struct timespec_buf { s64 sec, nsec; };
struct pollfd_buf { s32 fd; u16 events, revents; };
struct iovec_buf { const void *base; u64 len; };
struct msghdr_buf {
	void *name; u32 namelen; u32 pad0;
	struct iovec_buf *iov; u64 iovlen;
	void *control; u64 controllen;
	u32 flags; u32 pad1;
};
struct cmsg_fd { u64 len; s32 level, type, fd, pad; };
/* What a signalfd gives, and what a handler is given (struct siginfo): its beginning. */
struct signalfd_buf { u32 signo; s32 error, code; u32 pid; u8 rest[112]; };
struct siginfo_buf { s32 signo, error, code, pad0, pid, uid; };
struct winsize_buf { u16 rows, columns, width, height; };
struct termios_buf { u32 iflag, oflag, cflag, lflag; u8 line, cc[19]; };
struct sigaction_buf { void *handler; u64 flags; void *restorer; u64 mask; };

_Static_assert(sizeof(struct statx_buf) == 256, "struct statx");
_Static_assert(sizeof(struct statfs_buf) == 120, "struct statfs");
_Static_assert(sizeof(struct signalfd_buf) == 128, "struct signalfd_siginfo");
_Static_assert(sizeof(struct termios_buf) == 36, "struct termios");
_Static_assert(sizeof(struct msghdr_buf) == 56, "struct msghdr");

#endif
