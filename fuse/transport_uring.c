/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport_uring.c - requests through io_uring, beside /dev/fuse
 *
 * The kernel has a queue for each possible CPU and hands the request of a
 * client to an idle ring of the queue of its CPU, the one used last first.
 * So each queue has servers pinned to that CPU, and a client and its server
 * take turns on it.  A server is a thread with a ring of its own and is taken
 * while its request is (fuse/ring.h): one that waits, for a disk or for a
 * lock, holds up nobody as long as there is another server in its queue.  When
 * the last one is going to wait, a further one is started; servers are not
 * ended before the transport is.
 *
 * Requests that came while no ring was idle are looked at by the kernel only
 * when an answer arrives in that queue.  A server that was started late has
 * none to give: a request made on purpose brings it one (nudge()).
 *
 * With a state, the rings are those of another process (fuse/ring_relay.h),
 * each in the slot of its server's number; a process that takes over has a
 * server for each ring that is there, and handles again what it finds in them.
 */
#include <errno.h>
#include <linux/fuse.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fuse/readers.h"
#include "fuse/ring.h"
#include "fuse/ring_relay.h"
#include "fuse/transport.h"
#include "store/base/cleanup.h"
#include "store/base/cond.h"
#include "store/base/error.h"
#include "store/base/log.h"

#define QUEUES_MAX    4096u
#define SERVERS_EACH  2u      /* of a queue, from the beginning */
#define SERVERS_LATE  512u    /* of all queues, started for those that wait */
#define PENDING_MAX   384u    /* of these, for requests answered later */
#define STOP_SIGNAL   SIGUSR2 /* transport_dev.c has the handler */
#define STOP_RETRY_NS 2000000L
#define WATCH_MIN_MS  20
#define WATCH_MAX_MS  1000

#define POSSIBLE_CPUS "/sys/devices/system/cpu/possible"
#define ENABLE_URING  "/sys/module/fuse/parameters/enable_uring"

enum answer {
	ANSWER_NONE,
	ANSWER_READY, /* in the buffers of the ring */
	ANSWER_NEVER, /* the transport is closed */
};

struct queue {
	atomic_int serving; /* servers that do not wait */
} __attribute__((aligned(64)));

struct server {
	struct uring *uring;
	unsigned number;
	unsigned queue;
	bool late;
	pthread_t thread;
	struct ring ring;
	uint64_t unique;     /* of its request; 0: none */
	atomic_uint answer;  /* enum answer; futex */
	atomic_uint handled; /* requests, for the watchdog */
	atomic_bool busy;    /* handles one */
	atomic_bool waits;   /* and does not count as serving */
	atomic_bool sleeps;  /* until its request is answered by another */
	atomic_bool done;
	bool pends;		     /* may be answered by another */
	struct server *next_pending; /* under pending_lock */
} __attribute__((aligned(64)));

struct uring {
	struct transport base;
	struct transport_options options;
	const char *mountpoint;
	unsigned n_queues;
	struct queue *queues;
	struct relay *relay;  /* NULL: our rings are our own */
	pthread_mutex_t lock; /* servers growing, up, error */
	pthread_cond_t changed;
	struct server **servers;
	unsigned max_servers;
	atomic_uint n_servers;
	unsigned up; /* servers from the beginning that have a ring */
	int error;   /* of one that could not get it */
	pthread_mutex_t pending_lock;
	struct server *pending;
	atomic_uint n_pending;
	pthread_t watchdog;
	bool has_watchdog;
	bool dev_started;
	atomic_bool stopping;
};

static _Thread_local struct server *self;

static struct uring *uring_of(struct transport *c)
{
	return (struct uring *)c;
}

static void futex(atomic_uint *word, int op, unsigned value)
{
	syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

/* --- answers --- */

/* The server whose request this is, if it waits for an answer by others. */
static struct server *pending_take(struct uring *u, uint64_t unique)
{
	struct server **p = &u->pending;
	struct server *s;

	if (atomic_load(&u->n_pending) == 0)
		return NULL;
	pthread_mutex_lock(&u->pending_lock);
	while (*p && (*p)->unique != unique)
		p = &(*p)->next_pending;
	s = *p;
	if (s) {
		*p = s->next_pending;
		atomic_fetch_sub(&u->n_pending, 1);
	}
	pthread_mutex_unlock(&u->pending_lock);
	return s;
}

static ssize_t server_answer(struct server *s, const struct iovec *iov, int n)
{
	ssize_t r = ring_answer(&s->ring, iov, n);

	if (r >= 0)
		atomic_store_explicit(&s->answer, ANSWER_READY,
				      memory_order_release);
	return r;
}

static ssize_t uring_send(struct transport *c, const struct iovec *iov, int n)
{
	const struct fuse_out_header *out = iov[0].iov_base;
	struct uring *u = uring_of(c);
	struct server *s = self;
	ssize_t r;

	if (s && out->unique && s->unique == out->unique) {
		if (s->pends)
			pending_take(u, out->unique);
		return server_answer(s, iov, n);
	}
	s = out->unique ? pending_take(u, out->unique) : NULL;
	if (!s)
		return readers_send(c->dev, iov, n);
	r = server_answer(s, iov, n);
	futex(&s->answer, FUTEX_WAKE, 1);
	return r;
}

/* --- servers --- */

static void *server_main(void *arg);

static int server_start(struct uring *u, unsigned queue, bool late)
{
	struct server *s = NULL;
	unsigned n;
	int r = -EAGAIN;

	pthread_mutex_lock(&u->lock);
	n = atomic_load(&u->n_servers);
	if (n < u->max_servers && !atomic_load(&u->stopping))
		s = aligned_alloc(64, sizeof(*s));
	if (s) {
		memset(s, 0, sizeof(*s));
		s->uring = u;
		s->number = n;
		s->queue = queue;
		s->late = late;
		u->servers[n] = s;
		r = -pthread_create(&s->thread, NULL, server_main, s);
	}
	if (r == 0) {
		atomic_fetch_add(&u->queues[queue].serving, 1);
		atomic_store(&u->n_servers, n + 1);
	} else {
		free(s);
	}
	pthread_mutex_unlock(&u->lock);
	return r;
}

static void uring_may_wait(struct transport *c)
{
	struct uring *u = uring_of(c);
	struct server *s = self;
	int r = 0;

	if (!s) {
		readers_may_wait(c->dev);
		return;
	}
	if (atomic_exchange(&s->waits, true))
		return;
	if (atomic_fetch_sub(&u->queues[s->queue].serving, 1) <= 1)
		r = server_start(u, s->queue, true);
	if (r < 0)
		log_debug("no further server for CPU %u: %d", s->queue, r);
}

static int uring_may_pend(struct transport *c)
{
	struct uring *u = uring_of(c);
	struct server *s = self;
	int r = 0;

	if (!s || s->pends)
		return 0;
	pthread_mutex_lock(&u->pending_lock);
	if (atomic_load(&u->n_pending) < PENDING_MAX) {
		atomic_fetch_add(&u->n_pending, 1);
		s->next_pending = u->pending;
		u->pending = s;
		s->pends = true;
	} else {
		r = -EAGAIN;
	}
	pthread_mutex_unlock(&u->pending_lock);
	return r;
}

/* The handler returned; its answer may have to come from somebody else. */
static void server_await(struct server *s)
{
	struct fuse_out_header out = { .len = sizeof(out),
				       .error = -EIO,
				       .unique = s->unique };
	struct iovec iov = { .iov_base = &out, .iov_len = sizeof(out) };

	if (!s->pends) {
		log_err("a request was not answered");
		server_answer(s, &iov, 1);
		return;
	}
	uring_may_wait(&s->uring->base);
	atomic_store(&s->sleeps, true);
	while (atomic_load(&s->answer) == ANSWER_NONE)
		futex(&s->answer, FUTEX_WAIT, ANSWER_NONE);
	atomic_store(&s->sleeps, false);
}

static int server_serve(struct server *s)
{
	const struct transport_options *options = &s->uring->options;
	struct fuse_in_header *in;
	size_t len;

	in = ring_request(&s->ring, &len);
	if (!in) {
		log_err("a request from the kernel is malformed");
		return -EBADMSG;
	}
	s->unique = in->unique;
	atomic_store_explicit(&s->answer, ANSWER_NONE, memory_order_relaxed);
	atomic_store_explicit(&s->busy, true, memory_order_relaxed);
	options->request(options->arg, in, len);
	if (atomic_load_explicit(&s->answer, memory_order_acquire) ==
	    ANSWER_NONE)
		server_await(s);
	atomic_store_explicit(&s->busy, false, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->handled, 1, memory_order_relaxed);
	if (atomic_load_explicit(&s->waits, memory_order_relaxed)) {
		atomic_store(&s->waits, false);
		atomic_fetch_add(&s->uring->queues[s->queue].serving, 1);
	}
	s->pends = false;
	if (atomic_load(&s->answer) == ANSWER_NEVER)
		return -ECANCELED;
	ring_commit(&s->ring, s->unique);
	s->unique = 0;
	return 0;
}

static void server_loop(struct server *s)
{
	int r = 0;

	while (r == 0 && !atomic_load(&s->uring->stopping)) {
		r = ring_wait(&s->ring);
		if (r == 0)
			r = server_serve(s);
		else if (r ==
			 -ENOENT) /* the request is gone, so is the entry */
			r = ring_register(&s->ring);
		else if (r == -EAGAIN)
			r = 0;
	}
	if (r == 0)
		ring_flush(&s->ring);
	/* That the connection ended is told by /dev/fuse. */
	else if (r != -ENOTCONN && r != -ECONNABORTED && r != -ECANCELED)
		log_err("ring of CPU %u: error %d", s->queue, -r);
}

/* --- requests that wait for an answer to arrive in their queue --- */

struct nudge {
	unsigned cpu;
	char mountpoint[];
};

static void *nudge_main(void *arg)
{
	cleanup_free struct nudge *n = arg;
	struct statfs st;

	ring_pin(n->cpu);
	if (statfs(n->mountpoint, &st) < 0)
		log_debug("cannot nudge the queue of CPU %u: %m", n->cpu);
	return NULL;
}

/* A thread of its own, which nobody waits for: the request may take long. */
static void nudge(struct uring *u, unsigned cpu)
{
	size_t len = strlen(u->mountpoint) + 1;
	struct nudge *n = malloc(sizeof(*n) + len);
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	if (!n)
		return;
	n->cpu = cpu;
	memcpy(n->mountpoint, u->mountpoint, len);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	r = pthread_create(&thread, &attr, nudge_main, n);
	pthread_attr_destroy(&attr);
	if (r)
		free(n);
}

static void server_is_up(struct server *s, int r)
{
	struct uring *u = s->uring;

	pthread_mutex_lock(&u->lock);
	if (!s->late && r == 0)
		u->up++;
	else if (!s->late)
		u->error = r;
	pthread_cond_broadcast(&u->changed);
	pthread_mutex_unlock(&u->lock);
	if (r < 0) {
		log_debug("cannot register a ring of CPU %u: %d", s->queue, r);
		atomic_fetch_sub(&u->queues[s->queue].serving, 1);
	} else if (s->late) {
		nudge(u, s->queue);
	}
}

static int server_open(struct server *s)
{
	struct uring *u = s->uring;

	if (!u->relay)
		return ring_open(&s->ring, u->options.dev_fd, s->queue, NULL,
				 u->options.max_request);
	relay_open(u->relay, s->number, s->queue, &s->ring);
	return 0;
}

static void *server_main(void *arg)
{
	struct server *s = arg;
	sigset_t stop;
	int r;

	self = s;
	sigemptyset(&stop);
	sigaddset(&stop, STOP_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &stop, NULL);
	ring_pin(s->queue);
	r = server_open(s);
	if (r == 0) {
		r = ring_register(&s->ring);
		server_is_up(s, r);
		if (r == 0)
			server_loop(s);
		ring_close(&s->ring);
	} else {
		server_is_up(s, r);
	}
	atomic_store(&s->done, true);
	return NULL;
}

/* --- the watchdog --- */

/* What the watchdog knows: of each server, and of each queue. */
struct watch {
	unsigned *seen; /* what it had handled at the last look */
	bool *moves;	/* a server there was idle, or has handled something */
};

/*
 * Start a server where all are in the same request as at the last look.
 * Returns whether any of them did anything.
 */
static bool look(struct uring *u, struct watch *w)
{
	unsigned n = atomic_load(&u->n_servers);
	bool any = false;

	memset(w->moves, 0, u->n_queues * sizeof(*w->moves));
	for (unsigned i = 0; i < n; i++) {
		struct server *s = u->servers[i];
		unsigned handled = atomic_load(&s->handled);
		bool same = handled == w->seen[i];

		w->seen[i] = handled;
		any |= !same;
		if (atomic_load(&s->waits) || atomic_load(&s->done))
			continue;
		w->moves[s->queue] |= !same || !atomic_load(&s->busy);
	}
	for (unsigned q = 0; q < u->n_queues; q++) {
		if (!w->moves[q])
			server_start(u, q, true);
	}
	return any;
}

static void *watchdog_main(void *arg)
{
	struct uring *u = arg;
	cleanup_free unsigned *seen = calloc(u->max_servers, sizeof(*seen));
	cleanup_free bool *moves = calloc(u->n_queues, sizeof(*moves));
	struct watch watch = { .seen = seen, .moves = moves };
	long ms = WATCH_MIN_MS;

	pthread_mutex_lock(&u->lock);
	while (seen && moves && !atomic_load(&u->stopping)) {
		struct timespec until = cond_deadline_ms(ms);
		bool any;

		pthread_cond_timedwait(&u->changed, &u->lock, &until);
		pthread_mutex_unlock(&u->lock);
		any = look(u, &watch);
		ms = !any && ms < WATCH_MAX_MS ? ms * 2 : WATCH_MIN_MS;
		pthread_mutex_lock(&u->lock);
	}
	pthread_mutex_unlock(&u->lock);
	return NULL;
}

/* --- the transport --- */

static int wait_for_servers(struct uring *u, unsigned n)
{
	int r;

	pthread_mutex_lock(&u->lock);
	while (u->up < n && u->error == 0)
		pthread_cond_wait(&u->changed, &u->lock);
	r = u->error;
	pthread_mutex_unlock(&u->lock);
	return r;
}

/* A server for each ring that there is, and as many as there are to be. */
static int start_servers(struct uring *u)
{
	unsigned least = u->n_queues * SERVERS_EACH;
	unsigned n = u->relay ? relay_used(u->relay) : 0;
	int r = 0;

	for (unsigned i = 0; r == 0 && (i < least || i < n); i++) {
		unsigned queue = i % u->n_queues;

		if (u->relay)
			relay_queue(u->relay, i, &queue);
		r = server_start(u, queue, i >= least);
	}
	return r < 0 ? r : wait_for_servers(u, least);
}

static int uring_start(struct transport *c)
{
	struct uring *u = uring_of(c);
	int r = start_servers(u);

	if (r == 0) {
		r = readers_start(c->dev);
		u->dev_started = true;
	}
	if (r == 0) {
		r = -pthread_create(&u->watchdog, NULL, watchdog_main, u);
		u->has_watchdog = r == 0;
	}
	return r;
}

static void uring_stop(struct transport *c)
{
	struct timespec pause = { .tv_nsec = STOP_RETRY_NS };
	struct uring *u = uring_of(c);
	unsigned n;

	pthread_mutex_lock(&u->lock);
	atomic_store(&u->stopping, true);
	pthread_cond_broadcast(&u->changed);
	pthread_mutex_unlock(&u->lock);
	if (u->has_watchdog)
		pthread_join(u->watchdog, NULL);
	n = atomic_load(&u->n_servers);
	for (unsigned i = 0; i < n; i++) {
		struct server *s = u->servers[i];

		/* A signal just before it waits would be lost: ask again. */
		while (!atomic_load(&s->done) && !atomic_load(&s->sleeps)) {
			pthread_kill(s->thread, STOP_SIGNAL);
			nanosleep(&pause, NULL);
		}
	}
	if (u->dev_started)
		readers_stop(c->dev);
}

static void uring_free(struct uring *u)
{
	relay_free(u->relay);
	free(u->servers);
	free(u->queues);
	free(u);
}

static void uring_close(struct transport *c)
{
	struct uring *u = uring_of(c);
	unsigned n = atomic_load(&u->n_servers);

	for (unsigned i = 0; i < n; i++) {
		struct server *s = u->servers[i];
		unsigned none = ANSWER_NONE;

		if (atomic_load(&s->sleeps) &&
		    atomic_compare_exchange_strong(&s->answer, &none,
						   ANSWER_NEVER))
			futex(&s->answer, FUTEX_WAKE, 1);
		pthread_join(s->thread, NULL);
		free(s);
	}
	readers_close(c->dev);
	pthread_cond_destroy(&u->changed);
	pthread_mutex_destroy(&u->pending_lock);
	pthread_mutex_destroy(&u->lock);
	uring_free(u);
}

static unsigned uring_threads(const struct transport *c)
{
	const struct uring *u = (const struct uring *)c;

	return atomic_load(&u->n_servers);
}

static bool uring_repeats(const struct transport *c)
{
	(void)c;
	return self && self->ring.is_repeated;
}

static const struct transport_ops uring_ops = {
	.name = "uring",
	.start = uring_start,
	.stop = uring_stop,
	.close = uring_close,
	.send = uring_send,
	.may_wait = uring_may_wait,
	.may_pend = uring_may_pend,
	.repeats = uring_repeats,
	.threads = uring_threads,
};

/* The kernel numbers its queues as CPUs that could ever be there: "0-3,8". */
static int possible_cpus(unsigned *ret)
{
	cleanup_file FILE *f = fopen(POSSIBLE_CPUS, "re");
	unsigned n = 0;
	unsigned a;
	unsigned b;
	char sep = ',';

	if (!f)
		return -errno;
	while (sep == ',' && fscanf(f, "%u", &a) == 1) {
		b = a;
		if (fscanf(f, "-%u", &b) != 1)
			b = a;
		if (b < a || b >= QUEUES_MAX)
			return -ERANGE;
		n += b - a + 1;
		if (fscanf(f, "%c", &sep) != 1)
			break;
	}
	if (n == 0)
		return -EINVAL;
	*ret = n;
	return 0;
}

static unsigned max_servers(unsigned n_queues)
{
	return n_queues * SERVERS_EACH + SERVERS_LATE;
}

static int uring_init(struct uring *u)
{
	int r = possible_cpus(&u->n_queues);

	if (r < 0)
		return r;
	u->max_servers = max_servers(u->n_queues);
	u->queues = aligned_alloc(64, u->n_queues * sizeof(*u->queues));
	u->servers = calloc(u->max_servers, sizeof(struct server *));
	if (!u->queues || !u->servers)
		return -ENOMEM;
	memset(u->queues, 0, u->n_queues * sizeof(*u->queues));
	if (!u->options.state)
		return 0;
	return relay_new(u->options.state, u->max_servers,
			 u->options.max_request, &u->relay);
}

int transport_open_uring(const struct transport_options *options,
			 const char *mountpoint, struct transport **ret)
{
	/* For what does not go through rings, one reader is enough. */
	struct transport_options dev = *options;
	struct uring *u = calloc(1, sizeof(*u));
	int r;

	if (!u)
		return -ENOMEM;
	dev.threads = 1;
	u->base.ops = &uring_ops;
	u->options = *options;
	u->mountpoint = mountpoint;
	r = uring_init(u);
	if (r == 0)
		r = readers_open(&dev, &u->base.dev);
	if (r < 0) {
		uring_free(u);
		return r;
	}
	pthread_mutex_init(&u->lock, NULL);
	pthread_mutex_init(&u->pending_lock, NULL);
	cond_init(&u->changed);
	*ret = &u->base;
	return 0;
}

/* 'Y' or 'N', or EOF for a kernel that knows nothing of it. */
static int enable_uring(void)
{
	cleanup_file FILE *f = fopen(ENABLE_URING, "re");

	if (!f)
		return EOF;
	return fgetc(f);
}

int transport_probe_uring(struct error *err)
{
	int c = enable_uring();
	unsigned n;
	int r;

	if (c == EOF)
		return error_set(err, -EOPNOTSUPP,
				 "this kernel has no FUSE over io_uring");
	if (c != 'Y')
		return error_set(err, -EOPNOTSUPP,
				 "'%s' is %c; write Y to allow it",
				 ENABLE_URING, c);
	r = possible_cpus(&n);
	if (r < 0) {
		errno = -r;
		return error_set(err, r, "cannot count CPUs in '%s': %m",
				 POSSIBLE_CPUS);
	}
	return ring_probe(err);
}

int transport_serve_rings(struct state *state, int dev_fd, size_t max_request)
{
	struct relay *relay;
	unsigned n;
	int r = possible_cpus(&n);

	if (r == 0)
		r = relay_new(state, max_servers(n), max_request, &relay);
	if (r < 0)
		return r;
	r = relay_serve(relay, dev_fd);
	relay_free(relay);
	return r;
}
