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
#include "store/usage.h"

/* Counts beside which changes may go on, before they have to wait. */
#define FREE_TRIES 3
/* Those while changes wait, before it is given up: closed files still end. */
#define FROZEN_TRIES 20
/* Directories kept open; those further up are opened again by "..". */
#define OPEN_MAX_DIRS 64u
#define SETTLE_TRIES  1000

struct seen {
	uint64_t ino;
	UT_hash_handle hh;
};

struct frame {
	DIR *dir;
	long at;
	uint64_t ino;
};

struct walk {
	struct frame *frames;
	size_t depth;
	size_t room;
	size_t closed; /* frames below are not open */
	uint32_t dev_major;
	uint32_t dev_minor;
	struct seen *seen; /* to be counted no more */
	struct usage_totals totals;
	const atomic_bool *stop;
};

static int see(struct walk *w, uint64_t ino, bool *ret_is_new)
{
	struct seen *s;

	HASH_FIND(hh, w->seen, &ino, sizeof(ino), s);
	*ret_is_new = !s;
	if (s)
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->ino = ino;
	HASH_ADD(hh, w->seen, ino, sizeof(ino), s);
	return 0;
}

static void walk_done(struct walk *w)
{
	struct seen *s;
	struct seen *next;

	while (w->depth > 0) {
		w->depth--;
		if (w->frames[w->depth].dir)
			closedir(w->frames[w->depth].dir);
	}
	free(w->frames);
	HASH_ITER(hh, w->seen, s, next)
	{
		HASH_DEL(w->seen, s);
		free(s);
	}
}

/* Enter the directory that *fd stands for; takes it over. */
static int push(struct walk *w, int *fd, uint64_t ino)
{
	struct frame *f;

	if (w->depth == w->room) {
		size_t room = w->room ? w->room * 2 : OPEN_MAX_DIRS;

		f = reallocarray(w->frames, room, sizeof(*f));
		if (!f)
			return -ENOMEM;
		w->frames = f;
		w->room = room;
	}
	if (w->depth - w->closed >= OPEN_MAX_DIRS) {
		f = &w->frames[w->closed++];
		f->at = telldir(f->dir);
		closedir(f->dir);
		f->dir = NULL;
	}
	f = &w->frames[w->depth];
	*f = (struct frame){ .dir = fdopendir(*fd), .ino = ino };
	if (!f->dir)
		return -errno;
	steal_fd(fd);
	w->depth++;
	return 0;
}

static int reopen(struct walk *w, int child_fd)
{
	struct frame *f = &w->frames[w->depth - 2];
	cleanup_fd int fd = -1;
	struct stat st;

	fd = openat(child_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	/* It was moved meanwhile: this count is worth nothing. */
	if (st.st_ino != f->ino)
		return -EAGAIN;
	f->dir = fdopendir(fd);
	if (!f->dir)
		return -errno;
	steal_fd(&fd);
	seekdir(f->dir, f->at);
	w->closed--;
	return 0;
}

static int pop(struct walk *w)
{
	struct frame *f = &w->frames[w->depth - 1];
	int r = 0;

	if (w->depth > 1 && !w->frames[w->depth - 2].dir)
		r = reopen(w, dirfd(f->dir));
	closedir(f->dir);
	w->depth--;
	return r;
}

static void count(struct walk *w, const struct statx *st)
{
	w->totals.charged += usage_charge_of(st);
	w->totals.allocated += usage_allocated_of(st);
	w->totals.inodes++;
}

static int walk_entry(struct walk *w, int dir_fd, const char *name)
{
	cleanup_fd int fd = -1;
	struct statx st;
	bool is_new;
	int r;

	if (statx(dir_fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
		  STATX_BASIC_STATS, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (st.stx_dev_major != w->dev_major ||
	    st.stx_dev_minor != w->dev_minor)
		return 0;
	if (S_ISDIR(st.stx_mode)) {
		fd = path_open(dir_fd, name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NOATIME,
			       RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
				       RESOLVE_NO_XDEV);
		if (fd == -ENOENT || fd == -EXDEV || fd == -ENOTDIR)
			return 0;
		if (fd < 0)
			return fd;
		count(w, &st);
		return push(w, &fd, st.stx_ino);
	}
	is_new = true;
	if (st.stx_nlink > 1) {
		r = see(w, st.stx_ino, &is_new);
	} else {
		struct seen *s;

		r = 0;
		HASH_FIND(hh, w->seen, &st.stx_ino, sizeof(st.stx_ino), s);
		is_new = !s;
	}
	if (r == 0 && is_new)
		count(w, &st);
	return r;
}

static int walk_run(struct walk *w)
{
	int r = 0;

	while (r == 0 && w->depth > 0) {
		DIR *dir = w->frames[w->depth - 1].dir;
		const struct dirent *entry;

		if (w->stop && atomic_load(w->stop))
			return -ECANCELED;
		errno = 0;
		/* NOLINTNEXTLINE(concurrency-mt-unsafe): our own stream */
		entry = readdir(dir);
		if (!entry)
			r = errno ? -errno : pop(w);
		else if (path_is_name(entry->d_name))
			r = walk_entry(w, dirfd(dir), entry->d_name);
	}
	return r;
}

static int walk_begin(struct walk *w, int dir_fd)
{
	cleanup_fd int fd = -1;
	struct statx st;

	fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) < 0)
		return -errno;
	w->dev_major = st.stx_dev_major;
	w->dev_minor = st.stx_dev_minor;
	count(w, &st);
	return push(w, &fd, st.stx_ino);
}

/*
 * What has an account is counted by that, and not by the walk.  *ret_ended
 * tells whether one of them is gone when the walk is over.
 */
static int skip_accounts(struct walk *w, struct usage *u, uint64_t *ret_ended)
{
	struct account *a;
	struct account *next;
	bool is_new;
	int r = 0;

	pthread_mutex_lock(&u->lock);
	HASH_ITER(hh, u->accounts, a, next)
	{
		if (r == 0)
			r = see(w, a->ino, &is_new);
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
	struct walk w = { .stop = stop };
	uint64_t changes;
	uint64_t ended;
	int r;

	usage_set_state(u, USAGE_FROZEN);
	wait_for_changes(u);
	changes = atomic_load(&u->changes);
	if (!freeze)
		usage_set_state(u, USAGE_COUNTING);
	r = skip_accounts(&w, u, &ended);
	if (r == 0)
		r = walk_begin(&w, dir_fd);
	if (r == 0)
		r = walk_run(&w);
	if (r == 0) {
		usage_set_state(u, USAGE_FROZEN);
		wait_for_changes(u);
		if (atomic_load(&u->changes) != changes)
			r = -EAGAIN;
		else
			r = correct(u, &w.totals, ended);
	}
	walk_done(&w);
	return r;
}

int recount_run(struct usage *u, int dir_fd, const atomic_bool *stop)
{
	bool freeze = quota_is_limited(&u->quota);
	int r = -EAGAIN;

	for (int i = 0; i < FREE_TRIES + FROZEN_TRIES && r == -EAGAIN; i++)
		r = count_once(u, dir_fd, freeze || i >= FREE_TRIES, stop);
	usage_set_state(u, r == 0 ? USAGE_EXACT : USAGE_UNKNOWN);
	return r;
}

int recount_empty(int dir_fd, struct usage_totals *ret)
{
	struct walk w = { 0 };
	const struct dirent *entry;
	int r = walk_begin(&w, dir_fd);

	while (r == 0 && w.depth == 1) {
		/* NOLINTNEXTLINE(concurrency-mt-unsafe): our own stream */
		entry = readdir(w.frames[0].dir);
		if (!entry)
			break;
		if (path_is_name(entry->d_name))
			r = -ENOTEMPTY;
	}
	if (r == 0)
		*ret = w.totals;
	walk_done(&w);
	return r;
}
