/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.c - libfuse decodes requests, we read and write them
 *
 * libfuse's own loops are not used: a transport hands each request to
 * fuse_session_process_buf(), and what libfuse writes comes back through
 * fuse_session_custom_io(), where the INIT reply is completed.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuse/gate.h"
#include "fuse/internal.h"
#include "fuse/journal.h"
#include "fuse/request.h"
#include "fuse/stats.h"
#include "fuse/transport.h"
#include "store/base/error.h"
#include "store/base/log.h"
#include "store/base/state.h"
#include "store/tree.h"
#include "store/volume.h"

/* What the thread is doing. */
static _Thread_local struct request {
	const struct fuse_in_header *in; /* NULL between requests */
	uint64_t unique;
	int error;		     /* of the answer */
	struct journal_entry *entry; /* NULL: may be done twice */
	/* A process before may have done it, and this is what it noted. */
	bool repeated;
	struct journal_past past;
} current;

/* What the kernel sent with INIT, and more for whoever takes over. */
struct greeting {
	uint32_t len; /* set last */
	uint32_t over_uring;
	char init[512];
	char mountpoint[PATH_MAX];
	_Atomic uint64_t listings[FS_LISTINGS / 64]; /* as in struct fs */
};

static pthread_once_t buffer_once = PTHREAD_ONCE_INIT;
static pthread_key_t buffer_key;

const struct fuse_in_header *session_header(void)
{
	return current.in;
}

const void *session_body(void)
{
	return current.in + 1;
}

size_t session_body_len(void)
{
	return current.in->len - sizeof(*current.in);
}

static void buffer_key_make(void)
{
	pthread_key_create(&buffer_key, free);
}

void *session_buffer(void)
{
	static _Thread_local void *buffer;

	if (buffer)
		return buffer;
	pthread_once(&buffer_once, buffer_key_make);
	buffer = aligned_alloc(4096, FS_MAX_WRITE);
	if (buffer)
		pthread_setspecific(buffer_key, buffer);
	return buffer;
}

bool session_is_repeated(void)
{
	return current.repeated;
}

const struct store_handle *session_noted_handle(void)
{
	return current.past.handle.len ? &current.past.handle : NULL;
}

void session_note_open(uint64_t fh)
{
	journal_note_open(current.entry, fh);
}

void session_note_handle(const struct store_handle *h)
{
	journal_note_handle(current.entry, h);
}

bool session_noted_size(uint64_t *ret)
{
	*ret = current.past.size;
	return current.past.has_size;
}

void session_note_size(uint64_t size)
{
	journal_note_size(current.entry, size);
}

static size_t iov_len(const struct iovec *iov, int n)
{
	size_t len = 0;

	for (int i = 0; i < n; i++)
		len += iov[i].iov_len;
	return len;
}

/* --- the greeting --- */

/*
 * Without it nobody could take over: before Linux 6.9 the kernel would not
 * repeat what was under way.
 */
static void greeting_keep(struct fs *fs, const struct fuse_in_header *in)
{
	struct greeting *g = fs->greeting;

	if (!kernel_has(&fs->kernel, KERNEL_RESEND))
		return;
	if (in->len > sizeof(g->init) ||
	    strlen(fs->mountpoint) >= sizeof(g->mountpoint))
		return;
	memcpy(g->mountpoint, fs->mountpoint, strlen(fs->mountpoint) + 1);
	memcpy(g->init, in, in->len);
	g->over_uring = kernel_has(&fs->kernel, KERNEL_OVER_URING);
	__atomic_store_n(&g->len, in->len, __ATOMIC_RELEASE);
}

static void complete_init(struct fs *fs, const struct iovec *iov, int n)
{
	const struct fuse_out_header *out = iov[0].iov_base;

	if (out->error || n < 2 || iov[1].iov_len < sizeof(struct abi_init_out))
		return;
	kernel_negotiate(&fs->kernel, session_body(), iov[1].iov_base);
	fs->init_done = true;
}

void session_ungreet(struct fs *fs)
{
	if (fs->greeting)
		__atomic_store_n(&fs->greeting->len, 0, __ATOMIC_RELEASE);
}

int session_greeted_at(struct state *state, char **ret, bool *ret_uring)
{
	struct greeting *g;
	int r = -ENOENT;
	void *p;

	if (!state)
		return r;
	r = state_map(state, STATE_SESSION, sizeof(*g), &p);
	if (r < 0)
		return r;
	g = p;
	r = -ENOENT;
	if (__atomic_load_n(&g->len, __ATOMIC_ACQUIRE) > 0) {
		*ret_uring = g->over_uring;
		*ret = strdup(g->mountpoint);
		r = *ret ? 0 : -ENOMEM;
	}
	munmap(p, sizeof(*g));
	return r;
}

static void handle(struct fs *fs, struct fuse_in_header *in);

int session_greet_again(struct fs *fs)
{
	char init[sizeof(fs->greeting->init)] __attribute__((aligned(8)));

	memcpy(init, fs->greeting->init, fs->greeting->len);
	fs->is_greeting_again = true;
	handle(fs, (struct fuse_in_header *)init);
	fs->is_greeting_again = false;
	return fs->init_done ? 0 : -EPROTO;
}

/* Have the kernel repeat what was read and not answered. */
int session_resend(struct fs *fs)
{
	struct fuse_out_header out = { .len = sizeof(out),
				       .error = ABI_NOTIFY_RESEND };
	struct iovec iov = { .iov_base = &out, .iov_len = sizeof(out) };
	ssize_t r = transport_send(fs->transport, &iov, 1);

	return r < 0 ? (int)r : 0;
}

/* --- answers --- */

/* The kernel has the answer to INIT; it is made again for what is in it. */
static ssize_t greeting_note(struct fs *fs, const struct iovec *iov, int n)
{
	for (int i = 1; i < n; i++) {
		if (iov[i].iov_len > sizeof(fs->greeted) - fs->greeted_len)
			return -EMSGSIZE;
		memcpy(fs->greeted + fs->greeted_len, iov[i].iov_base,
		       iov[i].iov_len);
		fs->greeted_len += iov[i].iov_len;
	}
	return (ssize_t)iov_len(iov, n);
}

static ssize_t send_answer(struct fs *fs, const struct iovec *iov, int n)
{
	const struct fuse_out_header *out = iov[0].iov_base;

	if (fs->is_greeting_again)
		return greeting_note(fs, iov, n);
	if (out->unique == current.unique) {
		current.error = out->error;
		if (current.entry)
			journal_answer(current.entry, iov, n);
	}
	return transport_send(fs->transport, iov, n);
}

static ssize_t io_writev(int fd, struct iovec *iov, int n, void *arg)
{
	struct fs *fs = arg;
	ssize_t r;

	(void)fd;
	if (current.in && current.in->opcode == FUSE_INIT) {
		complete_init(fs, iov, n);
		if (fs->init_done && !fs->is_greeting_again)
			greeting_keep(fs, current.in);
	}
	r = send_answer(fs, iov, n);
	if (r >= 0)
		return r;
	errno = (int)-r;
	return -1;
}

/* Only libfuse's own loops would read. */
static ssize_t io_read(int fd, void *buf, size_t len, void *arg)
{
	(void)arg;
	return read(fd, buf, len);
}

int session_reply(struct fs *fs, int error, const void *data, size_t len)
{
	struct fuse_out_header out = { .error = error,
				       .unique = current.unique };
	struct iovec iov[2] = {
		{ .iov_base = &out, .iov_len = sizeof(out) },
		{ .iov_base = (void *)(uintptr_t)data, .iov_len = len },
	};
	ssize_t r;

	out.len = (uint32_t)iov_len(iov, 2);
	r = send_answer(fs, iov, len ? 2 : 1);
	return r < 0 ? (int)r : 0;
}

/* --- requests --- */

/* What was opened for nobody, as the answer was not sent. */
static void drop_file(struct fs *fs, uint64_t fh)
{
	struct file file;

	if (fh && file_remove(fs->files, fh, &file) == 0)
		fs_release(fs, fh, &file);
}

static bool is_repeated(const struct fs *fs, const struct fuse_in_header *in)
{
	return (in->unique & ABI_UNIQUE_RESEND) ||
	       transport_is_repeated(fs->transport);
}

/*
 * A request that is repeated: true if a process before had its answer ready,
 * which is sent now.
 */
static bool answered_before(struct fs *fs, const struct fuse_in_header *in)
{
	uint64_t unique = in->unique & ~ABI_UNIQUE_RESEND;

	if (!is_repeated(fs, in) ||
	    journal_find(fs->journal, unique, &current.past) < 0)
		return false;
	current.repeated = true;
	if (!current.past.answer) {
		drop_file(fs, current.past.fh);
		return false;
	}
	session_reply(fs, current.past.error, current.past.answer,
		      current.past.answer_len);
	journal_forget(fs->journal, unique);
	return true;
}

static void dispatch(struct fs *fs, struct fuse_in_header *in)
{
	struct fuse_buf buf = { .mem = in, .size = in->len };

	if (!op_raw(fs, in))
		fuse_session_process_buf(fs->session, &buf);
}

/* A request that must not be done twice. */
static void dispatch_once(struct fs *fs, struct fuse_in_header *in)
{
	uint64_t unique = in->unique & ~ABI_UNIQUE_RESEND;

	if (answered_before(fs, in))
		return;
	current.entry = journal_begin(fs->journal, unique,
				      current.repeated ? &current.past : NULL);
	if (current.repeated)
		journal_forget(fs->journal, unique);
	dispatch(fs, in);
	if (current.entry)
		journal_end(current.entry);
}

static void handle(struct fs *fs, struct fuse_in_header *in)
{
	uint64_t start = stats_now();
	uint32_t opcode = in->opcode;

	current = (struct request){ .in = in, .unique = in->unique };
	if (!request_is_whole(in)) {
		log_err("request %u of the kernel ends early", opcode);
		if (request_has_answer(opcode))
			session_reply(fs, -EINVAL, NULL, 0);
	} else if (opcode == FUSE_INIT && fs->greeted_len) {
		/* The kernel had no answer yet; libfuse makes but one. */
		session_reply(fs, 0, fs->greeted, fs->greeted_len);
	} else if (fs->journal && request_is_once_only(in)) {
		dispatch_once(fs, in);
	} else {
		dispatch(fs, in);
	}
	current.in = NULL;
	current.entry = NULL;
	stats_count(fs->stats, opcode, current.error, stats_now() - start);
}

/* To list a pod is to look at its volumes: the first that may be slow. */
static struct volume *listed_volume(struct fs *fs, const struct vnode *dir)
{
	struct tree_pod *pod = tree_pod_by_id(fs->tree, dir->id);
	struct volume *vol = pod ? tree_pod_shared_volume(pod) : NULL;

	if (vol)
		volume_ref(vol);
	tree_pod_unref(pod);
	return vol;
}

/* The volume whose root a request to a pod's directory is about. */
static struct volume *volume_of_root(struct fs *fs,
				     const struct fuse_in_header *in)
{
	struct vnode_child child = { 0 };
	struct vnode dir;

	if (vnode_decode(in->nodeid, &dir) < 0 || dir.kind != VNODE_POD)
		return NULL;
	if (in->opcode == FUSE_READDIR || in->opcode == FUSE_READDIRPLUS)
		return listed_volume(fs, &dir);
	if (in->opcode == FUSE_LOOKUP)
		vnode_lookup(fs->tree, &dir, (const char *)(in + 1), &child);
	if (!child.volume || !child.volume->exclusive)
		return child.volume;
	volume_unref(child.volume);
	return NULL;
}

/*
 * The volume for which a request may have to wait, with a reference; NULL for
 * those that wait for no disk but our own.  A request that came through a ring
 * keeps its thread whoever answers it: it may as well wait for the volume
 * itself.
 */
static struct volume *slow_volume(struct fs *fs,
				  const struct fuse_in_header *in)
{
	struct inode inode;

	if (!transport_pends_freely(fs->transport) || !request_is_gated(in))
		return NULL;
	if (vnode_is_virtual(in->nodeid))
		return volume_of_root(fs, in);
	if (inode_get(fs->inodes, in->nodeid, &inode) < 0 ||
	    inode.volume->exclusive)
		return NULL;
	return volume_ref(inode.volume);
}

/* Answer a request that is not handled. */
static void refuse(struct fs *fs, uint64_t unique, int error)
{
	current = (struct request){ .unique = unique };
	session_reply(fs, error, NULL, 0);
}

static void handle_in_turn(struct fs *fs, struct volume *vol,
			   struct fuse_in_header *in)
{
	bool must_wait = request_must_be_handled(in->opcode);
	struct fuse_in_header *next;

	switch (gate_enter(fs->gate, vol, in, must_wait)) {
	case GATE_WAIT:
		return;
	case GATE_FULL:
		refuse(fs, in->unique, -EIO);
		return;
	case GATE_SLOW:
		transport_may_wait(fs->transport);
		break;
	default:
		break;
	}
	handle(fs, in);
	while ((next = gate_leave(fs->gate, vol))) {
		handle(fs, next);
		free(next);
	}
}

/* Did the caller of a request that waits its turn give up? */
static bool interrupt_waiting(struct fs *fs, const struct fuse_in_header *in)
{
	const struct fuse_interrupt_in *body = (const void *)(in + 1);

	if (in->opcode != FUSE_INTERRUPT || !request_is_whole(in) ||
	    !gate_interrupt(fs->gate, body->unique))
		return false;
	refuse(fs, body->unique, -EINTR);
	return true;
}

void session_request(void *arg, void *mem, size_t len)
{
	struct fs *fs = arg;
	struct fuse_in_header *in = mem;
	struct volume *vol;

	if (len < sizeof(*in) || in->len != len) {
		log_err("request of %zu bytes from the kernel is cut", len);
		return;
	}
	if (interrupt_waiting(fs, in))
		return;
	vol = slow_volume(fs, in);
	if (vol)
		handle_in_turn(fs, vol, in);
	else
		handle(fs, in);
	volume_unref(vol);
}

__attribute__((format(printf, 2, 0))) static void
session_log(enum fuse_log_level level, const char *fmt, va_list ap)
{
	char line[512];
	size_t n;

	vsnprintf(line, sizeof(line), fmt, ap);
	n = strlen(line);
	if (n && line[n - 1] == '\n')
		line[n - 1] = '\0';
	if (level <= FUSE_LOG_ERR)
		log_err("%s", line);
	else
		log_debug("%s", line);
}

static int greeting_map(struct fs *fs)
{
	void *p;
	int r = state_map(fs->options.state, STATE_SESSION,
			  sizeof(*fs->greeting), &p);

	if (r == 0) {
		fs->greeting = p;
		fs->listings = fs->greeting->listings;
	}
	return r;
}

int session_open(struct fs *fs, struct error *err)
{
	static const struct fuse_custom_io io = { .writev = io_writev,
						  .read = io_read };
	char name[] = "podvolsd";
	char *argv[] = { name, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	int r;

	fuse_set_log_func(session_log);
	fs->session = fuse_session_new(&args, &fs_ops, sizeof(fs_ops), fs);
	fuse_opt_free_args(&args);
	if (!fs->session)
		return error_set(err, -ENOMEM, "cannot make a FUSE session");
	r = greeting_map(fs);
	if (r < 0)
		return error_set(err, r, "cannot map the state");
	r = fuse_session_custom_io(fs->session, &io, fs->dev_fd);
	if (r < 0)
		return error_set(err, r,
				 "libfuse refuses a transport of our own");
	return 0;
}

void session_close(struct fs *fs)
{
	if (fs->greeting)
		munmap(fs->greeting, sizeof(*fs->greeting));
	fs->greeting = NULL;
	if (!fs->session)
		return;
	fuse_session_destroy(fs->session);
	fs->session = NULL;
	fs->dev_fd = -1; /* closed with the session */
}
