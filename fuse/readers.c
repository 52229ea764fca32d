/* SPDX-License-Identifier: Apache-2.0 */
/*
 * readers.c - readers on the one /dev/fuse descriptor
 *
 * The kernel wakes whoever has waited longest, on whichever CPU that is, and
 * waking another CPU costs several times as much as the request.  So there is a
 * reader for each CPU, pinned to it, and only that beside a client waits in
 * read(2); the others are parked.  Every few requests a reader asks on which
 * CPU the client is: it hands over to the reader there, or lets it join when
 * there are clients on both.  (With two on a CPU, one is woken while the other
 * still answers, and the client moves away from both: twice the time.)  Where
 * requests come from several clients by turns nobody hands over: the clients
 * move about, and to follow them costs more than it saves.
 *
 * A handler that says that it is going to wait (readers_may_wait()) leaves its
 * place as a reader to another; a watchdog does that for those who should have.
 */
#include "fuse/readers.h"

#include <errno.h>
#include <fcntl.h>
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
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fuse/transport.h"
#include "store/base/cleanup.h"
#include "store/base/cond.h"
#include "store/base/log.h"

#define THREADS_MAX	128  /* that may be asked for */
#define CPUS_MAX	64   /* that have a reader of their own */
#define WORKERS_MAX	1024 /* with those that stand in for others */
#define STOP_SIGNAL	SIGUSR2
#define STOP_RETRY_NS	2000000L
#define SAMPLE_MIN	4  /* requests from one look at the client's CPU */
#define SAMPLE_MAX	16 /* to the next, while it stays the same */
#define MISSES_TO_YIELD 8  /* looks elsewhere, where the reader reads too */
#define CROWD_WINDOW	32 /* requests after which to judge whether there */
#define CROWD_TURNS	8  /* is a crowd: so many followed another client's */
#define CROWD_NICE	(-10)
#define WATCH_MIN_MS	20
#define WATCH_MAX_MS	200

struct worker {
	struct readers *readers;
	pthread_t thread;
	int cpu;	     /* home; -1: stands in wherever it is */
	atomic_uint parked;  /* futex: 1 while parked */
	atomic_uint handled; /* requests, for the watchdog */
	atomic_bool busy;    /* handles one */
	atomic_bool waits;   /* and gave its place away for it */
	atomic_bool done;
	/* Its own only: where the clients are. */
	unsigned since; /* requests since the last look */
	unsigned every;
	unsigned misses;
	uint32_t last_tid; /* of the request before */
	unsigned counted;  /* requests in the window */
	unsigned turns;	   /* of which from another than the one before */
	bool crowd;	   /* what the last window told */
	int proc_fd;	   /* of the client seen last */
	uint32_t proc_tid;
} __attribute__((aligned(64)));

struct readers {
	struct transport_options options;
	struct worker workers[WORKERS_MAX];
	unsigned n_homes;
	int least;		    /* readers, unless they wait */
	short home_of[CPU_SETSIZE]; /* worker of a CPU; -1: none */
	bool adaptive;
	pthread_mutex_t lock; /* n_workers growing */
	atomic_uint n_workers;
	atomic_int readers; /* neither parked nor waiting */
	pthread_t watchdog;
	bool has_watchdog;
	pthread_cond_t stop;
	atomic_bool stopping;
	atomic_bool ended;
};

static _Thread_local struct worker *self;

/* --- parking --- */

static void futex(atomic_uint *word, int op, unsigned value)
{
	syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

static bool unpark(struct readers *t, struct worker *w)
{
	unsigned one = 1;

	if (!atomic_compare_exchange_strong(&w->parked, &one, 0))
		return false;
	atomic_fetch_add(&t->readers, 1);
	futex(&w->parked, FUTEX_WAKE, 1);
	return true;
}

/* Wait until somebody calls; the place as a reader was given up before. */
static void park(struct readers *t, struct worker *w)
{
	atomic_store(&w->parked, 1);
	/* The one who stops the transport saw us before we were parked. */
	if (atomic_load(&t->stopping))
		unpark(t, w);
	while (atomic_load(&w->parked))
		futex(&w->parked, FUTEX_WAIT, 1);
	w->misses = 0;
	w->every = SAMPLE_MIN;
}

/* Park unless too few would read. */
static void park_if_spare(struct readers *t, struct worker *w)
{
	int n = atomic_load(&t->readers);

	while (n > t->least) {
		if (atomic_compare_exchange_weak(&t->readers, &n, n - 1)) {
			park(t, w);
			return;
		}
	}
}

static void *worker_main(void *arg);

static int worker_start(struct readers *t, int cpu, bool parked)
{
	unsigned n;
	struct worker *w;
	int r = -EAGAIN;

	pthread_mutex_lock(&t->lock);
	n = atomic_load(&t->n_workers);
	/* Whoever stops the transport has counted whom to wait for. */
	if (n < WORKERS_MAX && !atomic_load(&t->stopping)) {
		w = &t->workers[n];
		w->readers = t;
		w->cpu = cpu;
		w->every = SAMPLE_MIN;
		w->proc_fd = -1;
		atomic_store(&w->parked, parked);
		r = -pthread_create(&w->thread, NULL, worker_main, w);
	}
	if (r == 0) {
		atomic_store(&t->n_workers, n + 1);
		if (!parked)
			atomic_fetch_add(&t->readers, 1);
	}
	pthread_mutex_unlock(&t->lock);
	return r;
}

/* Somebody is to read: a parked reader, else a new one. */
static void call_reader(struct readers *t)
{
	unsigned n = atomic_load(&t->n_workers);

	if (atomic_load(&t->stopping))
		return;
	for (unsigned i = 0; i < n; i++) {
		if (unpark(t, &t->workers[i]))
			return;
	}
	worker_start(t, -1, false);
}

/* w waits, or is about to: its place as a reader is another's. */
static void leave_place(struct readers *t, struct worker *w)
{
	if (atomic_exchange(&w->waits, true))
		return;
	if (atomic_fetch_sub(&t->readers, 1) <= t->least)
		call_reader(t);
}

void readers_may_wait(struct readers *t)
{
	if (self)
		leave_place(t, self);
}

/* --- where the clients are --- */

/* The CPU that a thread ran on last: field 39 of /proc/TID/stat, or -1. */
static int cpu_of(struct worker *w, uint32_t tid)
{
	char text[512];
	ssize_t n = -1;
	char *p;

	if (w->proc_tid == tid && w->proc_fd >= 0)
		n = pread(w->proc_fd, text, sizeof(text) - 1, 0);
	if (n <= 0) {
		if (w->proc_fd >= 0)
			close(w->proc_fd);
		snprintf(text, sizeof(text), "/proc/%u/stat", tid);
		w->proc_fd = open(text, O_RDONLY | O_CLOEXEC);
		w->proc_tid = tid;
		if (w->proc_fd < 0)
			return -1;
		n = pread(w->proc_fd, text, sizeof(text) - 1, 0);
	}
	if (n <= 0)
		return -1;
	text[n] = '\0';
	p = strrchr(text, ')'); /* the end of field 2 */
	for (int field = 2; p && field < 39; field++)
		p = strchr(p + 1, ' ');
	return p ? (int)strtol(p, NULL, 10) : -1;
}

/*
 * Something begins that may last: the watchdog looks whether it does.  At its
 * end the place as a reader is taken again, if it was given away meanwhile.
 */
static void work_begin(struct worker *w)
{
	atomic_store_explicit(&w->busy, true, memory_order_relaxed);
}

static void work_end(struct readers *t, struct worker *w)
{
	atomic_store_explicit(&w->busy, false, memory_order_relaxed);
	atomic_fetch_add_explicit(&w->handled, 1, memory_order_relaxed);
	if (atomic_load_explicit(&w->waits, memory_order_relaxed)) {
		atomic_store(&w->waits, false);
		atomic_fetch_add(&t->readers, 1);
	}
}

/*
 * The first reader on another CPU, if the client of this request is there.  In
 * execve(2) nobody may look at a process until it has closed its files, which
 * may be ours: it then waits for an answer, and we for it, until the watchdog
 * has another one read.
 */
static struct worker *look(struct readers *t, struct worker *w, uint32_t tid)
{
	int cpu;

	work_begin(w);
	cpu = cpu_of(w, tid);
	work_end(t, w);

	if (cpu < 0 || cpu >= CPU_SETSIZE || cpu == w->cpu ||
	    t->home_of[cpu] < 0)
		return NULL;
	return &t->workers[t->home_of[cpu]];
}

/*
 * In a crowd each client that is answered would push the reader aside as it
 * wakes up: one switch for each request.  So all that are there are answered
 * first.  (With a single client it would only make this CPU look busy, and have
 * the scheduler move the client to another.)  A daemon that may not goes on as
 * it is.
 */
static void set_crowd(struct worker *w, bool crowd)
{
	if (w->crowd == crowd)
		return;
	w->crowd = crowd;
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), crowd ? CROWD_NICE : 0);
}

/* Do several clients ask by turns? */
static bool is_crowd(struct worker *w, uint32_t tid)
{
	w->turns += tid != w->last_tid;
	w->last_tid = tid;
	if (++w->counted == CROWD_WINDOW) {
		set_crowd(w, w->turns >= CROWD_TURNS);
		w->counted = 0;
		w->turns = 0;
	}
	return w->crowd;
}

/* After a request: am I where I am needed? */
static void settle(struct readers *t, struct worker *w, uint32_t tid)
{
	struct worker *there;
	bool crowd;

	if (w->cpu < 0) {
		park_if_spare(t, w);
		return;
	}
	/* Requests in the background come from no client; see take(). */
	if (!t->adaptive || tid == 0)
		return;
	crowd = is_crowd(w, tid);
	if (++w->since < (crowd ? CROWD_WINDOW : w->every))
		return;
	w->since = 0;
	there = look(t, w, tid);
	if (crowd) {
		if (there)
			unpark(t, there);
		return;
	}
	if (!there) {
		w->misses = 0;
		if (w->every < SAMPLE_MAX)
			w->every *= 2;
		return;
	}
	w->every = SAMPLE_MIN;
	w->misses++;
	/* It costs the client more to be waited for than us to follow it. */
	if (unpark(t, there) || w->misses >= MISSES_TO_YIELD)
		park_if_spare(t, w);
}

/* --- workers --- */

/* 0, -EAGAIN to try again, or -ENODEV when the connection is at its end. */
static int take(struct readers *t, void *buf, uint32_t *ret_tid)
{
	const struct fuse_in_header *in = buf;
	ssize_t n = read(t->options.dev_fd, buf, t->options.max_request);

	if (n >= (ssize_t)sizeof(*in)) {
		/* Nobody is looked at who may be closing all its files. */
		*ret_tid = in->opcode == FUSE_FLUSH ? 0 : in->pid;
		if (self)
			work_begin(self);
		t->options.request(t->options.arg, buf, (size_t)n);
		return 0;
	}
	/* ENOENT: the request was interrupted before it was taken. */
	if (errno == EINTR || errno == ENOENT || errno == EAGAIN)
		return -EAGAIN;
	if (errno != ENODEV)
		log_err("cannot read from /dev/fuse: %m");
	return -ENODEV;
}

static void *buffer_new(const struct readers *t)
{
	size_t size = (t->options.max_request + 4095) & ~(size_t)4095;

	return aligned_alloc(4096, size);
}

static void worker_set_up(struct worker *w)
{
	sigset_t stop;

	self = w;
	sigemptyset(&stop);
	sigaddset(&stop, STOP_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &stop, NULL);
	if (w->cpu >= 0 && w->readers->adaptive) {
		cpu_set_t cpus;

		CPU_ZERO(&cpus);
		CPU_SET(w->cpu, &cpus);
		/* It reads as well elsewhere, if the CPU is not to be had. */
		sched_setaffinity(0, sizeof(cpus), &cpus);
	}
}

static void worker_ended(struct readers *t)
{
	if (!atomic_load(&t->stopping) && !atomic_exchange(&t->ended, true))
		t->options.ended(t->options.arg);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct readers *t = w->readers;
	cleanup_free void *buf = buffer_new(t);

	worker_set_up(w);
	if (atomic_load(&w->parked))
		park(t, w);
	while (buf && !atomic_load(&t->stopping)) {
		uint32_t tid = 0;
		int r = take(t, buf, &tid);

		if (r == -ENODEV) {
			worker_ended(t);
			break;
		}
		if (r < 0)
			continue;
		work_end(t, w);
		settle(t, w, tid);
	}
	closep(&w->proc_fd);
	atomic_store(&w->done, true);
	return NULL;
}

/* --- the watchdog --- */

/*
 * Whoever is busy with the same request as at the last look waits without
 * having said so.  seen is brought up to date; returns whether anybody did
 * anything, or waits since.
 */
static bool look_after(struct readers *t, unsigned *seen)
{
	unsigned n = atomic_load(&t->n_workers);
	bool any = false;

	for (unsigned i = 0; i < n; i++) {
		struct worker *w = &t->workers[i];
		unsigned handled = atomic_load(&w->handled);
		bool same = handled == seen[i];

		seen[i] = handled;
		if (same && atomic_load(&w->busy) && !atomic_load(&w->waits)) {
			leave_place(t, w);
			any = true;
		}
		any |= !same;
	}
	return any;
}

static void *watchdog_main(void *arg)
{
	struct readers *t = arg;
	unsigned seen[WORKERS_MAX] = { 0 };
	long ms = WATCH_MIN_MS;

	pthread_mutex_lock(&t->lock);
	while (!atomic_load(&t->stopping)) {
		struct timespec until = cond_deadline_ms(ms);
		bool any;

		pthread_cond_timedwait(&t->stop, &t->lock, &until);
		pthread_mutex_unlock(&t->lock);
		any = look_after(t, seen);
		ms = !any && ms < WATCH_MAX_MS ? ms * 2 : WATCH_MIN_MS;
		pthread_mutex_lock(&t->lock);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

/* --- the transport --- */

int readers_take_one(struct readers *t)
{
	cleanup_free void *buf = buffer_new(t);
	uint32_t tid;

	return buf ? take(t, buf, &tid) : -ENOMEM;
}

static void stop_handler(int sig)
{
	(void)sig; /* only to end read(2) with EINTR */
}

/* A reader for each CPU that we may use, or as many as were asked for. */
static void choose_homes(struct readers *t)
{
	cpu_set_t cpus;
	unsigned n = 0;

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		t->home_of[cpu] = -1;
	t->adaptive = t->options.threads == 0;
	if (!t->adaptive) {
		n = THREADS_MAX;
		t->n_homes = t->options.threads < n ? t->options.threads : n;
		t->least = (int)t->n_homes;
		return;
	}
	CPU_ZERO(&cpus);
	sched_getaffinity(0, sizeof(cpus), &cpus);
	for (int cpu = 0; cpu < CPU_SETSIZE && n < CPUS_MAX; cpu++) {
		if (!CPU_ISSET(cpu, &cpus))
			continue;
		t->home_of[cpu] = (short)n;
		t->workers[n++].cpu = cpu;
	}
	t->n_homes = n ? n : 1;
	t->least = 1;
}

int readers_open(const struct transport_options *options, struct readers **ret)
{
	struct sigaction sa = { .sa_handler = stop_handler };
	struct readers *t = aligned_alloc(64, sizeof(*t));

	if (!t)
		return -ENOMEM;
	memset(t, 0, sizeof(*t));
	t->options = *options;
	choose_homes(t);
	pthread_mutex_init(&t->lock, NULL);
	cond_init(&t->stop);
	sigaction(STOP_SIGNAL, &sa, NULL);
	*ret = t;
	return 0;
}

int readers_start(struct readers *t)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < t->n_homes; i++) {
		int cpu = t->adaptive ? t->workers[i].cpu : 0;

		/* One CPU begins; it finds out where the clients are. */
		r = worker_start(t, cpu, t->adaptive && i > 0);
	}
	if (r == 0) {
		r = -pthread_create(&t->watchdog, NULL, watchdog_main, t);
		t->has_watchdog = r == 0;
	}
	return r;
}

void readers_stop(struct readers *t)
{
	struct timespec pause = { .tv_nsec = STOP_RETRY_NS };
	unsigned n;

	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	atomic_store(&t->stopping, true);
	pthread_cond_broadcast(&t->stop);
	pthread_mutex_unlock(&t->lock);
	if (t->has_watchdog)
		pthread_join(t->watchdog, NULL);
	n = atomic_load(&t->n_workers);
	for (unsigned i = 0; i < n; i++)
		unpark(t, &t->workers[i]);
	for (unsigned i = 0; i < n; i++) {
		/* A signal just before read(2) would be lost: ask again. */
		while (!atomic_load(&t->workers[i].done)) {
			pthread_kill(t->workers[i].thread, STOP_SIGNAL);
			nanosleep(&pause, NULL);
		}
		pthread_join(t->workers[i].thread, NULL);
	}
}

void readers_close(struct readers *t)
{
	if (!t)
		return;
	pthread_cond_destroy(&t->stop);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

ssize_t readers_send(struct readers *t, const struct iovec *iov, int n)
{
	ssize_t r = writev(t->options.dev_fd, iov, n);

	return r < 0 ? -errno : r;
}

unsigned readers_threads(const struct readers *t)
{
	return t->n_homes;
}
