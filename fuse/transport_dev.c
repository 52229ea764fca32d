/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport_dev.c - readers on the one /dev/fuse descriptor
 *
 * At most `threads` readers wait in read(2).  A thread whose handler may wait
 * for a disk steps out of that number for the time, and another, parked or
 * new, takes its place; when it is back and there are enough, it parks.
 */
#include "fuse/transport.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/base/log.h"

#define THREADS_MAX   128 /* with those that wait */
#define STOP_SIGNAL   SIGUSR2
#define STOP_RETRY_NS 2000000L

struct worker {
	struct transport *transport;
	pthread_t thread;
	bool waits; /* stepped out for the request it handles */
	atomic_bool done;
};

struct transport {
	struct transport_options options;
	pthread_mutex_t lock; /* the following */
	pthread_cond_t room;  /* a parked thread may read */
	struct worker workers[THREADS_MAX];
	unsigned n_workers;
	unsigned active; /* threads that read or handle without waiting */
	unsigned parked;
	atomic_bool stopping;
	atomic_bool ended;
};

static _Thread_local struct worker *self;

static void *worker_main(void *arg);

static int worker_start(struct transport *t)
{
	struct worker *w;
	int r;

	if (t->n_workers == THREADS_MAX)
		return -EAGAIN;
	w = &t->workers[t->n_workers];
	*w = (struct worker){ .transport = t };
	r = -pthread_create(&w->thread, NULL, worker_main, w);
	if (r == 0)
		t->n_workers++;
	return r;
}

void transport_may_wait(struct transport *t)
{
	if (!self || self->waits)
		return;
	self->waits = true;
	pthread_mutex_lock(&t->lock);
	t->active--;
	if (t->parked)
		pthread_cond_signal(&t->room);
	else if (!atomic_load(&t->stopping) && worker_start(t) == 0)
		t->active++;
	pthread_mutex_unlock(&t->lock);
}

/* Back from a request that waited: read again, or park until there is room. */
static void worker_rejoin(struct transport *t)
{
	self->waits = false;
	pthread_mutex_lock(&t->lock);
	t->parked++;
	while (t->active >= t->options.threads && !atomic_load(&t->stopping))
		pthread_cond_wait(&t->room, &t->lock);
	t->parked--;
	t->active++;
	pthread_mutex_unlock(&t->lock);
}

/* 0, -EAGAIN to try again, or -ENODEV when the connection is at its end. */
static int worker_take(struct transport *t, void *buf)
{
	ssize_t n = read(t->options.dev_fd, buf, t->options.max_request);

	if (n >= 0) {
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

static void *buffer_new(const struct transport *t)
{
	size_t size = (t->options.max_request + 4095) & ~(size_t)4095;

	return aligned_alloc(4096, size);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct transport *t = w->transport;
	cleanup_free void *buf = buffer_new(t);
	sigset_t stop;

	sigemptyset(&stop);
	sigaddset(&stop, STOP_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &stop, NULL);
	self = w;
	while (buf && !atomic_load(&t->stopping)) {
		if (worker_take(t, buf) == -ENODEV) {
			if (!atomic_load(&t->stopping) &&
			    !atomic_exchange(&t->ended, true))
				t->options.ended(t->options.arg);
			break;
		}
		if (w->waits)
			worker_rejoin(t);
	}
	atomic_store(&w->done, true);
	return NULL;
}

int transport_take_one(struct transport *t)
{
	cleanup_free void *buf = buffer_new(t);

	return buf ? worker_take(t, buf) : -ENOMEM;
}

static void stop_handler(int sig)
{
	(void)sig; /* only to end read(2) with EINTR */
}

int transport_open_dev(const struct transport_options *options,
		       struct transport **ret)
{
	struct sigaction sa = { .sa_handler = stop_handler };
	struct transport *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->options = *options;
	if (t->options.threads == 0) {
		cpu_set_t cpus;

		CPU_ZERO(&cpus);
		sched_getaffinity(0, sizeof(cpus), &cpus);
		t->options.threads = (unsigned)CPU_COUNT(&cpus);
	}
	if (t->options.threads < 2)
		t->options.threads = 2;
	if (t->options.threads > THREADS_MAX / 2)
		t->options.threads = THREADS_MAX / 2;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->room, NULL);
	sigaction(STOP_SIGNAL, &sa, NULL);
	*ret = t;
	return 0;
}

int transport_start(struct transport *t)
{
	int r = 0;

	pthread_mutex_lock(&t->lock);
	while (r == 0 && t->n_workers < t->options.threads) {
		r = worker_start(t);
		if (r == 0)
			t->active++;
	}
	pthread_mutex_unlock(&t->lock);
	return r;
}

void transport_stop(struct transport *t)
{
	struct timespec pause = { .tv_nsec = STOP_RETRY_NS };

	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	atomic_store(&t->stopping, true);
	pthread_cond_broadcast(&t->room);
	pthread_mutex_unlock(&t->lock);
	for (unsigned i = 0; i < t->n_workers; i++) {
		/* A signal just before read(2) would be lost: ask again. */
		while (!atomic_load(&t->workers[i].done)) {
			pthread_kill(t->workers[i].thread, STOP_SIGNAL);
			nanosleep(&pause, NULL);
		}
		pthread_join(t->workers[i].thread, NULL);
	}
}

void transport_close(struct transport *t)
{
	if (!t)
		return;
	pthread_cond_destroy(&t->room);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

ssize_t transport_send(struct transport *t, const struct iovec *iov, int n)
{
	ssize_t r = writev(t->options.dev_fd, iov, n);

	return r < 0 ? -errno : r;
}

const char *transport_name(const struct transport *t)
{
	(void)t;
	return "dev";
}

unsigned transport_threads(const struct transport *t)
{
	return t->options.threads;
}
