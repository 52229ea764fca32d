/* SPDX-License-Identifier: Apache-2.0 */
/* account.c - the charge of one file while it can change without our notice */
#include "store/account.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/cleanup.h"
#include "store/usage.h"

/* What is taken of the room at once: a 16th of it, but no more than this. */
#define CHUNK_MAX   (INT64_C(8) << 20)
#define CHUNK_SHARE 16

/*
 * A filesystem may allocate when it writes back, half a minute later, and
 * mappings outlive their descriptors: accounts of larger files are kept for a
 * while after the last close, and those of files with holes for as long as they
 * are mapped.  What seems to be a hole may be about to be allocated: ext4 says
 * less than there is while it does that, which the close of the file underneath
 * begins, a moment after we are told.  So many at most for a volume.
 */
#define COOLING_NS   (INT64_C(40) * 1000000000)
#define COOLING_MAX  1024u
#define HOLES_MAX    4096u /* with those that have holes, or seem to */
#define COOLING_SIZE (INT64_C(16) << 10) /* cannot fragment enough below */
#define SPARE_MAX    16u

static struct account *account_new(struct usage *u,
				   const struct store_handle *h)
{
	struct account *a = u->spare;

	if (a) {
		u->spare = a->next_spare;
		u->n_spare--;
	} else {
		a = malloc(sizeof(*a));
		if (!a)
			return NULL;
		pthread_mutex_init(&a->lock, NULL);
	}
	memcpy(&a->handle, h, sizeof(a->handle));
	atomic_init(&a->charged, 0);
	atomic_init(&a->busy, 0);
	atomic_init(&a->unsettled, false);
	a->allocated = 0;
	a->block_size = 0;
	a->ino = 0;
	a->is_regular = false;
	a->users = 0;
	a->orphan = false;
	a->lingering = false;
	a->gone = false;
	a->expired = false;
	a->cooling = false;
	a->closed = 0;
	return a;
}

static void account_free(struct usage *u, struct account *a)
{
	HASH_DEL(u->accounts, a);
	u->n_ended++;
	if (a->cooling)
		atomic_fetch_sub(&u->n_cooling, 1);
	if (u->n_spare < SPARE_MAX) {
		a->next_spare = u->spare;
		u->spare = a;
		u->n_spare++;
		return;
	}
	pthread_mutex_destroy(&a->lock);
	free(a);
}

static struct account *account_find(struct usage *u,
				    const struct store_handle *h)
{
	struct account *a;

	HASH_FIND(hh, u->accounts, h, sizeof(*h), a);
	return a;
}

/* The first look at a file: what the total has of it already. */
static int account_begin(struct usage *u, struct account *a,
			 const struct statx *known)
{
	struct statx st;
	int r = 0;

	if (!known)
		r = store_getattr(u->store, &a->handle, NULL, &st);
	if (r < 0)
		return r;
	if (!known)
		known = &st;
	a->block_size = usage_block_size(known);
	a->ino = known->stx_ino;
	a->is_regular = S_ISREG(known->stx_mode);
	a->allocated = usage_allocated_of(known);
	atomic_store(&a->charged, usage_charge_of(known));
	return 0;
}

static bool has_holes(const struct account *a)
{
	return atomic_load(&a->allocated) < atomic_load(&a->charged);
}

/* May the file change without our notice though nobody has it open? */
static bool has_to_cool(const struct usage *u, const struct account *a)
{
	unsigned max = COOLING_MAX;

	if (has_holes(a))
		max = HOLES_MAX;
	else if (atomic_load(&a->charged) <= COOLING_SIZE)
		return false;
	return !a->expired && (a->cooling || atomic_load(&u->n_cooling) < max);
}

/* Nobody uses it now.  With the lock of the volume. */
static void account_rest(struct usage *u, struct account *a)
{
	bool is_counted = atomic_load(&u->state) == USAGE_EXACT;
	bool is_needed = atomic_load(&u->removing) > 0 || !is_counted;
	bool cools = has_to_cool(u, a);

	/*
	 * While a count runs, or the file may be about to lose a name, what
	 * has an account keeps it.  Of a directory, other changes are told
	 * without one.
	 */
	if (!a->is_regular || (!is_needed && !cools)) {
		account_free(u, a);
		return;
	}
	if (!a->cooling) {
		a->cooling = true;
		atomic_fetch_add(&u->n_cooling, 1);
		a->closed = usage_now();
		if (!cools) /* go at the next look */
			a->closed -= COOLING_NS;
	}
}

static void orphan_end(struct usage *u, struct account *a)
{
	quota_charge(&u->quota, -atomic_load(&a->charged), -1);
	atomic_fetch_sub(&u->allocated, a->allocated);
	atomic_fetch_sub(&u->n_orphans, 1);
	u->n_lingering -= a->lingering;
	u->orphaned = usage_now();
	usage_freed(u);
	account_free(u, a);
	pthread_cond_broadcast(&u->moved);
}

/* One user less.  With the lock of the volume. */
static void account_unuse(struct usage *u, struct account *a)
{
	if (--a->users > 0)
		return;
	if (!a->orphan)
		account_rest(u, a);
	else if (a->gone)
		orphan_end(u, a);
}

int account_get(struct usage *u, const struct store_handle *h,
		const struct statx *known, struct account **ret)
{
	struct account *a;
	int r = 0;

	pthread_mutex_lock(&u->lock);
	a = account_find(u, h);
	if (!a) {
		a = account_new(u, h);
		if (!a) {
			pthread_mutex_unlock(&u->lock);
			return -ENOMEM;
		}
		HASH_ADD(hh, u->accounts, handle, sizeof(a->handle), a);
	}
	a->users++;
	a->gone = false;
	a->expired = false;
	if (a->cooling) {
		a->cooling = false;
		atomic_fetch_sub(&u->n_cooling, 1);
	}
	pthread_mutex_unlock(&u->lock);

	pthread_mutex_lock(&a->lock);
	if (a->block_size == 0)
		r = account_begin(u, a, known);
	pthread_mutex_unlock(&a->lock);
	if (r < 0) {
		pthread_mutex_lock(&u->lock);
		account_unuse(u, a);
		pthread_mutex_unlock(&u->lock);
		return r;
	}
	*ret = a;
	return 0;
}

/* Lower the charge, unless a write relies on it: then its end settles. */
static void charge_less(struct usage *u, struct account *a, int64_t charged)
{
	int64_t old = atomic_exchange(&a->charged, charged);

	if (atomic_load(&a->busy) > 0) {
		atomic_store(&a->charged, old);
		atomic_store(&a->unsettled, true);
		return;
	}
	quota_charge(&u->quota, charged - old, 0);
}

int account_settle_locked(struct usage *u, struct account *a)
{
	struct statx st;
	int64_t charged;
	int64_t old;
	int r;

	r = store_getattr(u->store, &a->handle, NULL, &st);
	if (r < 0)
		return r;
	atomic_store(&a->unsettled, false);
	atomic_fetch_add(&u->allocated, usage_allocated_of(&st) - a->allocated);
	a->allocated = usage_allocated_of(&st);
	charged = usage_charge_of(&st);
	old = atomic_load(&a->charged);
	if (charged < old) {
		charge_less(u, a, charged);
	} else if (charged > old) {
		atomic_store(&a->charged, charged);
		quota_charge(&u->quota, charged - old, 0);
	}
	return 0;
}

void account_settle(struct usage *u, struct account *a)
{
	pthread_mutex_lock(&a->lock);
	account_settle_locked(u, a);
	pthread_mutex_unlock(&a->lock);
}

void account_put(struct usage *u, struct account *a)
{
	if (!a)
		return;
	account_settle(u, a);
	pthread_mutex_lock(&u->lock);
	account_unuse(u, a);
	pthread_mutex_unlock(&u->lock);
}

int account_reserve(struct usage *u, struct account *a, int64_t bytes)
{
	int64_t need = bytes - atomic_load(&a->charged);
	int64_t got;

	if (need <= 0)
		return 0;
	got = quota_reserve(&u->quota, need, need);
	if (got < 0)
		return (int)got;
	atomic_fetch_add(&a->charged, got);
	return 0;
}

/* Room for a write that ends at end: as much as there is, from beyond off. */
static void write_reserve(struct usage *u, struct account *a, int64_t off,
			  int64_t end)
{
	int64_t charged = atomic_load(&a->charged);
	int64_t room = quota_room(&u->quota);
	int64_t chunk = room / CHUNK_SHARE;
	int64_t least = usage_round(a->block_size, off + 1) - charged;
	int64_t want = usage_round(a->block_size, end) - charged;
	int64_t got;

	if (want <= 0)
		return;
	if (chunk > CHUNK_MAX)
		chunk = CHUNK_MAX;
	if (want < chunk)
		want = usage_round(a->block_size, chunk);
	got = quota_reserve(&u->quota, least > 0 ? least : 1, want);
	if (got > 0)
		atomic_fetch_add(&a->charged, got);
}

int account_write(struct usage *u, struct account *a, uint64_t off, size_t len,
		  size_t *ret_len)
{
	int64_t start = (int64_t)off;
	int64_t end;
	int64_t covered;

	if (off > INT64_MAX - len)
		return -EFBIG;
	end = start + (int64_t)len;
	/* Before charged is read: whoever lowers it looks at busy after. */
	atomic_fetch_add(&a->busy, 1);
	if (usage_round(a->block_size, end) > atomic_load(&a->charged)) {
		pthread_mutex_lock(&a->lock);
		write_reserve(u, a, start, end);
		pthread_mutex_unlock(&a->lock);
	}
	covered = atomic_load(&a->charged);
	covered -= covered % a->block_size;
	if (covered <= start) {
		account_wrote(u, a);
		return -ENOSPC;
	}
	*ret_len = covered < end ? (size_t)(covered - start) : len;
	return 0;
}

void account_wrote(struct usage *u, struct account *a)
{
	if (atomic_fetch_sub(&a->busy, 1) == 1 && atomic_load(&a->unsettled))
		account_settle(u, a);
}

/* With the lock of the volume. */
static void linger(struct usage *u, struct account *a, bool lingering)
{
	u->n_lingering += lingering - a->lingering;
	a->lingering = lingering;
}

int account_orphan(struct usage *u, const struct store_handle *h,
		   const struct statx *st, bool is_open)
{
	struct account *a;
	int r;

	r = account_get(u, h, st, &a);
	if (r < 0)
		return r;
	pthread_mutex_lock(&u->lock);
	if (!a->orphan)
		atomic_fetch_add(&u->n_orphans, 1);
	a->orphan = true;
	linger(u, a, !is_open);
	a->users--;
	u->orphaned = usage_now();
	pthread_mutex_unlock(&u->lock);
	return 0;
}

void account_adopt(struct usage *u, const struct store_handle *h)
{
	struct account *a;

	if (atomic_load(&u->n_orphans) == 0)
		return;
	pthread_mutex_lock(&u->lock);
	a = account_find(u, h);
	if (a && a->orphan) {
		a->orphan = false;
		linger(u, a, false);
		atomic_fetch_sub(&u->n_orphans, 1);
		if (a->users == 0)
			account_rest(u, a);
	}
	pthread_mutex_unlock(&u->lock);
}

void account_closed(struct usage *u, const struct store_handle *h, bool sure)
{
	struct account *a;

	if (atomic_load(&u->n_orphans) == 0)
		return;
	pthread_mutex_lock(&u->lock);
	a = account_find(u, h);
	if (a && a->orphan) {
		linger(u, a, a->lingering || sure);
		u->orphaned = usage_now();
	}
	pthread_mutex_unlock(&u->lock);
}

void account_gone(struct usage *u, const struct store_handle *h)
{
	struct account *a;

	pthread_mutex_lock(&u->lock);
	a = u->accounts ? account_find(u, h) : NULL;
	if (a && a->orphan) {
		a->gone = true;
		if (a->users == 0)
			orphan_end(u, a);
	}
	pthread_mutex_unlock(&u->lock);
}

/* Every account, held, so that none goes meanwhile; NULL: none, or no memory.
 */
static struct account **hold_all(struct usage *u, size_t *ret_n)
{
	struct account **all = NULL;
	struct account *a;
	struct account *next;
	size_t n = 0;

	pthread_mutex_lock(&u->lock);
	if (u->accounts)
		all = calloc(HASH_COUNT(u->accounts), sizeof(struct account *));
	if (all) {
		HASH_ITER(hh, u->accounts, a, next)
		{
			a->users++;
			all[n++] = a;
		}
	}
	pthread_mutex_unlock(&u->lock);
	*ret_n = n;
	return all;
}

static bool is_cold(const struct account *a, int64_t now)
{
	return a->users == 1 && a->cooling && !a->orphan &&
	       now - a->closed > COOLING_NS;
}

/* Of those that have cooled off, only what nobody can fill may be let go. */
static bool may_expire(struct usage *u, struct account *a, int64_t now)
{
	bool cold;

	pthread_mutex_lock(&u->lock);
	cold = is_cold(a, now);
	pthread_mutex_unlock(&u->lock);
	return cold &&
	       (!has_holes(a) || store_is_written(u->store, &a->handle) <= 0);
}

static void settle_one(struct usage *u, struct account *a)
{
	/* Whoever holds it is about to need what it has. */
	if (pthread_mutex_trylock(&a->lock) != 0)
		return;
	if (a->block_size)
		account_settle_locked(u, a);
	pthread_mutex_unlock(&a->lock);
}

void account_settle_all(struct usage *u, const struct account *except,
			bool drop)
{
	int64_t now = usage_now();
	cleanup_free struct account **all = NULL;
	size_t n;

	all = hold_all(u, &n);
	for (size_t i = 0; i < n; i++) {
		/* First: what it holds is settled after its last writer. */
		bool expires = drop && may_expire(u, all[i], now);

		if (all[i] != except)
			settle_one(u, all[i]);
		pthread_mutex_lock(&u->lock);
		if (expires && is_cold(all[i], now))
			all[i]->expired = true;
		account_unuse(u, all[i]);
		pthread_mutex_unlock(&u->lock);
	}
}
