/*
 * The relay of ocirun: what is left of the runtime while a program runs that was
 * added to a container in the foreground. It moves the program's streams, hands
 * signals on, and ends as the program does.
 *
 * The runtime's process executes it, so it is the same process: the one its
 * caller waits for, and the program's parent. Everything was opened and decided
 * by the runtime, which tells by the first string of the environment; the
 * signals that are to be handed on are blocked. It does what foreground.go and
 * flow.go do in the runtime, and is nothing that a container has access to.
 *
 * All waiting is in one poll.
 */
#include "program.h"

enum {
	BUFFER = 32 << 10,      /* read at a time where bytes have to be copied */
	SPLICE = 1 << 20,       /* asked to be moved at a time inside the kernel */
	ATOMIC = 4096,          /* what a writable pipe takes without blocking (pipe(7)) */
	LOST = 255,             /* exit status: what became of the program is not known */
	FLOWS = 3,
};

/* The error of an end of file; no call made here gives it otherwise. */
#define END (-E_PROTO)

struct flow {
	s32 from, to;           /* from is -1 when there is nothing to be moved any more */
	int close_from, close_to;
	int copies;             /* the kernel cannot move bytes between these two by itself */
	int foreign;            /* the destination is the caller's, and may be in blocking mode */
	u32 kind;               /* file type of a foreign destination */
	int blocked;            /* what comes next is to write */
	u8 *buffer, *pending;
	u64 left;               /* bytes pending */
};

struct relay {
	struct flow flows[FLOWS];       /* input, output, errors */
	s32 pid, pidfd;
	s32 queue;                      /* signals that the runtime had caught */
	s32 signals;                    /* those since */
	u64 mask;
	s32 master, console;            /* with a terminal */
	struct termios_buf before;      /* what the console is put back to */
	int exited, hurry;
	s32 status;
};

/* ---- flows ---------------------------------------------------------------- */

static void flow_end(struct flow *f)
{
	if (f->from < 0)
		return;
	if (f->close_from)
		sys1(NR_close, f->from);
	if (f->close_to)
		sys1(NR_close, f->to);
	f->from = -1;
}

static struct pollfd_buf flow_interest(const struct flow *f)
{
	struct pollfd_buf p = { f->from, POLLIN, 0 };

	if (f->from >= 0 && f->blocked) {
		p.fd = f->to;
		p.events = POLLOUT;
	}
	return p;
}

/* When nothing can be moved although the source is readable, the destination is
 * full. */
static s64 flow_splice(struct flow *f)
{
	s64 n;

	do {
		n = sys6(NR_splice, f->from, 0, f->to, 0, SPLICE, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	} while (n == -E_INTR);
	if (n == -E_AGAIN)
		f->blocked = !f->blocked;
	if (n < 0)
		return n;
	f->blocked = 0;
	return n ? 0 : END;
}

static s64 flow_fill(struct flow *f)
{
	s64 n;

	if (!f->buffer) {
		n = sys6(NR_mmap, 0, BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (n < 0 && n > -4096)
			return n;
		f->buffer = (u8 *)n;
	}
	do {
		n = sys3(NR_read, f->from, f->buffer, BUFFER);
	} while (n == -E_INTR);
	if (n <= 0)
		return n ? n : END;
	f->pending = f->buffer;
	f->left = (u64)n;
	f->blocked = 1;
	return 0;
}

static int takes_at_once(const struct flow *f)
{
	return !f->foreign || f->kind == S_IFREG || f->kind == S_IFSOCK;
}

/* A destination that takes bytes at once is spared another round of the poll. */
static int flow_writable(const struct flow *f)
{
	struct pollfd_buf p = { f->to, POLLOUT, 0 };
	struct timespec_buf now = { 0 };

	return takes_at_once(f) || sys5(NR_ppoll, &p, 1, &now, 0, 8) > 0;
}

static s64 flow_write(const struct flow *f)
{
	u64 count = f->left;
	s64 n;

	if (!takes_at_once(f) && count > ATOMIC)
		count = ATOMIC;
	do {
		if (f->kind == S_IFSOCK)
			n = sys6(NR_sendto, f->to, f->pending, count, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
		else
			n = sys3(NR_write, f->to, f->pending, count);
	} while (n == -E_INTR);
	return n;
}

static s64 flow_copy(struct flow *f)
{
	s64 n;

	if (!f->left) {
		n = flow_fill(f);
		if (n < 0)
			return n;
		if (!flow_writable(f))
			return 0;
	}
	n = flow_write(f);
	if (n < 0)
		return n;
	f->pending += n;
	f->left -= (u64)n;
	f->blocked = f->left > 0;
	return 0;
}

/* flow_move does what is possible now, after the poll has found the flow ready. */
static void flow_move(struct flow *f)
{
	s64 r = 0;

	if (!f->copies) {
		r = flow_splice(f);
		f->copies = r == -E_INVAL;
	}
	if (f->copies)
		r = flow_copy(f);
	if (r < 0 && r != -E_AGAIN)
		flow_end(f);
}

/* ---- signals, the terminal, the program's end -------------------------------- */

static void resize(const struct relay *r)
{
	struct winsize_buf size;

	if (r->console >= 0 && sys3(NR_ioctl, r->console, TIOCGWINSZ, &size) == 0)
		sys3(NR_ioctl, r->master, TIOCSWINSZ, &size);
}

/* All go to the program but for those that are about this process: its terminal,
 * its own broken pipes. When the program has ended, the usual ones that ask for an
 * end are a reason not to wait for who else holds its output open. */
static void take_signal(struct relay *r, u32 sig, s32 sender)
{
	if (sig == SIGWINCH)
		resize(r);
	else if (sig == SIGPIPE && sender == sys0(NR_getpid))
		return;
	else if (r->exited)
		r->hurry |= sig == SIGTERM || sig == SIGINT || sig == SIGHUP || sig == SIGQUIT;
	else
		sys4(NR_pidfd_send_signal, r->pidfd, sig, 0, 0);
}

/* The sender is known when the code is not above 0 (sigaction(2)). */
static void take_signals(struct relay *r)
{
	struct signalfd_buf s;

	while (sys3(NR_read, r->signals, &s, sizeof s) == sizeof s)
		take_signal(r, s.signo, s.code <= 0 ? (s32)s.pid : 0);
}

/* What the runtime's handler had taken before the signals were blocked. */
static void take_queue(struct relay *r)
{
	struct siginfo_buf s;

	while (sys3(NR_read, r->queue, &s, sizeof s) == sizeof s)
		take_signal(r, (u32)s.signo, s.code <= 0 ? s.pid : 0);
	sys1(NR_close, r->queue);
}

/* Who puts a terminal back does so from the background as well. */
static __attribute__((noreturn)) void finish(struct relay *r, int status)
{
	u64 stop = 1ul << (SIGTTOU - 1);

	if (r->console >= 0) {
		sys4(NR_rt_sigprocmask, SIG_BLOCK, &stop, 0, 8);
		while (sys3(NR_ioctl, r->console, TCSETS, &r->before) == -E_INTR)
			;
	}
	leave(status);
}

static __attribute__((noreturn)) void lost(struct relay *r)
{
	static const char text[] = "exec failed: what became of the program is not known\n";

	sys3(NR_write, 2, text, sizeof text - 1);
	finish(r, LOST);
}

/* Nobody reads the input any more. */
static void reap(struct relay *r)
{
	s64 n;

	flow_end(&r->flows[0]);
	do {
		n = sys4(NR_wait4, r->pid, &r->status, 0, 0);
	} while (n == -E_INTR);
	if (n < 0)
		lost(r);
	r->exited = 1;
}

static int done(const struct relay *r)
{
	return r->exited && (r->hurry || (r->flows[1].from < 0 && r->flows[2].from < 0));
}

static void turn(struct relay *r)
{
	struct pollfd_buf fds[2 + FLOWS] = { { r->exited ? -1 : r->pidfd, POLLIN, 0 }, { r->signals, POLLIN, 0 } };
	struct timespec_buf now = { 0 };
	/* the end of a program is not the end of its terminal, which others may hold
	 * open: what can be read then is all there is to come */
	int last = r->exited && r->master >= 0 && r->flows[1].from >= 0 && !r->flows[1].blocked;

	for (int i = 0; i < FLOWS; i++)
		fds[2 + i] = flow_interest(&r->flows[i]);
	s64 n = sys5(NR_ppoll, fds, 2 + FLOWS, last ? &now : 0, 0, 8);
	if (n < 0 && n != -E_INTR)
		lost(r);
	if (n < 0)
		return;
	if (last && n == 0)
		flow_end(&r->flows[1]);
	if (fds[1].revents)
		take_signals(r);
	for (int i = 0; i < FLOWS; i++)
		if (fds[2 + i].revents)
			flow_move(&r->flows[i]);
	if (fds[0].revents)
		reap(r);
}

/* ---- the beginning -------------------------------------------------------- */

static void load_flow(struct flow *f, char **text)
{
	f->from = (s32)parse_number(text);
	f->to = (s32)parse_number(text);
	f->close_from = (int)parse_number(text);
	f->close_to = (int)parse_number(text);
	f->copies = (int)parse_number(text);
	f->foreign = (int)parse_number(text);
	f->kind = (u32)parse_number(text);
}

/* The numbers stand as relay.go writes them. */
static void load(struct relay *r, char *text)
{
	r->pid = (s32)parse_number(&text);
	r->pidfd = (s32)parse_number(&text);
	r->queue = (s32)parse_number(&text);
	r->mask = (u64)parse_number(&text);
	r->master = (s32)parse_number(&text);
	r->console = (s32)parse_number(&text);
	for (int i = 0; i < FLOWS; i++)
		load_flow(&r->flows[i], &text);
	r->before.iflag = (u32)parse_number(&text);
	r->before.oflag = (u32)parse_number(&text);
	r->before.cflag = (u32)parse_number(&text);
	r->before.lflag = (u32)parse_number(&text);
	r->before.line = (u8)parse_number(&text);
	for (u64 i = 0; i < sizeof r->before.cc; i++)
		r->before.cc[i] = (u8)parse_number(&text);
}

__attribute__((noreturn, used)) void program_main(long *stack)
{
	struct relay r = { 0 };
	char **environment = (char **)(stack + 1) + stack[0] + 1;

	if (!environment[0])
		leave(LOST);
	load(&r, environment[0]);
	sys2(NR_prctl, PR_SET_NAME, "ocirun");
	sys4(NR_rt_sigprocmask, SIG_BLOCK, &r.mask, 0, 8);
	r.signals = (s32)sys4(NR_signalfd4, -1, &r.mask, 8, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r.signals < 0)
		lost(&r);
	take_queue(&r);
	while (!done(&r))
		turn(&r);
	finish(&r, r.status & 0x7f ? 128 + (r.status & 0x7f) : (r.status >> 8) & 0xff);
}
