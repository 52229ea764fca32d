/* SPDX-License-Identifier: Apache-2.0 */
/* locks.c - fcntl(2) and flock(2) locks of the files of the mount */
#include "fuse/locks.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "fuse/host_lock.h"
#include "fuse/inode.h"
#include "fuse/ranges.h"
#include "store/base/log.h"
#include "store/volume.h"

#define N_STRIPES      64u
#define OFFSET_MAX     (UINT64_MAX >> 1)
#define DEADLOCK_DEPTH 32 /* owners followed before a wait is believed */
#define HOST_RETRY_MS  10 /* between two tries for a lock of the host */

struct waiter {
	uint64_t ticket;
	struct lock lock;
	enum lock_space space;
	uint64_t blocker; /* owner that it waits for; 0: the host */
	lock_done_fn *done;
	void *arg;
	int result;
	struct waiter *next;	    /* of the file, first come first */
	struct waiter *next_global; /* of all, for finding deadlocks */
	struct waiter **prev_global;
};

struct locked_file {
	uint64_t nodeid;
	struct volume *volume;
	struct host_locks host; /* used if the volume is not exclusive */
	struct ranges ranges[LOCK_N_SPACES];
	unsigned n_ranges; /* of both spaces */
	struct waiter *waiters;
	UT_hash_handle hh;
};

struct stripe {
	pthread_mutex_t lock; /* of all that follows; before wait_lock */
	struct locked_file *files;
	struct range_cache cache;
} __attribute__((aligned(64)));

struct locks {
	struct range_pool *pool;
	struct range *found; /* of a predecessor, until locks_attach() */
	struct stripe stripes[N_STRIPES];
	pthread_mutex_t wait_lock; /* waiting */
	struct waiter *waiting;
	atomic_uint_fast64_t tickets;
	/* Waits for the host's locks are retried by one thread. */
	pthread_t retrier;
	bool has_retrier; /* under wait_lock, as the next */
	bool stopping;
	pthread_cond_t retry;
	unsigned n_host_waits;
};

/* --- files --- */

static struct stripe *stripe_of(struct locks *l, uint64_t nodeid)
{
	return &l->stripes[(nodeid ^ nodeid >> 32) % N_STRIPES];
}

static struct locked_file *file_find(struct stripe *s, uint64_t nodeid)
{
	struct locked_file *f;

	HASH_FIND(hh, s->files, &nodeid, sizeof(nodeid), f);
	return f;
}

static struct locked_file *file_make(struct stripe *s,
				     const struct inode *inode)
{
	struct locked_file *f = file_find(s, inode->nodeid);

	if (f)
		return f;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->nodeid = inode->nodeid;
	f->volume = volume_ref(inode->volume);
	f->host.store = f->volume->store;
	f->host.handle = inode->handle;
	for (int i = 0; i < LOCK_N_SPACES; i++)
		f->ranges[i] = (struct ranges){ .nodeid = f->nodeid,
						.space = (enum lock_space)i };
	HASH_ADD(hh, s->files, nodeid, sizeof(f->nodeid), f);
	return f;
}

/* Forget a file on which nothing is held or waited for. */
static void file_tidy(struct stripe *s, struct locked_file *f)
{
	if (f->ranges[LOCK_POSIX].first || f->ranges[LOCK_FLOCK].first ||
	    f->waiters)
		return;
	HASH_DEL(s->files, f);
	host_locks_done(&f->host);
	volume_unref(f->volume);
	free(f);
}

/* Do others who use the file see (and make) locks? */
static bool is_shared(const struct locked_file *f)
{
	return !f->volume->exclusive;
}

/* --- setting --- */

/* Change the ranges of a file, within what it and its volume may have. */
static int file_apply(struct stripe *s, struct locked_file *f,
		      enum lock_space space, const struct lock *lock)
{
	int_fast64_t used = atomic_load(&f->volume->locks);
	unsigned before = f->n_ranges;
	unsigned max = before;
	int r;

	if (used < LOCKS_PER_VOLUME)
		max += LOCKS_PER_VOLUME - (unsigned)used;
	if (max > LOCKS_PER_FILE)
		max = LOCKS_PER_FILE;
	r = ranges_apply(&f->ranges[space], &s->cache, lock, &f->n_ranges, max);
	atomic_fetch_add(&f->volume->locks, (int)(f->n_ranges - before));
	return r;
}

/* An owner that holds nothing is not seen by the host. */
static void file_tidy_owner(struct locked_file *f, enum lock_space space,
			    uint64_t owner)
{
	if (is_shared(f) && !ranges_has_owner(&f->ranges[space], owner))
		host_locks_drop(&f->host, space, owner);
}

/*
 * flock(2) to another type lets go of the old lock first, even if the new one
 * is not to be had.
 */
static void flock_convert(struct stripe *s, struct locked_file *f,
			  const struct lock *lock)
{
	struct lock all = *lock;

	if (lock->type == F_UNLCK ||
	    !ranges_has_owner(&f->ranges[LOCK_FLOCK], lock->owner))
		return;
	all.type = F_UNLCK;
	file_apply(s, f, LOCK_FLOCK, &all);
}

/* -EAGAIN with the owner in the way in *ret_blocker; 0 there: the host. */
static int file_set(struct stripe *s, struct locked_file *f,
		    enum lock_space space, const struct lock *lock,
		    uint64_t *ret_blocker)
{
	const struct range *c = NULL;
	int r = 0;

	if (space == LOCK_FLOCK)
		flock_convert(s, f, lock);
	if (lock->type != F_UNLCK)
		c = ranges_conflict(&f->ranges[space], lock);
	if (c) {
		*ret_blocker = c->lock.owner;
		/* What flock_convert() let go of, the host sees no longer. */
		file_tidy_owner(f, space, lock->owner);
		return -EAGAIN;
	}
	*ret_blocker = 0;
	if (is_shared(f))
		r = host_locks_set(&f->host, space, lock);
	if (r == 0 || lock->type == F_UNLCK)
		r = file_apply(s, f, space, lock);
	file_tidy_owner(f, space, lock->owner);
	return r;
}

/*
 * Under wait_lock: does blocker, waiting for another in turn, wait for owner in
 * the end?
 */
static bool closes_circle(const struct locks *l, uint64_t owner,
			  uint64_t blocker)
{
	for (int depth = 0; depth < DEADLOCK_DEPTH && blocker; depth++) {
		const struct waiter *w = l->waiting;

		if (blocker == owner)
			return true;
		while (w && (w->lock.owner != blocker || w->space))
			w = w->next_global;
		blocker = w ? w->blocker : 0;
	}
	return false;
}

static bool would_deadlock(const struct locks *l, const struct waiter *w,
			   uint64_t blocker)
{
	return w->space == LOCK_POSIX &&
	       closes_circle(l, w->lock.owner, blocker);
}

/* -EDEADLK, and not added, if the wait would never end. */
static int waiting_add(struct locks *l, struct waiter *w)
{
	pthread_mutex_lock(&l->wait_lock);
	/* Two that begin to wait for each other: the second one is told. */
	if (would_deadlock(l, w, w->blocker)) {
		pthread_mutex_unlock(&l->wait_lock);
		return -EDEADLK;
	}
	w->next_global = l->waiting;
	w->prev_global = &l->waiting;
	if (w->next_global)
		w->next_global->prev_global = &w->next_global;
	l->waiting = w;
	l->n_host_waits += w->blocker == 0;
	if (w->blocker == 0)
		pthread_cond_signal(&l->retry);
	pthread_mutex_unlock(&l->wait_lock);
	return 0;
}

static void waiting_remove(struct locks *l, struct waiter *w)
{
	pthread_mutex_lock(&l->wait_lock);
	*w->prev_global = w->next_global;
	if (w->next_global)
		w->next_global->prev_global = w->prev_global;
	l->n_host_waits -= w->blocker == 0;
	pthread_mutex_unlock(&l->wait_lock);
}

/* -EDEADLK if waiting for another one now would never end. */
static int waiting_set_blocker(struct locks *l, struct waiter *w,
			       uint64_t blocker)
{
	int r = 0;

	pthread_mutex_lock(&l->wait_lock);
	if (w->blocker != blocker && would_deadlock(l, w, blocker))
		r = -EDEADLK;
	l->n_host_waits -= w->blocker == 0;
	w->blocker = blocker;
	l->n_host_waits += blocker == 0;
	if (blocker == 0)
		pthread_cond_signal(&l->retry);
	pthread_mutex_unlock(&l->wait_lock);
	return r;
}

/*
 * Give what became free to those who wait for it, first come first.  They are
 * moved to *granted, for lock_answer() once the stripe is unlocked.
 */
static void file_wake(struct locks *l, struct stripe *s, struct locked_file *f,
		      struct waiter **granted)
{
	struct waiter **p = &f->waiters;

	while (*p) {
		struct waiter *w = *p;
		uint64_t blocker;
		int r = file_set(s, f, w->space, &w->lock, &blocker);

		if (r == -EAGAIN && waiting_set_blocker(l, w, blocker) < 0)
			r = -EDEADLK;
		if (r == -EAGAIN) {
			p = &w->next;
			continue;
		}
		*p = w->next;
		waiting_remove(l, w);
		w->result = r;
		w->next = *granted;
		*granted = w;
	}
}

static void answer(struct waiter *granted)
{
	while (granted) {
		struct waiter *w = granted;

		granted = w->next;
		w->done(w->arg, w->result);
		free(w);
	}
}

int locks_set(struct locks *l, const struct inode *inode, enum lock_space space,
	      const struct lock *lock)
{
	struct stripe *s = stripe_of(l, inode->nodeid);
	struct waiter *granted = NULL;
	struct locked_file *f;
	uint64_t blocker;
	int r = 0;

	pthread_mutex_lock(&s->lock);
	f = lock->type == F_UNLCK ? file_find(s, inode->nodeid)
				  : file_make(s, inode);
	if (f) {
		r = file_set(s, f, space, lock, &blocker);
		file_wake(l, s, f, &granted);
		file_tidy(s, f);
	} else if (lock->type != F_UNLCK) {
		r = -ENOLCK;
	}
	pthread_mutex_unlock(&s->lock);
	answer(granted);
	return r;
}

static struct waiter *waiter_new(struct locks *l, enum lock_space space,
				 const struct lock *lock, uint64_t blocker,
				 uint64_t stripe)
{
	struct waiter *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->ticket = (atomic_fetch_add(&l->tickets, 1) + 1) * N_STRIPES + stripe;
	w->space = space;
	w->lock = *lock;
	w->blocker = blocker;
	return w;
}

/* Put w at the end of the file's queue; takes it over. */
static int file_queue(struct locks *l, struct locked_file *f, struct waiter *w)
{
	struct waiter **p = &f->waiters;
	int r = waiting_add(l, w);

	if (r < 0) {
		free(w);
		return r;
	}
	while (*p)
		p = &(*p)->next;
	*p = w;
	return 1;
}

int locks_wait(struct locks *l, const struct inode *inode,
	       enum lock_space space, const struct lock *lock,
	       lock_done_fn *done, void *arg, uint64_t *ret_ticket)
{
	struct stripe *s = stripe_of(l, inode->nodeid);
	struct waiter *granted = NULL;
	struct locked_file *f;
	struct waiter *w;
	uint64_t blocker;
	int r = -ENOLCK;

	pthread_mutex_lock(&s->lock);
	f = file_make(s, inode);
	if (!f)
		goto out;
	r = file_set(s, f, space, lock, &blocker);
	file_wake(l, s, f, &granted); /* a change of type may let others in */
	if (r == -EAGAIN) {
		w = waiter_new(l, space, lock, blocker, s - l->stripes);
		r = -ENOLCK;
		if (w) {
			w->done = done;
			w->arg = arg;
			*ret_ticket = w->ticket;
			r = file_queue(l, f, w);
		}
	}
	file_tidy(s, f);
out:
	pthread_mutex_unlock(&s->lock);
	answer(granted);
	return r;
}

/* Take the waiter with this ticket out of the stripe; NULL if it is gone. */
static struct waiter *stripe_take_waiter(struct locks *l, struct stripe *s,
					 uint64_t ticket)
{
	struct locked_file *f;
	struct locked_file *tmp;

	HASH_ITER(hh, s->files, f, tmp)
	{
		struct waiter **p = &f->waiters;

		while (*p && (*p)->ticket != ticket)
			p = &(*p)->next;
		if (*p) {
			struct waiter *w = *p;

			*p = w->next;
			w->next = NULL;
			w->result = -EINTR;
			waiting_remove(l, w);
			file_tidy(s, f);
			return w;
		}
	}
	return NULL;
}

void locks_interrupt(struct locks *l, uint64_t ticket)
{
	struct stripe *s = &l->stripes[ticket % N_STRIPES];
	struct waiter *w;

	pthread_mutex_lock(&s->lock);
	w = stripe_take_waiter(l, s, ticket);
	pthread_mutex_unlock(&s->lock);
	answer(w);
}

/* --- testing and dropping --- */

int locks_test(struct locks *l, const struct inode *inode, struct lock *lock)
{
	struct stripe *s = stripe_of(l, inode->nodeid);
	const struct range *c = NULL;
	struct locked_file *f;
	int r = 0;

	pthread_mutex_lock(&s->lock);
	f = inode->volume->exclusive ? file_find(s, inode->nodeid)
				     : file_make(s, inode);
	if (f)
		c = ranges_conflict(&f->ranges[LOCK_POSIX], lock);
	if (c)
		*lock = c->lock;
	else if (f && is_shared(f))
		r = host_locks_test(&f->host, lock);
	else
		lock->type = F_UNLCK;
	if (f)
		file_tidy(s, f);
	pthread_mutex_unlock(&s->lock);
	return r;
}

void locks_drop_owner(struct locks *l, const struct inode *inode,
		      enum lock_space space, uint64_t owner)
{
	struct lock all = { .owner = owner,
			    .end = OFFSET_MAX,
			    .type = F_UNLCK };

	locks_set(l, inode, space, &all);
}

void locks_drop_file(struct locks *l, const struct inode *inode, uint64_t fh)
{
	struct stripe *s = stripe_of(l, inode->nodeid);

	for (int space = 0; space < LOCK_N_SPACES;) {
		struct locked_file *f;
		uint64_t owner = 0;
		bool found = false;

		pthread_mutex_lock(&s->lock);
		f = file_find(s, inode->nodeid);
		if (f)
			found = ranges_find_file(&f->ranges[space], fh, &owner);
		pthread_mutex_unlock(&s->lock);
		if (found)
			locks_drop_owner(l, inode, space, owner);
		else
			space++;
	}
}

/* --- what a predecessor left --- */

/* Put a range on its file's list, which is in no order yet. */
static int range_attach(struct locks *l, struct range *r, locks_find_fn *find,
			void *arg)
{
	struct stripe *s = stripe_of(l, r->nodeid);
	struct locked_file *f = file_find(s, r->nodeid);
	struct ranges *rs;

	if (!f) {
		struct inode inode;

		/* The file is gone: nobody can ask for the lock, or drop it. */
		if (find(arg, r->nodeid, &inode) < 0) {
			range_give(&s->cache, r);
			return 0;
		}
		f = file_make(s, &inode);
		if (!f)
			return -ENOMEM;
	}
	rs = &f->ranges[range_space(r)];
	r->next = rs->first;
	rs->first = r;
	return 0;
}

static void tell_lost(const struct locked_file *f, const struct lock *lock,
		      int r)
{
	errno = -r;
	if (r == -EAGAIN)
		log_warning("volume '%s': a process of the host took the lock "
			    "of process %d while the daemon was replaced: both "
			    "believe to have it",
			    f->volume->name, (int)lock->pid);
	else
		log_warning("volume '%s': cannot take the lock of process %d "
			    "on the host again: %m",
			    f->volume->name, (int)lock->pid);
}

/*
 * The host's locks ended with the predecessor; take them again.  If a process
 * of the host was faster there is no right answer left: the container was told
 * that it has the lock and keeps it among the others of the mount.
 */
static void file_attach_host(struct locked_file *f)
{
	bool told = false;

	for (int space = 0; space < LOCK_N_SPACES; space++) {
		const struct range *range = f->ranges[space].first;

		for (; range; range = range->next) {
			int r = host_locks_set(&f->host, (enum lock_space)space,
					       &range->lock);

			if (r < 0 && !told)
				tell_lost(f, &range->lock, r);
			told |= r < 0;
		}
	}
}

static int file_attach(struct stripe *s, struct locked_file *f)
{
	for (int space = 0; space < LOCK_N_SPACES; space++) {
		int r = ranges_adopt(&f->ranges[space], &s->cache);

		if (r < 0)
			return r;
		f->n_ranges += (unsigned)r;
	}
	atomic_fetch_add(&f->volume->locks, f->n_ranges);
	if (is_shared(f))
		file_attach_host(f);
	return 0;
}

int locks_attach(struct locks *l, locks_find_fn *find, void *arg)
{
	while (l->found) {
		struct range *range = l->found;
		int r;

		l->found = range->next;
		r = range_attach(l, range, find, arg);
		if (r < 0)
			return r;
	}
	for (unsigned i = 0; i < N_STRIPES; i++) {
		struct stripe *s = &l->stripes[i];
		struct locked_file *f;
		struct locked_file *tmp;

		HASH_ITER(hh, s->files, f, tmp)
		{
			int r = file_attach(s, f);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* --- waiting for the host --- */

/* Try again, on one stripe, what waits for locks of the host's processes. */
static void stripe_retry(struct locks *l, struct stripe *s)
{
	struct waiter *granted = NULL;
	struct locked_file *f;
	struct locked_file *tmp;

	pthread_mutex_lock(&s->lock);
	HASH_ITER(hh, s->files, f, tmp)
	{
		if (!is_shared(f) || !f->waiters)
			continue;
		file_wake(l, s, f, &granted);
		file_tidy(s, f);
	}
	pthread_mutex_unlock(&s->lock);
	answer(granted);
}

/*
 * A lock that a process of the host holds is waited for by asking again: a
 * blocking call would cost a thread for each wait, which a container could
 * have without end.
 */
static void *retrier_main(void *arg)
{
	struct locks *l = arg;

	pthread_mutex_lock(&l->wait_lock);
	while (!l->stopping) {
		struct timespec ts = { .tv_nsec = HOST_RETRY_MS * 1000000L };

		if (l->n_host_waits == 0) {
			pthread_cond_wait(&l->retry, &l->wait_lock);
			continue;
		}
		pthread_mutex_unlock(&l->wait_lock);
		nanosleep(&ts, NULL);
		for (unsigned i = 0; i < N_STRIPES; i++)
			stripe_retry(l, &l->stripes[i]);
		pthread_mutex_lock(&l->wait_lock);
	}
	pthread_mutex_unlock(&l->wait_lock);
	return NULL;
}

/* --- the table --- */

int locks_new(struct state *state, struct locks **ret)
{
	struct locks *l = aligned_alloc(64, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	memset(l, 0, sizeof(*l));
	r = range_pool_new(state, &l->pool, &l->found);
	if (r < 0) {
		free(l);
		return r;
	}
	for (unsigned i = 0; i < N_STRIPES; i++) {
		pthread_mutex_init(&l->stripes[i].lock, NULL);
		l->stripes[i].cache.pool = l->pool;
	}
	pthread_mutex_init(&l->wait_lock, NULL);
	pthread_cond_init(&l->retry, NULL);
	r = -pthread_create(&l->retrier, NULL, retrier_main, l);
	l->has_retrier = r == 0;
	if (r < 0) {
		locks_free(l);
		return r;
	}
	*ret = l;
	return 0;
}

static void retrier_stop(struct locks *l)
{
	if (!l->has_retrier)
		return;
	pthread_mutex_lock(&l->wait_lock);
	l->stopping = true;
	pthread_cond_signal(&l->retry);
	pthread_mutex_unlock(&l->wait_lock);
	pthread_join(l->retrier, NULL);
}

static void stripe_clear(struct locks *l, struct stripe *s)
{
	struct locked_file *f;
	struct locked_file *tmp;

	HASH_ITER(hh, s->files, f, tmp)
	{
		while (f->waiters) {
			struct waiter *w = f->waiters;

			f->waiters = w->next;
			w->next = NULL;
			w->result = -EINTR;
			waiting_remove(l, w);
			answer(w);
		}
		for (int space = 0; space < LOCK_N_SPACES; space++)
			ranges_clear(&f->ranges[space], &s->cache);
		atomic_fetch_sub(&f->volume->locks, f->n_ranges);
		file_tidy(s, f);
	}
}

void locks_free(struct locks *l)
{
	if (!l)
		return;
	retrier_stop(l);
	for (unsigned i = 0; i < N_STRIPES; i++) {
		stripe_clear(l, &l->stripes[i]);
		pthread_mutex_destroy(&l->stripes[i].lock);
	}
	pthread_cond_destroy(&l->retry);
	pthread_mutex_destroy(&l->wait_lock);
	range_pool_free(l->pool);
	free(l);
}
