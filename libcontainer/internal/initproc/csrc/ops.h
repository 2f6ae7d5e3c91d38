/* Generated from ops.go by "go generate"; do not edit. */
#ifndef OCIRUN_OPS_H
#define OCIRUN_OPS_H

#define OCIRUN_ABI 0x18707145u

enum {
	OP_SYS = 0, /* system call nr(arg0..arg5) */
	OP_MKPATH = 1, /* open arg1 (path) below directory arg0, making what is missing; arg2 kind (0 directory, 1 file), arg3 resolve flags; result2 = 1 if made */
	OP_VERIFY = 2, /* descriptor arg0 has the file type arg1 and, unless they are 0, device number arg2 and file system magic arg3; else fail with arg4 */
	OP_COPYMODE = 3, /* write the mode of descriptor arg0 as octal digits to arg1 (6 bytes) */
	OP_CWD = 4, /* fail unless the working directory is inside of the root */
	OP_SYNC = 5, /* send tag arg0 unless it is 0, wait for the runtime's answer */
	OP_SENDFD = 6, /* send tag arg0 with descriptor arg1 */
	OP_CLONE = 7, /* go on in a child of this process's parent, flags arg0 */
	OP_HOOK = 8, /* run arg0 with arguments arg1 and environment arg2, arg3 bytes at arg4 as input, arg5 milliseconds at most */
	OP_FINDEXE = 9, /* find the first executable of the arg1 paths at arg0 */
	OP_GATE = 10, /* let the runtime go, wait for a connection on arg0 */
	OP_EXEC = 11, /* execute arg0 with arguments arg1 and environment arg2 */
	OP_RECVFD = 12, /* receive the next descriptor from the socket arg0 */
	OP_LISTEN = 13, /* load a filter by system call nr(1, arg0, arg1), whose listener the runtime takes */
	OP_MATCH = 14, /* fail with arg3 unless the arg2 bytes at arg0 are those at arg1 and end there; with arg4 a line's end or that byte may follow */
};

#define OCIRUN_OP_NAMES { "sys", "mkpath", "verify", "copymode", "cwd", "sync", "sendfd", "clone", "hook", "findexe", "gate", "exec", "recvfd", "listen", "match", }

#define OCIRUN_NUM_OPS (15)
#define ARG_IMMEDIATE (0)
#define ARG_BLOB (1)
#define ARG_SLOT (2)
#define OCIRUN_NUM_ARG_KINDS (3)
#define GUARD_NONE (0)
#define GUARD_OK (1)
#define GUARD_ERR (2)
#define GUARD_EQUALS (3)
#define OCIRUN_NUM_GUARDS (4)
#define FLAG_LOG (1)
#define FLAG_ONCE (2)
#define OCIRUN_OP_FLAGS (3)
#define OCIRUN_IMAGE_MAGIC (1346981699)
#define OCIRUN_IMAGE_TRACED (1)
#define OCIRUN_MAX_TOLERATED (4)
#define OCIRUN_SLOTS (64)
#define OCIRUN_NO_SLOT (255)
#define OCIRUN_SKIPPED (-4000)
#define OCIRUN_PROGRESS_MAGIC (1380405072)
#define OCIRUN_DETAIL_SIZE (960)
#define STATE_NEW (0)
#define STATE_SETUP (1)
#define STATE_READY (2)
#define STATE_RELEASED (3)
#define STATE_EXEC (4)
#define STATE_FAILED (5)
#define OCIRUN_E_HOOK_FAILED (3900)
#define OCIRUN_E_HOOK_TIMEOUT (3901)
#define OCIRUN_EXIT_IMAGE (120)
#define OCIRUN_EXIT_ABI (121)

struct image_header {
	u32 magic, abi, size, flags;
	u32 nops, ops_off, nrelocs, relocs_off;
	u32 page_size, reserved[7];
};

struct op {
	u8 code, flags, guard, guard_slot;
	u16 guard_value, step;
	u8 result, result2;
	u8 kinds[6];
	u16 tolerated[OCIRUN_MAX_TOLERATED];
	u32 nr, reserved;
	u64 args[6];
};

struct progress {
	u32 magic, state, op, step;
	s32 error, status, child;
	u32 detail_len;
	s32 listener;
	u32 taken;
	u32 reserved[6];
	u8 detail[OCIRUN_DETAIL_SIZE];
	u64 stamps[];
};

_Static_assert(sizeof(struct image_header) == 64, "image header");
_Static_assert(sizeof(struct op) == 80, "operation");
_Static_assert(__builtin_offsetof(struct progress, detail) == 64, "detail of the progress page");
_Static_assert(__builtin_offsetof(struct progress, stamps) == 1024, "stamps of the progress page");

#endif
