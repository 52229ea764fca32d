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
#include "fuse/lock_waits.h"
#include "fuse/ranges.h"
#include "store/base/log.h"
#include "store/volume.h"

#define N_STRIPES  64u
#define OFFSET_MAX (UINT64_MAX >> 1)

/*
 * What is locked of a file.  Whoever asks the host does so with the file's lock
 * and no other: a host that does not answer keeps those of the file waiting.
 */
struct locked_file {
	struct lock_queue queue; /* first: lock_queue_fn have it */
	uint64_t nodeid;
	struct volume *volume;
	struct stripe *stripe;
	unsigned users; /* under the stripe's lock: who holds or wants ours */
	pthread_mutex_t lock;	/* of what follows; none is taken before */
	struct host_locks host; /* used if the volume is not exclusive */
	struct ranges ranges[LOCK_N_SPACES];
	unsigned n_ranges; /* of both spaces */
	UT_hash_handle hh;
};

/* Some of the files, and records for their ranges. */
struct stripe {
	pthread_mutex_t lock; /* of the table; nothing is called with it held */
	struct locked_file *files;
	struct range_cache cache;
} __attribute__((aligned(64)));

struct locks {
	struct range_pool *pool;
	struct range *found; /* of a predecessor, until locks_attach() */
	struct lock_waits *waits;
	struct stripe stripes[N_STRIPES];
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
	f->queue.volume = f->volume;
	f->stripe = s;
	pthread_mutex_init(&f->lock, NULL);
	f->host.store = f->volume->store;
	f->host.handle = inode->handle;
	for (int i = 0; i < LOCK_N_SPACES; i++)
		f->ranges[i] = (struct ranges){ .nodeid = f->nodeid,
						.space = (enum lock_space)i };
	HASH_ADD(hh, s->files, nodeid, sizeof(f->nodeid), f);
	return f;
}

static void file_free(struct locked_file *f)
{
	host_locks_done(&f->host);
	pthread_mutex_destroy(&f->lock);
	volume_unref(f->volume);
	free(f);
}

static bool file_is_idle(const struct locked_file *f)
{
	return f->users == 0 && !f->ranges[LOCK_POSIX].first &&
	       !f->ranges[LOCK_FLOCK].first && lock_queue_is_empty(&f->queue);
}

/* The file stays until file_drop(). */
static void file_hold(struct locked_file *f)
{
	pthread_mutex_lock(&f->stripe->lock);
	f->users++;
	pthread_mutex_unlock(&f->stripe->lock);
}

/* One on which nothing is held or waited for is forgotten. */
static void file_drop(struct locked_file *f)
{
	struct stripe *s = f->stripe;
	bool idle;

	pthread_mutex_lock(&s->lock);
	f->users--;
	idle = file_is_idle(f);
	if (idle)
		HASH_DEL(s->files, f);
	pthread_mutex_unlock(&s->lock);
	if (idle)
		file_free(f);
}

/* A file of which something is known, as file_hold(); else NULL. */
static struct locked_file *file_known(struct locks *l, uint64_t nodeid)
{
	struct stripe *s = stripe_of(l, nodeid);
	struct locked_file *f;

	pthread_mutex_lock(&s->lock);
	f = file_find(s, nodeid);
	if (f)
		f->users++;
	pthread_mutex_unlock(&s->lock);
	return f;
}

/* Any file, as file_hold(); NULL if there is no memory. */
static struct locked_file *file_any(struct locks *l, const struct inode *inode)
{
	struct stripe *s = stripe_of(l, inode->nodeid);
	struct locked_file *f;

	pthread_mutex_lock(&s->lock);
	f = file_make(s, inode);
	if (f)
		f->users++;
	pthread_mutex_unlock(&s->lock);
	return f;
}

/* Do others who use the file see (and make) locks? */
static bool is_shared(const struct locked_file *f)
{
	return !f->volume->exclusive;
}

/* --- setting --- */

/* Change the ranges of a file, within what it and its volume may have. */
static int file_apply(struct locked_file *f, enum lock_space space,
		      const struct lock *lock)
{
	int_fast64_t used = atomic_load(&f->volume->locks);
	unsigned before = f->n_ranges;
	unsigned max = before;
	int r;

	if (used < LOCKS_PER_VOLUME)
		max += LOCKS_PER_VOLUME - (unsigned)used;
	if (max > LOCKS_PER_FILE)
		max = LOCKS_PER_FILE;
	r = ranges_apply(&f->ranges[space], &f->stripe->cache, lock,
			 &f->n_ranges, max);
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
static void flock_convert(struct locked_file *f, const struct lock *lock)
{
	struct lock all = *lock;

	if (lock->type == F_UNLCK ||
	    !ranges_has_owner(&f->ranges[LOCK_FLOCK], lock->owner))
		return;
	all.type = F_UNLCK;
	file_apply(f, LOCK_FLOCK, &all);
}

/* -EAGAIN with the owner in the way in *ret_blocker; 0 there: the host. */
static int file_set(struct locked_file *f, enum lock_space space,
		    const struct lock *lock, uint64_t *ret_blocker)
{
	const struct range *c = NULL;
	int r = 0;

	if (space == LOCK_FLOCK)
		flock_convert(f, lock);
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
		r = file_apply(f, space, lock);
	file_tidy_owner(f, space, lock->owner);
	return r;
}

/* Give what became free to those who wait for it, first come first. */
static void file_wake(struct locks *l, struct locked_file *f,
		      struct lock_wait **answered)
{
	struct lock_wait *w = lock_waits_first(l->waits, &f->queue);

	while (w) {
		uint64_t blocker;
		int r = file_set(f, w->space, &w->lock, &blocker);

		w = lock_waits_next(l->waits, &f->queue, w, r, blocker,
				    answered);
	}
}

/* The end of work on a locked file. */
static void file_done(struct locked_file *f, struct lock_wait *answered)
{
	pthread_mutex_unlock(&f->lock);
	file_drop(f);
	lock_waits_answer(answered);
}

int locks_set(struct locks *l, const struct inode *inode, enum lock_space space,
	      const struct lock *lock)
{
	struct lock_wait *answered = NULL;
	struct locked_file *f;
	uint64_t blocker;
	int r;

	f = lock->type == F_UNLCK ? file_known(l, inode->nodeid)
				  : file_any(l, inode);
	if (!f)
		return lock->type == F_UNLCK ? 0 : -ENOLCK;
	pthread_mutex_lock(&f->lock);
	r = file_set(f, space, lock, &blocker);
	file_wake(l, f, &answered);
	file_done(f, answered);
	return r;
}

int locks_wait(struct locks *l, const struct inode *inode,
	       enum lock_space space, const struct lock *lock,
	       lock_done_fn *done, void *arg, uint64_t *ret_ticket)
{
	const struct lock_wait wait = {
		.space = space, .lock = *lock, .done = done, .arg = arg
	};
	struct locked_file *f = file_any(l, inode);
	struct lock_wait *answered = NULL;
	uint64_t blocker;
	int r;

	if (!f)
		return -ENOLCK;
	pthread_mutex_lock(&f->lock);
	r = file_set(f, space, lock, &blocker);
	file_wake(l, f, &answered); /* a change of type may let others in */
	if (r == -EAGAIN) {
		r = lock_waits_add(l->waits, &f->queue, &wait, blocker,
				   ret_ticket);
		r = r < 0 ? r : 1;
	}
	file_done(f, answered);
	return r;
}

/* The file is not locked: that could take as long as its host. */
void locks_interrupt(struct locks *l, uint64_t nodeid, uint64_t ticket)
{
	struct locked_file *f = file_known(l, nodeid);
	struct lock_wait *answered = NULL;

	if (!f)
		return;
	lock_waits_interrupt(l->waits, &f->queue, ticket, &answered);
	file_drop(f);
	lock_waits_answer(answered);
}

/* --- testing and dropping --- */

int locks_test(struct locks *l, const struct inode *inode, struct lock *lock)
{
	const struct range *c;
	struct locked_file *f;
	int r = 0;

	f = inode->volume->exclusive ? file_known(l, inode->nodeid)
				     : file_any(l, inode);
	if (!f) {
		lock->type = F_UNLCK;
		return 0;
	}
	pthread_mutex_lock(&f->lock);
	c = ranges_conflict(&f->ranges[LOCK_POSIX], lock);
	if (c)
		*lock = c->lock;
	else if (is_shared(f))
		r = host_locks_test(&f->host, lock);
	else
		lock->type = F_UNLCK;
	file_done(f, NULL);
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
	struct locked_file *f = file_known(l, inode->nodeid);
	struct lock all = { .end = OFFSET_MAX, .type = F_UNLCK };
	struct lock_wait *answered = NULL;
	uint64_t blocker;

	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	for (int i = 0; i < LOCK_N_SPACES; i++) {
		while (ranges_find_file(&f->ranges[i], fh, &all.owner))
			file_set(f, (enum lock_space)i, &all, &blocker);
	}
	file_wake(l, f, &answered);
	file_done(f, answered);
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

static int file_attach(struct locked_file *f)
{
	for (int space = 0; space < LOCK_N_SPACES; space++) {
		int r = ranges_adopt(&f->ranges[space], &f->stripe->cache);

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
			int r = file_attach(f);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* --- the table --- */

/* lock_queue_fn */
static void queue_hold(void *arg, struct lock_queue *q)
{
	(void)arg;
	file_hold((struct locked_file *)q);
}

/* lock_queue_fn */
static void queue_retry(void *arg, struct lock_queue *q)
{
	struct locked_file *f = (struct locked_file *)q;
	struct lock_wait *answered = NULL;

	pthread_mutex_lock(&f->lock);
	file_wake(arg, f, &answered);
	file_done(f, answered);
}

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
		range_cache_init(&l->stripes[i].cache, l->pool);
	}
	r = lock_waits_new(queue_hold, queue_retry, l, &l->waits);
	if (r < 0) {
		locks_free(l);
		return r;
	}
	*ret = l;
	return 0;
}

static void stripe_done(struct stripe *s)
{
	struct locked_file *f;
	struct locked_file *tmp;

	HASH_ITER(hh, s->files, f, tmp)
	{
		for (int space = 0; space < LOCK_N_SPACES; space++)
			ranges_clear(&f->ranges[space], &s->cache);
		atomic_fetch_sub(&f->volume->locks, f->n_ranges);
		HASH_DEL(s->files, f);
		file_free(f);
	}
	range_cache_done(&s->cache);
	pthread_mutex_destroy(&s->lock);
}

void locks_free(struct locks *l)
{
	if (!l)
		return;
	lock_waits_free(l->waits);
	for (unsigned i = 0; i < N_STRIPES; i++)
		stripe_done(&l->stripes[i]);
	range_pool_free(l->pool);
	free(l);
}
