/* SPDX-License-Identifier: Apache-2.0 */
/* recount.c - count a volume anew whose stored total is not to be trusted */
#include "store/recount.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uthash.h>

#include "store/account.h"
#include "store/base/cleanup.h"
#include "store/base/path.h"
#include "store/node_step.h"
#include "store/usage.h"
#include "store/walk.h"

/* Counts beside which changes may go on, before they have to wait. */
#define FREE_TRIES 3
/* Those while changes wait, before it is given up: closed files still end. */
#define FROZEN_TRIES 20
#define SETTLE_TRIES 1000

/*
 * What has an account is counted by that, and not by the walk.  *ret_ended
 * tells whether one of them is gone when the walk is over.
 */
static int skip_accounts(struct walk *w, struct usage *u, uint64_t *ret_ended)
{
	struct account *a;
	struct account *next;
	int r = 0;

	pthread_mutex_lock(&u->lock);
	HASH_ITER(hh, u->accounts, a, next)
	{
		if (r == 0)
			r = walk_skip(w, a->ino);
	}
	*ret_ended = u->n_ended;
	pthread_mutex_unlock(&u->lock);
	return r;
}

static struct usage_totals sum_accounts(struct usage *u, uint64_t *ret_ended)
{
	struct usage_totals sum = { 0 };
	struct account *a;
	struct account *next;

	pthread_mutex_lock(&u->lock);
	HASH_ITER(hh, u->accounts, a, next)
	{
		sum.charged += atomic_load(&a->charged);
		sum.allocated += atomic_load(&a->allocated);
		sum.inodes++;
	}
	*ret_ended = u->n_ended;
	pthread_mutex_unlock(&u->lock);
	return sum;
}

/*
 * Files that are open go on changing: take a moment in which none did.
 * -EAGAIN if one that the walk has left out has no account any more.
 */
static int correct(struct usage *u, const struct usage_totals *walked,
		   uint64_t ended)
{
	struct usage_totals sum;
	struct usage_totals again;
	struct usage_totals had;
	int tries = SETTLE_TRIES;
	uint64_t now = ended;

	account_settle_all(u, NULL, false);
	do {
		sum = sum_accounts(u, &now);
		had.charged = atomic_load(&u->quota.used_bytes);
		had.allocated = atomic_load(&u->allocated);
		had.inodes = atomic_load(&u->quota.used_inodes);
		again = sum_accounts(u, &now);
	} while (memcmp(&sum, &again, sizeof(sum)) != 0 && --tries > 0);
	if (now != ended)
		return -EAGAIN;
	quota_charge(&u->quota, walked->charged + sum.charged - had.charged,
		     walked->inodes + sum.inodes - had.inodes);
	atomic_fetch_add(&u->allocated,
			 walked->allocated + sum.allocated - had.allocated);
	return 0;
}

static void wait_for_changes(struct usage *u)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	while (atomic_load(&u->changing) > 0)
		nanosleep(&ms, NULL);
}

static int count_once(struct usage *u, int dir_fd, bool freeze,
		      const atomic_bool *stop)
{
	struct walk *w = walk_new(WALK_LINKS_MAX, stop);
	struct usage_totals walked;
	uint64_t changes;
	uint64_t ended;
	int r;

	if (!w)
		return -ENOMEM;
	usage_set_state(u, USAGE_FROZEN);
	wait_for_changes(u);
	changes = atomic_load(&u->changes);
	if (!freeze)
		usage_set_state(u, USAGE_COUNTING);
	r = skip_accounts(w, u, &ended);
	if (r == 0)
		r = walk_count(w, dir_fd, &walked);
	if (r == 0) {
		node_step("recount.walked");
		usage_set_state(u, USAGE_FROZEN);
		wait_for_changes(u);
		if (atomic_load(&u->changes) != changes)
			r = -EAGAIN;
		else
			r = correct(u, &walked, ended);
	}
	walk_free(w);
	return r;
}

int recount_run(struct usage *u, int dir_fd, const atomic_bool *stop)
{
	bool freeze = quota_is_limited(&u->quota);
	int r = -EAGAIN;

	node_step("recount.begin");
	for (int i = 0; i < FREE_TRIES + FROZEN_TRIES && r == -EAGAIN; i++)
		r = count_once(u, dir_fd, freeze || i >= FREE_TRIES, stop);
	usage_set_state(u, r == 0 ? USAGE_EXACT : USAGE_UNKNOWN);
	if (r == 0)
		node_step("recount.counted");
	return r;
}

int recount_empty(int dir_fd, struct usage_totals *ret)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	struct statx st;

	if (!dir) {
		closep(&fd);
		return -errno;
	}
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): our own stream */
	while ((entry = readdir(dir))) {
		if (path_is_name(entry->d_name))
			return -ENOTEMPTY;
	}
	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) < 0)
		return -errno;
	*ret = (struct usage_totals){ .charged = usage_charge_of(&st),
				      .allocated = usage_allocated_of(&st),
				      .inodes = 1 };
	return 0;
}
