/*
 * The init of ocirun: it carries out a plan inside the container's namespaces
 * and becomes the container's program.
 *
 * Trust: the image comes from the runtime that started us, in sealed memory.
 * Everything below the root directory belongs to the container's maker, who may
 * change it while we look. Therefore every path below it is resolved by openat2
 * with RESOLVE_IN_ROOT, or step by step from a descriptor we hold without
 * following links, and what is found is checked through its descriptor.
 *
 * There are no decisions in here: an operation may have a guard, which the
 * runtime put there, and nothing else. There is no heap and no libc. A failure
 * is written to the progress page, which the runtime shares, and ends the
 * process.
 */
#include "image.h"

#include "program.h"

struct init {
	u8 *base;                       /* the image */
	struct image_header *header;
	struct progress *page;
	s64 slots[OCIRUN_SLOTS];
	int control;
};

static u64 length(const char *s)
{
	u64 n = 0;
	while (s[n])
		n++;
	return n;
}

static void set_state(struct init *in, u32 state)
{
	__atomic_store_n(&in->page->state, state, __ATOMIC_RELEASE);
}

/* fail leaves the reason in the page; the runtime learns of it by our end. */
static __attribute__((noreturn)) void fail(struct init *in, s64 error)
{
	in->page->error = (s32)-error;
	in->page->step = image_ops(in->header)[in->page->op].step;
	set_state(in, STATE_FAILED);
	leave(1);
}

/* ---- paths below the root ---------------------------------------------- */

static s64 open_path(s64 dir, const char *path, u64 flags, u64 resolve)
{
	struct open_how_buf how = { .flags = flags | O_CLOEXEC, .resolve = resolve };
	s64 fd;
	int tries = 0;
	/* EAGAIN: a rename raced with the look-up (openat2(2)) */
	do {
		fd = sys4(NR_openat2, dir, path, &how, sizeof how);
	} while ((fd == -E_AGAIN && ++tries < 128) || fd == -E_INTR);
	return fd;
}

static s64 stat_fd(s64 fd, struct statx_buf *st)
{
	return sys5(NR_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE_MODE, st);
}

struct walk {
	s64 root;
	u64 resolve;
	u64 kind;
	u32 links;
	char path[PATH_MAX];
};

/* prefix_end gives the end of the component that begins at or after i. */
static u64 prefix_end(const char *path, u64 i)
{
	while (path[i] == '/')
		i++;
	while (path[i] && path[i] != '/')
		i++;
	return i;
}

static int is_last(const char *path, u64 end)
{
	while (path[end] == '/')
		end++;
	return path[end] == 0;
}

/*
 * splice_link puts the target of a dangling link in the place of path[from,end):
 * the link is then made to lead where it says, below the root.
 */
static s64 splice_link(struct walk *w, s64 parent, u64 from, u64 end)
{
	char target[PATH_MAX];
	u64 rest = length(w->path + end);
	char name[256];

	if (++w->links > MAX_SYMLINKS || (w->resolve & RESOLVE_NO_SYMLINKS))
		return -E_LOOP;
	if (end - from >= sizeof name)
		return -E_NAMETOOLONG;
	memcpy(name, w->path + from, end - from);
	name[end - from] = 0;
	s64 n = sys4(NR_readlinkat, parent, name, target, sizeof target);
	if (n < 0)
		return n;
	u64 keep = target[0] == '/' ? 0 : from;
	if (keep + (u64)n + rest >= PATH_MAX)
		return -E_NAMETOOLONG;
	char tail[PATH_MAX];
	memcpy(tail, w->path + end, rest + 1);
	memcpy(w->path + keep, target, (u64)n);
	memcpy(w->path + keep + n, tail, rest + 1);
	return 0;
}

/* make_one makes the component [from,end) in parent and opens it. */
static s64 make_one(struct walk *w, s64 parent, u64 from, u64 end, int last)
{
	char *path = w->path;
	char saved = path[end];
	s64 r;

	path[end] = 0;
	if (last && w->kind)
		r = sys4(NR_mknodat, parent, path + from, S_IFREG | 0644, 0);
	else
		r = sys3(NR_mkdirat, parent, path + from, 0755);
	if (r == 0)
		r = open_path(parent, path + from, O_PATH | O_NOFOLLOW, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	path[end] = saved;
	return r;
}

/*
 * walk_make makes what is missing of w->path. It asks for ever longer prefixes
 * in the root, so that existing links are followed as they are in the
 * container, and makes the first one that is missing in the directory that it
 * holds open.
 */
static s64 walk_make(struct walk *w, s64 *made)
{
restart:;
	u64 end = 0;
	s64 parent = w->root;
	for (;;) {
		u64 from = end;
		end = prefix_end(w->path, end);
		while (w->path[from] == '/')
			from++;
		int last = is_last(w->path, end);
		char saved = w->path[end];
		w->path[end] = 0;
		s64 fd = open_path(w->root, w->path, O_PATH, w->resolve);
		w->path[end] = saved;
		if (fd == -E_NOENT) {
			fd = make_one(w, parent, from, end, last);
			*made = 1;
			if (fd == -E_EXIST) {
				s64 r = splice_link(w, parent, from, end);
				if (parent != w->root)
					sys1(NR_close, parent);
				if (r < 0)
					return r;
				goto restart;
			}
		}
		if (parent != w->root)
			sys1(NR_close, parent);
		if (fd < 0 || last)
			return fd;
		parent = fd;
	}
}

static s64 op_mkpath(s64 root, const char *path, u64 kind, u64 resolve, s64 *made)
{
	struct statx_buf st;

	*made = 0;
	s64 fd = open_path(root, path, O_PATH, resolve);
	if (fd == -E_NOENT) {
		struct walk w;
		u64 len = length(path);
		if (len >= PATH_MAX)
			return -E_NAMETOOLONG;
		w.root = root;
		w.resolve = resolve;
		w.kind = kind;
		w.links = 0;
		memcpy(w.path, path, len + 1);
		fd = walk_make(&w, made);
	}
	if (fd < 0)
		return fd;
	s64 r = stat_fd(fd, &st);
	if (r == 0 && ((st.mode & S_IFMT) == S_IFDIR) != (kind == 0))
		r = -E_NOTDIR;
	if (r < 0) {
		sys1(NR_close, fd);
		return r;
	}
	return fd;
}

/* ---- checks ------------------------------------------------------------- */

static s64 op_verify(s64 fd, u64 type, u64 rdev, u64 magic, u64 error)
{
	struct statx_buf st;
	s64 r = stat_fd(fd, &st);

	if (r < 0)
		return r;
	if (type && (st.mode & S_IFMT) != type)
		return -(s64)error;
	if (rdev && (((u64)st.rdev_major << 32) | st.rdev_minor) != rdev)
		return -(s64)error;
	if (magic) {
		struct statfs_buf fs;
		r = sys2(NR_fstatfs, fd, &fs);
		if (r < 0)
			return r;
		if ((u64)fs.type != magic)
			return -(s64)error;
	}
	return 0;
}

static s64 op_copymode(s64 fd, char *out)
{
	struct statx_buf st;
	s64 r = stat_fd(fd, &st);

	if (r < 0)
		return r;
	for (int i = 4; i >= 0; i--) {
		out[i] = (char)('0' + (st.mode & 7));
		st.mode >>= 3;
	}
	out[0] = '0';
	out[5] = 0;
	return 0;
}

/* A directory outside of the root is shown without a leading slash (getcwd(2)). */
static s64 op_cwd(void)
{
	char buf[PATH_MAX];
	s64 r = sys2(NR_getcwd, buf, sizeof buf);

	if (r < 0)
		return r;
	return buf[0] == '/' ? 0 : -E_NOENT;
}

/* Behind a word that the kernel shows there may be more, after a border. */
static s64 op_match(const char *have, const char *want, u64 n, u64 error, char border)
{
	for (u64 i = 0; i < n; i++)
		if (have[i] != want[i])
			return -(s64)error;
	if (have[n] == 0 || (border && (have[n] == '\n' || have[n] == border)))
		return 0;
	return -(s64)error;
}

static s64 op_findexe(const char *list, u64 count)
{
	s64 error = -E_NOENT;

	for (; count; count--, list += length(list) + 1) {
		struct statx_buf st;
		s64 r = sys5(NR_statx, AT_FDCWD, list, 0, STATX_TYPE_MODE, &st);
		if (r == 0 && (st.mode & S_IFMT) == S_IFDIR)
			r = -E_ISDIR;
		if (r == 0)
			r = sys4(NR_faccessat2, AT_FDCWD, list, X_OK, AT_EACCESS);
		if (r == 0)
			return (s64)list;
		error = r;
	}
	return error;
}

/* ---- the runtime --------------------------------------------------------- */

static s64 send_tag(struct init *in, u64 tag, s64 fd)
{
	u8 byte = (u8)tag;
	struct iovec_buf iov = { &byte, 1 };
	struct cmsg_fd cmsg = { .len = 20, .level = SOL_SOCKET, .type = SCM_RIGHTS, .fd = (s32)fd };
	struct msghdr_buf msg = { .iov = &iov, .iovlen = 1 };
	s64 r;

	if (fd >= 0) {
		msg.control = &cmsg;
		msg.controllen = sizeof cmsg;
	}
	do {
		r = sys3(NR_sendmsg, in->control, &msg, MSG_NOSIGNAL);
	} while (r == -E_INTR);
	return r < 0 ? r : 0;
}

/* The runtime answers 0, or is gone: then so are we, without a word. */
static s64 op_sync(struct init *in, u64 tag)
{
	u8 answer = 1;
	s64 r;

	if (tag) {
		r = send_tag(in, tag, -1);
		if (r < 0)
			leave(1);
	}
	do {
		r = sys3(NR_read, in->control, &answer, 1);
	} while (r == -E_INTR);
	if (r != 1 || answer != 0)
		leave(1);
	return 0;
}

/* The runtime fills the queue; at its end before its time the runtime has given
 * up, or is gone. */
static s64 op_recvfd(s64 queue)
{
	u8 byte;
	struct iovec_buf iov = { &byte, 1 };
	struct cmsg_fd cmsg = { 0 };
	struct msghdr_buf msg = { .iov = &iov, .iovlen = 1, .control = &cmsg, .controllen = sizeof cmsg };
	s64 r;

	do {
		r = sys3(NR_recvmsg, queue, &msg, MSG_CMSG_CLOEXEC);
	} while (r == -E_INTR);
	if (r == 0)
		leave(1);
	if (r < 0)
		return r;
	if (cmsg.len != 20 || cmsg.level != SOL_SOCKET || cmsg.type != SCM_RIGHTS)
		return -E_PROTO;
	return cmsg.fd;
}

static s64 op_gate(struct init *in, s64 listener)
{
	u8 byte;

	set_state(in, STATE_READY);
	for (;;) {
		s64 r, conn = sys4(NR_accept4, listener, 0, 0, SOCK_CLOEXEC);
		if (conn == -E_INTR)
			continue;
		if (conn < 0)
			return conn;
		do {
			r = sys3(NR_read, conn, &byte, 1);
		} while (r == -E_INTR);
		if (r == 1) {
			/* conn stays open: its end tells the start command of ours, or of
			 * the execve that closes it */
			set_state(in, STATE_RELEASED);
			return conn;
		}
		/* a start command that died before it said anything */
		sys1(NR_close, conn);
	}
}

static void relax(void)
{
#if defined(__x86_64__)
	__asm__ volatile("pause");
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#else
	__asm__ volatile("" ::: "memory");
#endif
}

/*
 * Loads a filter with a listener and stands still until the runtime has taken it
 * to the agent. Not a single call may be made before that, since it could be one
 * that waits for the agent's judgement; so the page is looked at again and again.
 * A runtime that is gone takes us along (PR_SET_PDEATHSIG); the bound is for one
 * that hangs.
 */
static s64 op_listen(struct init *in, u64 nr, u64 flags, s64 program)
{
	s64 fd = sys3(nr, 1, flags, program);

	if (fd < 0)
		return fd;
	__atomic_store_n(&in->page->listener, (s32)fd, __ATOMIC_RELEASE);
	for (u64 i = 0; i < 1ul << 32; i++) {
		if (__atomic_load_n(&in->page->taken, __ATOMIC_ACQUIRE))
			return 0;
		relax();
	}
	__builtin_trap();
}

static s64 op_clone(struct init *in, u64 flags)
{
	/* the kernel writes the id down before the child lives: whatever ends us,
	 * the runtime finds it */
	s64 pid = sys5(NR_clone, flags | CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD, 0, &in->page->child, 0, 0);

	if (pid < 0)
		return pid;
	if (pid > 0)
		leave(0);
	/* not inherited by a fork (prctl(2)); the runtime's end of the control
	 * socket is looked at by the next rendezvous */
	sys2(NR_prctl, PR_SET_PDEATHSIG, SIGKILL);
	return 0;
}

/* ---- hooks ---------------------------------------------------------------- */

struct hook {
	const char *path;
	char **argv, **envp;
	const u8 *input;
	u64 input_len;
	s64 timeout_ms;
	s64 in, out, pidfd, pid;
};

static s64 now_ns(void)
{
	struct timespec_buf t;
	sys2(NR_clock_gettime, CLOCK_MONOTONIC, &t);
	return t.sec * 1000000000 + t.nsec;
}

static __attribute__((noreturn)) void hook_child(struct init *in, struct hook *h, s64 stdin_fd, s64 stdout_fd)
{
	struct sigaction_buf dfl = { 0 };
	sys4(NR_rt_sigaction, SIGPIPE, &dfl, 0, 8);
	sys2(NR_setpgid, 0, 0);
	sys3(NR_dup3, stdin_fd, 0, 0);
	sys3(NR_dup3, stdout_fd, 1, 0);
	sys3(NR_dup3, stdout_fd, 2, 0);
	sys3(NR_close_range, 3, ~0u, 0);
	s64 r = sys3(NR_execve, h->path, h->argv, h->envp);
	in->page->error = (s32)-r;
	leave(127);
}

/* hook_output keeps the end of what the hook prints for the error message. */
static int hook_output(struct init *in, struct hook *h)
{
	u8 buf[256];
	u8 *detail = in->page->detail;
	u32 *used = &in->page->detail_len;
	s64 n = sys3(NR_read, h->out, buf, sizeof buf);

	if (n == -E_AGAIN || n == -E_INTR)
		return 1;
	if (n <= 0)
		return 0;
	if (*used + n > OCIRUN_DETAIL_SIZE) {
		u32 drop = (u32)(*used + n - OCIRUN_DETAIL_SIZE);
		for (u32 i = drop; i < *used; i++)
			detail[i - drop] = detail[i];
		*used -= drop;
	}
	memcpy(detail + *used, buf, (u64)n);
	*used += (u32)n;
	return 1;
}

static void hook_input(struct hook *h)
{
	s64 n = sys3(NR_write, h->in, h->input, h->input_len);

	if (n > 0) {
		h->input += n;
		h->input_len -= (u64)n;
	}
	if (h->input_len == 0 || (n < 0 && n != -E_AGAIN && n != -E_INTR)) {
		sys1(NR_close, h->in);
		h->in = -1;
	}
}

/* hook_attend feeds and hears the hook until it ends; 0, or the time-out. */
static s64 hook_attend(struct init *in, struct hook *h)
{
	s64 deadline = now_ns() + h->timeout_ms * 1000000;

	for (;;) {
		struct pollfd_buf fds[3] = { { (s32)h->pidfd, POLLIN, 0 }, { (s32)h->out, POLLIN, 0 }, { (s32)h->in, POLLOUT, 0 } };
		struct timespec_buf left = { 0 };
		if (h->timeout_ms) {
			s64 ns = deadline - now_ns();
			if (ns <= 0)
				return -OCIRUN_E_HOOK_TIMEOUT;
			left.sec = ns / 1000000000;
			left.nsec = ns % 1000000000;
		}
		s64 r = sys5(NR_ppoll, fds, 3, h->timeout_ms ? &left : 0, 0, 8);
		if (r < 0 && r != -E_INTR)
			return r;
		if (r <= 0)
			continue;
		if (fds[2].revents)
			hook_input(h);
		if (fds[1].revents && !hook_output(in, h)) {
			sys1(NR_close, h->out);
			h->out = -1;
		}
		if (fds[0].revents)
			return 0;
	}
}

static s64 hook_finish(struct init *in, struct hook *h, s64 result)
{
	s32 status = 0;

	/* the whole group: a hook that timed out may have started others */
	if (result < 0)
		sys2(NR_kill, -h->pid, SIGKILL);
	while (sys4(NR_wait4, h->pid, &status, 0, 0) == -E_INTR)
		;
	for (int i = 0; h->out >= 0 && i < 1024 && hook_output(in, h); i++)
		;
	in->page->status = status;
	if (h->in >= 0)
		sys1(NR_close, h->in);
	if (h->out >= 0)
		sys1(NR_close, h->out);
	sys1(NR_close, h->pidfd);
	if (result < 0)
		return result;
	if (in->page->error)
		return -in->page->error;
	return status ? -OCIRUN_E_HOOK_FAILED : 0;
}

static s64 op_hook(struct init *in, struct hook *h)
{
	struct sigaction_buf ignore = { .handler = (void *)1 }, old;
	s32 input[2], output[2];
	s64 r;

	in->page->detail_len = 0;
	in->page->error = 0;
	r = sys2(NR_pipe2, input, O_CLOEXEC);
	if (r == 0)
		r = sys2(NR_pipe2, output, O_CLOEXEC);
	if (r < 0)
		return r;
	sys4(NR_rt_sigaction, SIGPIPE, &ignore, &old, 8);
	h->pid = sys5(NR_clone, SIGCHLD, 0, 0, 0, 0);
	if (h->pid == 0)
		hook_child(in, h, input[0], output[1]);
	sys1(NR_close, input[0]);
	sys1(NR_close, output[1]);
	if (h->pid < 0)
		return h->pid;
	h->in = input[1];
	h->out = output[0];
	sys3(NR_fcntl, h->in, F_SETFL, O_NONBLOCK);
	sys3(NR_fcntl, h->out, F_SETFL, O_NONBLOCK);
	h->pidfd = sys2(NR_pidfd_open, h->pid, 0);
	r = h->pidfd < 0 ? h->pidfd : hook_attend(in, h);
	r = hook_finish(in, h, r);
	sys4(NR_rt_sigaction, SIGPIPE, &old, 0, 8);
	if (r == 0)
		in->page->detail_len = 0;
	return r;
}

/* ---- the interpreter ------------------------------------------------------ */

static s64 op_sys(const struct op *o, const long *a)
{
	s64 r;
	int tries = 0;
	do {
		r = raw_syscall(o->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	} while (((r == -E_INTR) || (r == -E_AGAIN && o->nr == NR_openat2 && ++tries < 128)) && !(o->flags & FLAG_ONCE));
	return r;
}

static s64 execute(struct init *in, const struct op *o, const long *a, s64 *second)
{
	switch (o->code) {
	case OP_SYS:
		return op_sys(o, a);
	case OP_MKPATH:
		return op_mkpath(a[0], (const char *)a[1], (u64)a[2], (u64)a[3], second);
	case OP_VERIFY:
		return op_verify(a[0], (u64)a[1], (u64)a[2], (u64)a[3], (u64)a[4]);
	case OP_COPYMODE:
		return op_copymode(a[0], (char *)a[1]);
	case OP_CWD:
		return op_cwd();
	case OP_SYNC:
		return op_sync(in, (u64)a[0]);
	case OP_SENDFD:
		return send_tag(in, (u64)a[0], a[1]);
	case OP_CLONE:
		return op_clone(in, (u64)a[0]);
	case OP_HOOK: {
		struct hook h = { (const char *)a[0], (char **)a[1], (char **)a[2], (const u8 *)a[4], (u64)a[3], a[5], -1, -1, -1, 0 };
		return op_hook(in, &h);
	}
	case OP_FINDEXE:
		return op_findexe((const char *)a[0], (u64)a[1]);
	case OP_LISTEN:
		return op_listen(in, o->nr, (u64)a[0], a[1]);
	case OP_GATE:
		return op_gate(in, a[0]);
	case OP_RECVFD:
		return op_recvfd(a[0]);
	case OP_MATCH:
		return op_match((const char *)a[0], (const char *)a[1], (u64)a[2], (u64)a[3], (char)a[4]);
	case OP_EXEC:
		set_state(in, STATE_EXEC);
		return sys3(NR_execve, a[0], a[1], a[2]);
	}
	return -E_PROTO;
}

static int guarded_off(const struct init *in, const struct op *o)
{
	s64 v;

	if (o->guard == GUARD_NONE)
		return 0;
	v = in->slots[o->guard_slot];
	switch (o->guard) {
	case GUARD_OK:
		return v < 0;
	case GUARD_ERR:
		return v >= 0 || v == OCIRUN_SKIPPED;
	default:
		return v != -(s64)o->guard_value;
	}
}

static int is_tolerated(const struct op *o, s64 r)
{
	for (int i = 0; i < OCIRUN_MAX_TOLERATED; i++)
		if (o->tolerated[i] && r == -(s64)o->tolerated[i])
			return 1;
	return 0;
}

/* An error of a mount context is explained in its log (fsopen(2)). */
static void read_log(struct init *in, s64 fd)
{
	s64 n = sys3(NR_read, fd, in->page->detail, OCIRUN_DETAIL_SIZE);

	in->page->detail_len = n > 0 ? (u32)n : 0;
}

static void load_args(const struct init *in, const struct op *o, long *a)
{
	for (int i = 0; i < 6; i++) {
		a[i] = (long)o->args[i];
		if (o->kinds[i] == ARG_BLOB)
			a[i] = (long)(in->base + o->args[i]);
		else if (o->kinds[i] == ARG_SLOT)
			a[i] = (long)in->slots[o->args[i]];
	}
}

static void run(struct init *in)
{
	const struct op *ops = image_ops(in->header);
	int traced = in->header->flags & OCIRUN_IMAGE_TRACED;

	for (u32 i = 0; i < in->header->nops; i++) {
		const struct op *o = ops + i;
		long a[6];
		s64 second = 0, r = OCIRUN_SKIPPED;

		in->page->op = i;
		if (traced)
			in->page->stamps[i] = (u64)now_ns();
		if (!guarded_off(in, o)) {
			load_args(in, o, a);
			r = execute(in, o, a, &second);
			if (r < 0 && r > -4096 && !is_tolerated(o, r)) {
				if (o->flags & FLAG_LOG)
					read_log(in, a[0]);
				fail(in, r);
			}
		}
		if (o->result != OCIRUN_NO_SLOT)
			in->slots[o->result] = r;
		if (o->result2 != OCIRUN_NO_SLOT)
			in->slots[o->result2] = second;
	}
	fail(in, -E_PROTO);
}

static void relocate(struct init *in)
{
	const u32 *relocs = (const u32 *)(in->base + in->header->relocs_off);

	for (u32 i = 0; i < in->header->nrelocs; i++)
		*(u64 *)(in->base + relocs[i]) += (u64)in->base;
}

/*
 * load maps the image and the page. Their descriptors stand one after the other
 * from the number given as the program's argument: image, page, control socket.
 * Without a page there is nobody to tell; the exit status says what was wrong.
 */
static void load(struct init *in, int fd)
{
	struct image_header h;

	if (sys4(NR_pread64, fd, &h, sizeof h, 0) != sizeof h || h.magic != OCIRUN_IMAGE_MAGIC)
		leave(OCIRUN_EXIT_IMAGE);
	if (h.abi != OCIRUN_ABI)
		leave(OCIRUN_EXIT_ABI);
	s64 base = sys6(NR_mmap, 0, h.size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	s64 page = sys6(NR_mmap, 0, h.page_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd + 1, 0);
	if ((base < 0 && base > -4096) || (page < 0 && page > -4096))
		leave(OCIRUN_EXIT_IMAGE);
	in->base = (u8 *)base;
	in->header = (struct image_header *)base;
	in->page = (struct progress *)page;
	in->control = fd + 2;
	if (image_check(in->header, h.size) != 1 || h.page_size < sizeof *in->page ||
	    ((h.flags & OCIRUN_IMAGE_TRACED) && h.page_size < sizeof *in->page + h.nops * 8ul))
		leave(OCIRUN_EXIT_IMAGE);
	sys1(NR_close, fd);
	sys1(NR_close, fd + 1);
}

__attribute__((noreturn, used)) void program_main(long *stack)
{
	struct init in;
	char **argv = (char **)(stack + 1);

	if (stack[0] < 2)
		leave(OCIRUN_EXIT_IMAGE);
	load(&in, (int)parse_number(&argv[1]));
	relocate(&in);
	for (int i = 0; i < OCIRUN_SLOTS; i++)
		in.slots[i] = OCIRUN_SKIPPED;
	set_state(&in, STATE_SETUP);
	run(&in);
	leave(1);
}
