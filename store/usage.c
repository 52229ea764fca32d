/* SPDX-License-Identifier: Apache-2.0 */
/* usage.c - what the files of a volume hold, known at any time */
#include "store/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>

#include "store/account.h"
#include "store/base/cleanup.h"
#include "store/base/cond.h"
#include "store/volume.h"

/*
 * The kernel tells of a file's end some microseconds after it, or later where
 * there are many or the CPUs are busy.  It tells of the last close no sooner,
 * so what seems to be open may not be.
 */
#define LINGER_WAIT_NS (INT64_C(2000) * 1000000)
#define OPEN_WAIT_NS   (INT64_C(500) * 1000000)
#define COUNT_WAIT_S   600
/* A removed file that was being written may end in the background. */
#define SETTLE_NS	(INT64_C(1000) * 1000000)
#define SETTLE_PAUSE_NS (INT64_C(20) * 1000000)
#define BLOCK_SIZE_MIN	512u
#define BLOCK_SIZE_MAX	65536u

int64_t usage_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

/* --- the rule ----------------------------------------------------------- */

uint32_t usage_block_size(const struct statx *st)
{
	uint32_t n = st->stx_blksize;

	/* Some say here what they like to be asked for. */
	if (n < BLOCK_SIZE_MIN || n > BLOCK_SIZE_MAX || (n & (n - 1)))
		return BLOCK_SIZE_MIN;
	return n;
}

int64_t usage_round(uint32_t block_size, int64_t n)
{
	int64_t mask = (int64_t)block_size - 1;

	return n > INT64_MAX - mask ? INT64_MAX & ~mask : (n + mask) & ~mask;
}

int64_t usage_allocated_of(const struct statx *st)
{
	return (int64_t)st->stx_blocks * 512;
}

/* A mapping fills the holes of a file up to its last block without a word. */
int64_t usage_charge_of(const struct statx *st)
{
	int64_t allocated = usage_allocated_of(st);
	int64_t size;

	if (!S_ISREG(st->stx_mode))
		return allocated;
	size = usage_round(usage_block_size(st), (int64_t)st->stx_size);
	return size > allocated ? size : allocated;
}

/* --- life ------------------------------------------------------------------
 */

struct usage_group *usage_group_new(int64_t limit_bytes)
{
	struct usage_group *group = calloc(1, sizeof(*group));

	if (!group)
		return NULL;
	quota_init(&group->quota, NULL);
	quota_set_bytes(&group->quota, limit_bytes);
	pthread_mutex_init(&group->lock, NULL);
	atomic_init(&group->refs, 1);
	return group;
}

void usage_group_unref(struct usage_group *group)
{
	if (!group || atomic_fetch_sub(&group->refs, 1) != 1)
		return;
	pthread_mutex_destroy(&group->lock);
	free(group);
}

static void group_join(struct usage_group *group, struct usage *u)
{
	u->group = group;
	if (!group)
		return;
	atomic_fetch_add(&group->refs, 1);
	pthread_mutex_lock(&group->lock);
	u->group_next = group->first;
	group->first = u;
	pthread_mutex_unlock(&group->lock);
}

static void group_leave(struct usage *u)
{
	struct usage_group *group = u->group;
	struct usage **p;

	if (!group)
		return;
	pthread_mutex_lock(&group->lock);
	for (p = &group->first; *p != u; p = &(*p)->group_next)
		;
	*p = u->group_next;
	pthread_mutex_unlock(&group->lock);
	quota_charge(&group->quota, -atomic_load(&u->quota.used_bytes),
		     -atomic_load(&u->quota.used_inodes));
	usage_group_unref(group);
}

int usage_new(struct store *store, uint32_t volume_id,
	      struct usage_group *group, usage_mark_fn *mark, void *mark_arg,
	      struct usage **ret)
{
	struct usage *u = calloc(1, sizeof(*u));

	if (!u)
		return -ENOMEM;
	quota_init(&u->quota, group ? &group->quota : NULL);
	u->store = store;
	u->volume_id = volume_id;
	u->mark = mark;
	u->mark_arg = mark_arg;
	atomic_init(&u->state, USAGE_UNKNOWN);
	pthread_mutex_init(&u->mark_lock, NULL);
	pthread_mutex_init(&u->lock, NULL);
	cond_init(&u->moved);
	group_join(group, u);
	*ret = u;
	return 0;
}

static void accounts_free(struct usage *u)
{
	struct account *a;
	struct account *next;

	HASH_ITER(hh, u->accounts, a, next)
	{
		HASH_DEL(u->accounts, a);
		pthread_mutex_destroy(&a->lock);
		free(a);
	}
	while ((a = u->spare)) {
		u->spare = a->next_spare;
		pthread_mutex_destroy(&a->lock);
		free(a);
	}
}

void usage_free(struct usage *u)
{
	int saved = errno;

	if (!u)
		return;
	group_leave(u);
	accounts_free(u);
	pthread_cond_destroy(&u->moved);
	pthread_mutex_destroy(&u->lock);
	pthread_mutex_destroy(&u->mark_lock);
	free(u);
	errno = saved;
}

/* --- changes ------------------------------------------------------------- */

static int mark(struct usage *u)
{
	int r = 0;

	pthread_mutex_lock(&u->mark_lock);
	if (!atomic_load(&u->marked)) {
		r = u->mark ? u->mark(u->mark_arg, u->volume_id) : 0;
		if (r == 0)
			atomic_store(&u->marked, true);
	}
	pthread_mutex_unlock(&u->mark_lock);
	return r;
}

/* Must a change wait for the count to end? */
static bool must_wait(const struct usage *u)
{
	int state = atomic_load(&u->state);

	return state == USAGE_FROZEN ||
	       (state != USAGE_EXACT && quota_is_limited(&u->quota));
}

bool usage_begin_waits(const struct usage *u)
{
	return !atomic_load_explicit(&u->marked, memory_order_relaxed) ||
	       must_wait(u);
}

/* Not for ever: a volume that is being deleted is counted by nobody. */
static void wait_for_count(struct usage *u)
{
	struct timespec until = cond_deadline(COUNT_WAIT_S);
	int r = 0;

	pthread_mutex_lock(&u->lock);
	while (must_wait(u) && r == 0)
		r = pthread_cond_timedwait(&u->moved, &u->lock, &until);
	pthread_mutex_unlock(&u->lock);
}

int usage_begin(struct usage *u, bool grows)
{
	int r;

	if (!atomic_load_explicit(&u->marked, memory_order_relaxed)) {
		r = mark(u);
		/* On a full disk what makes room goes on. */
		if (r < 0 && grows)
			return r;
	}
	for (bool waited = false;; waited = true) {
		/* Whoever freezes looks at changing after it changed state. */
		atomic_fetch_add(&u->changing, 1);
		if (atomic_load(&u->state) == USAGE_EXACT)
			return 0;
		if (!must_wait(u) || waited)
			break;
		atomic_fetch_sub(&u->changing, 1);
		wait_for_count(u);
	}
	atomic_fetch_add(&u->changes, 1);
	return 0;
}

void usage_end(struct usage *u)
{
	atomic_fetch_sub(&u->changing, 1);
}

void usage_remove_begin(struct usage *u)
{
	atomic_fetch_add(&u->removing, 1);
}

void usage_remove_end(struct usage *u)
{
	atomic_fetch_sub(&u->removing, 1);
}

void usage_changed(struct usage *u, const struct statx *before,
		   const struct statx *after)
{
	int64_t charged = 0;
	int64_t allocated = 0;
	int64_t inodes = 0;

	if (before) {
		charged -= usage_charge_of(before);
		allocated -= usage_allocated_of(before);
		inodes--;
	}
	if (after) {
		charged += usage_charge_of(after);
		allocated += usage_allocated_of(after);
		inodes++;
	}
	quota_charge(&u->quota, charged, inodes);
	if (allocated)
		atomic_fetch_add(&u->allocated, allocated);
}

/* --- room ---------------------------------------------------------------- */

/* As long as one goes after the other, and there is not enough. */
static void wait_for_orphans(struct usage *u, int64_t need)
{
	struct timespec until;
	int64_t end;

	if (atomic_load(&u->n_orphans) == 0)
		return;
	pthread_mutex_lock(&u->lock);
	while (atomic_load(&u->n_orphans) > 0 &&
	       (need == INT64_MAX || quota_room(&u->quota) < need)) {
		end = u->orphaned +
		      (u->n_lingering ? LINGER_WAIT_NS : OPEN_WAIT_NS);
		if (end <= usage_now())
			break;
		until.tv_sec = end / 1000000000;
		until.tv_nsec = end % 1000000000;
		pthread_cond_timedwait(&u->moved, &u->lock, &until);
	}
	pthread_mutex_unlock(&u->lock);
}

void usage_make_room(struct usage *u, struct account *except, int64_t need)
{
	struct usage_group *group = u->group;

	wait_for_orphans(u, need);
	account_settle_all(u, except, false);
	if (!group)
		return;
	pthread_mutex_lock(&group->lock);
	for (struct usage *o = group->first; o; o = o->group_next) {
		if (o == u)
			continue;
		wait_for_orphans(o, need);
		account_settle_all(o, NULL, false);
	}
	pthread_mutex_unlock(&group->lock);
}

/* --- answers -------------------------------------------------------------- */

bool usage_get(struct usage *u, struct usage_totals *ret)
{
	wait_for_orphans(u, INT64_MAX);
	account_settle_all(u, NULL, false);
	ret->charged = atomic_load(&u->quota.used_bytes);
	ret->allocated = atomic_load(&u->allocated);
	ret->inodes = atomic_load(&u->quota.used_inodes);
	return atomic_load(&u->state) == USAGE_EXACT;
}

static int ask_keeper(const struct usage *u, struct volume_kept *ret)
{
	cleanup_fd int fd = -1;

	fd = open(u->keeper.root,
		  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NOATIME);
	return fd < 0 ? -errno : u->keeper.get(fd, ret);
}

bool usage_find_keeper(struct usage *u)
{
	struct volume_kept kept;
	bool found = u->keeper.get && ask_keeper(u, &kept) == 0;

	atomic_store(&u->keeper.is_used, found);
	return found;
}

int usage_kept(const struct usage *u, struct volume_kept *ret)
{
	return atomic_load(&u->keeper.is_used) ? ask_keeper(u, ret)
					       : -EOPNOTSUPP;
}

void usage_freed(struct usage *u)
{
	if (atomic_load_explicit(&u->keeper.is_used, memory_order_relaxed))
		atomic_store(&u->keeper.freed, usage_now());
}

bool usage_settle_kept(struct usage *u, const struct store_handle *h)
{
	static const struct timespec pause = { .tv_nsec = SETTLE_PAUSE_NS };
	struct usage_keeper *keeper = &u->keeper;
	int64_t freed = atomic_load(&keeper->freed);
	int64_t settled = atomic_load(&keeper->settled);

	if (!atomic_load(&keeper->is_used) || freed == 0 ||
	    settled > freed + SETTLE_NS)
		return false;
	if (settled > freed)
		nanosleep(&pause, NULL);
	usage_make_room(u, NULL, INT64_MAX);
	settled = usage_now();
	if (store_syncfs(u->store, h) < 0)
		return false;
	atomic_store(&keeper->settled, settled);
	return true;
}

void usage_set_state(struct usage *u, enum usage_state state)
{
	pthread_mutex_lock(&u->lock);
	atomic_store(&u->state, state);
	pthread_cond_broadcast(&u->moved);
	pthread_mutex_unlock(&u->lock);
}

void usage_set(struct usage *u, const struct usage_totals *totals)
{
	quota_charge(&u->quota,
		     totals->charged - atomic_load(&u->quota.used_bytes),
		     totals->inodes - atomic_load(&u->quota.used_inodes));
	atomic_store(&u->allocated, totals->allocated);
	usage_set_state(u, USAGE_EXACT);
}

void usage_sweep(struct usage *u)
{
	if (atomic_load(&u->n_cooling) > 0)
		account_settle_all(u, NULL, true);
}
