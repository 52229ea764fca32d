/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock_waits.h - who waits for locks, and for whom
 *
 * Each file has a queue, first come first.  What an owner of the mount has is
 * tried for again when that changes; what a process of the host has is tried
 * for again and again, by a thread for each volume in which that happens: a
 * host that does not answer keeps those of its own volume waiting only.
 *
 * Nothing here calls the host, so an interruption never waits for it, but for
 * the one wait that is being tried for right then.
 */
#ifndef FUSE_LOCK_WAITS_H
#define FUSE_LOCK_WAITS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fuse/locks.h"

struct lock_retrier;
struct lock_waits;
struct volume;

/* One wait; freed by lock_waits_answer(). */
struct lock_wait {
	enum lock_space space;
	struct lock lock;
	lock_done_fn *done;
	void *arg;
	/* Of lock_waits.c. */
	uint64_t ticket;
	uint64_t blocker; /* owner that it waits for; 0: the host */
	int result;
	bool tried; /* right now: it stays where it is */
	bool interrupted;
	struct lock_wait *next; /* of the file, or of those to be answered */
	struct lock_wait *all_next; /* of all, for finding deadlocks */
	struct lock_wait *all_prev;
};

/* Of one file; embedded, zeroed but for the volume. */
struct lock_queue {
	const struct volume *volume;
	/* Of lock_waits.c. */
	struct lock_wait *first;
	atomic_uint n;
	unsigned n_host;	      /* that wait for the host */
	struct lock_retrier *retrier; /* if n_host is not 0 */
	struct lock_queue *prev;      /* of the retrier's */
	struct lock_queue *next;
};

typedef void lock_queue_fn(void *arg, struct lock_queue *q);

/*
 * hold() sees to it that the queue stays, and calls nobody else; retry() tries
 * for each wait again, in a thread that may be kept waiting, and lets go.
 */
int lock_waits_new(lock_queue_fn *hold, lock_queue_fn *retry, void *arg,
		   struct lock_waits **ret);
/* Whoever waits is answered -EINTR.  The queues are of no use from here on. */
void lock_waits_free(struct lock_waits *w);

/*
 * Wait at the end of the queue for blocker, 0 for the host: *ret_ticket names
 * the wait.  -EDEADLK if it would never end, -ENOLCK.
 */
int lock_waits_add(struct lock_waits *w, struct lock_queue *q,
		   const struct lock_wait *wait, uint64_t blocker,
		   uint64_t *ret_ticket);

/*
 * Go through a queue, one thread at a time for each, and to the end: try for
 * the wait that is returned, and tell what came of it to get the next one.
 * After -EAGAIN it goes on, for blocker; else it is over, and moved to
 * *answered.
 */
struct lock_wait *lock_waits_first(struct lock_waits *w, struct lock_queue *q);
struct lock_wait *lock_waits_next(struct lock_waits *w, struct lock_queue *q,
				  struct lock_wait *tried, int r,
				  uint64_t blocker,
				  struct lock_wait **answered);

/* End a wait of the queue, if it has not ended yet: moved to *answered. */
void lock_waits_interrupt(struct lock_waits *w, struct lock_queue *q,
			  uint64_t ticket, struct lock_wait **answered);

/* Tell those whose wait is over.  With no lock held. */
void lock_waits_answer(struct lock_wait *answered);

static inline bool lock_queue_is_empty(const struct lock_queue *q)
{
	return atomic_load(&q->n) == 0;
}

#endif
