/* SPDX-License-Identifier: Apache-2.0 */
/* lock_waits.c - who waits for locks, and for whom */
#include "fuse/lock_waits.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <utlist.h>

#define DEADLOCK_DEPTH 32 /* owners followed before a wait is believed */
#define HOST_RETRY_MS  10 /* between two tries for a lock of the host */

/* The thread of a volume, as long as somebody there waits for the host. */
struct lock_retrier {
	struct lock_waits *waits;
	const struct volume *volume; /* by its address only */
	struct lock_queue *queues;   /* circular */
	unsigned n_queues;
	struct lock_retrier *prev;
	struct lock_retrier *next;
};

struct lock_waits {
	pthread_mutex_t lock; /* of all waits and queues; calls hold() only */
	struct lock_wait *all;
	uint64_t tickets;
	struct lock_retrier *retriers;
	bool stopping;
	pthread_cond_t retrier_ended;
	lock_queue_fn *hold;
	lock_queue_fn *retry;
	void *arg;
};

/* --- deadlocks --- */

/* Does blocker, waiting for another in turn, wait for owner in the end? */
static bool closes_circle(const struct lock_waits *w, uint64_t owner,
			  uint64_t blocker)
{
	for (int depth = 0; depth < DEADLOCK_DEPTH && blocker; depth++) {
		const struct lock_wait *wait = w->all;

		if (blocker == owner)
			return true;
		while (wait && (wait->lock.owner != blocker || wait->space))
			wait = wait->all_next;
		blocker = wait ? wait->blocker : 0;
	}
	return false;
}

static bool would_deadlock(const struct lock_waits *w,
			   const struct lock_wait *wait, uint64_t blocker)
{
	return wait->space == LOCK_POSIX &&
	       closes_circle(w, wait->lock.owner, blocker);
}

/* --- asking the host again --- */

/* Each queue once; under the lock, but while one is tried for. */
static void retry_each(struct lock_waits *w, struct lock_retrier *r)
{
	for (unsigned n = r->n_queues; n && r->queues && !w->stopping; n--) {
		struct lock_queue *q = r->queues;

		r->queues = q->next; /* may be gone, or others, after this */
		w->hold(w->arg, q);
		pthread_mutex_unlock(&w->lock);
		w->retry(w->arg, q);
		pthread_mutex_lock(&w->lock);
	}
}

/*
 * A lock that a process of the host holds is waited for by asking again: a
 * blocking call would cost a thread for each wait, which a container could
 * have without end.
 */
static void *retrier_main(void *arg)
{
	const struct timespec ts = { .tv_nsec = HOST_RETRY_MS * 1000000L };
	struct lock_retrier *r = arg;
	struct lock_waits *w = r->waits;

	pthread_mutex_lock(&w->lock);
	while (r->queues && !w->stopping) {
		pthread_mutex_unlock(&w->lock);
		nanosleep(&ts, NULL);
		pthread_mutex_lock(&w->lock);
		retry_each(w, r);
	}
	DL_DELETE(w->retriers, r);
	free(r);
	pthread_cond_signal(&w->retrier_ended);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static int retrier_start(struct lock_waits *w, const struct volume *volume,
			 struct lock_retrier **ret)
{
	struct lock_retrier *r = calloc(1, sizeof(*r));
	pthread_attr_t attr;
	pthread_t thread;
	int e;

	if (!r)
		return -ENOLCK;
	r->waits = w;
	r->volume = volume;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	e = pthread_create(&thread, &attr, retrier_main, r);
	pthread_attr_destroy(&attr);
	if (e) {
		free(r);
		return -ENOLCK;
	}
	DL_APPEND(w->retriers, r);
	*ret = r;
	return 0;
}

static struct lock_retrier *retrier_of(const struct lock_waits *w,
				       const struct volume *volume)
{
	struct lock_retrier *r = w->retriers;

	while (r && r->volume != volume)
		r = r->next;
	return r;
}

/* Have the queue tried for by its volume's thread. */
static int retrier_add(struct lock_waits *w, struct lock_queue *q)
{
	struct lock_retrier *r = retrier_of(w, q->volume);
	int e = r ? 0 : retrier_start(w, q->volume, &r);

	if (e < 0)
		return e;
	q->retrier = r;
	CDL_APPEND(r->queues, q);
	r->n_queues++;
	return 0;
}

static void retrier_remove(struct lock_queue *q)
{
	CDL_DELETE(q->retrier->queues, q);
	q->retrier->n_queues--;
	q->retrier = NULL;
}

/* --- queues --- */

/* What a wait waits for, which makes it one for the host or not. */
static int set_blocker(struct lock_waits *w, struct lock_queue *q,
		       struct lock_wait *wait, uint64_t blocker)
{
	int r = 0;

	if (would_deadlock(w, wait, blocker))
		return -EDEADLK;
	if (blocker == 0 && q->n_host == 0)
		r = retrier_add(w, q);
	if (r < 0)
		return r;
	q->n_host += (blocker == 0) - (wait->blocker == 0);
	wait->blocker = blocker;
	if (q->n_host == 0 && q->retrier)
		retrier_remove(q);
	return 0;
}

/* It is over: off the queue, and to those to be answered. */
static void finish(struct lock_waits *w, struct lock_queue *q,
		   struct lock_wait *wait, int r, struct lock_wait **answered)
{
	DL_DELETE2(w->all, wait, all_prev, all_next);
	LL_DELETE(q->first, wait);
	atomic_fetch_sub(&q->n, 1);
	q->n_host -= wait->blocker == 0;
	if (q->n_host == 0 && q->retrier)
		retrier_remove(q);
	wait->result = r;
	LL_PREPEND(*answered, wait);
}

int lock_waits_add(struct lock_waits *w, struct lock_queue *q,
		   const struct lock_wait *wait, uint64_t blocker,
		   uint64_t *ret_ticket)
{
	struct lock_wait *own = malloc(sizeof(*own));
	int r;

	if (!own)
		return -ENOLCK;
	*own = *wait;
	own->blocker = UINT64_MAX; /* nobody yet */
	pthread_mutex_lock(&w->lock);
	/* Two that begin to wait for each other: the second one is told. */
	r = set_blocker(w, q, own, blocker);
	if (r == 0) {
		own->ticket = ++w->tickets;
		*ret_ticket = own->ticket;
		DL_PREPEND2(w->all, own, all_prev, all_next);
		LL_APPEND(q->first, own);
		atomic_fetch_add(&q->n, 1);
	}
	pthread_mutex_unlock(&w->lock);
	if (r < 0)
		free(own);
	return r;
}

struct lock_wait *lock_waits_first(struct lock_waits *w, struct lock_queue *q)
{
	struct lock_wait *first;

	if (lock_queue_is_empty(q))
		return NULL;
	pthread_mutex_lock(&w->lock);
	first = q->first;
	if (first)
		first->tried = true;
	pthread_mutex_unlock(&w->lock);
	return first;
}

struct lock_wait *lock_waits_next(struct lock_waits *w, struct lock_queue *q,
				  struct lock_wait *tried, int r,
				  uint64_t blocker, struct lock_wait **answered)
{
	struct lock_wait *next;

	pthread_mutex_lock(&w->lock);
	next = tried->next;
	tried->tried = false;
	if (r == -EAGAIN && tried->interrupted)
		r = -EINTR;
	else if (r == -EAGAIN && tried->blocker != blocker)
		r = set_blocker(w, q, tried, blocker) ?: -EAGAIN;
	if (r != -EAGAIN)
		finish(w, q, tried, r, answered);
	if (next)
		next->tried = true;
	pthread_mutex_unlock(&w->lock);
	return next;
}

void lock_waits_interrupt(struct lock_waits *w, struct lock_queue *q,
			  uint64_t ticket, struct lock_wait **answered)
{
	struct lock_wait *wait;

	pthread_mutex_lock(&w->lock);
	LL_SEARCH_SCALAR(q->first, wait, ticket, ticket);
	if (wait && wait->tried)
		wait->interrupted = true;
	else if (wait)
		finish(w, q, wait, -EINTR, answered);
	pthread_mutex_unlock(&w->lock);
}

void lock_waits_answer(struct lock_wait *answered)
{
	while (answered) {
		struct lock_wait *wait = answered;

		answered = wait->next;
		wait->done(wait->arg, wait->result);
		free(wait);
	}
}

/* --- life --- */

int lock_waits_new(lock_queue_fn *hold, lock_queue_fn *retry, void *arg,
		   struct lock_waits **ret)
{
	struct lock_waits *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->retrier_ended, NULL);
	w->hold = hold;
	w->retry = retry;
	w->arg = arg;
	*ret = w;
	return 0;
}

void lock_waits_free(struct lock_waits *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	while (w->retriers)
		pthread_cond_wait(&w->retrier_ended, &w->lock);
	pthread_mutex_unlock(&w->lock);
	while (w->all) {
		struct lock_wait *wait = w->all;

		w->all = wait->all_next;
		wait->next = NULL;
		wait->result = -EINTR;
		lock_waits_answer(wait);
	}
	pthread_cond_destroy(&w->retrier_ended);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
