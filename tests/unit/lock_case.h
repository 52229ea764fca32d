/* SPDX-License-Identifier: Apache-2.0 */
/* lock_case.h - two files of a volume, and short words for their locks */
#ifndef UNIT_LOCK_CASE_H
#define UNIT_LOCK_CASE_H

#include "fuse/inode.h"
#include "fuse/locks.h"
#include "store/store.h"
#include "store/volume.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#define END (UINT64_MAX >> 1)

static struct locks *locks;
static struct volume *vol;
static struct inode file;
static struct inode other;

static inline void close_store(struct store *st)
{
	free(st);
}

static inline void files_make(void)
{
	static const struct store_ops none = { .close = close_store };
	struct store *st = calloc(1, sizeof(*st));

	st->ops = &none;
	vol = volume_new(1, "v", "emptyDir", "kubernetes.io/empty-dir", NULL,
			 st, true, false);
	file = (struct inode){ .nodeid = 1ULL << 32 | 1, .volume = vol };
	other = (struct inode){ .nodeid = 1ULL << 32 | 2, .volume = vol };
}

static inline void files_end(void)
{
	locks_free(locks);
	volume_unref(vol);
}

static inline struct lock lock(uint64_t owner, int type, uint64_t start,
			       uint64_t end)
{
	return (struct lock){ .owner = owner,
			      .type = type,
			      .start = start,
			      .end = end,
			      .fh = owner * 10,
			      .pid = (pid_t)owner };
}

static inline int set(uint64_t owner, int type, uint64_t start, uint64_t end)
{
	struct lock l = lock(owner, type, start, end);

	return locks_set(locks, &file, LOCK_POSIX, &l);
}

static inline struct lock test(uint64_t owner, int type, uint64_t start,
			       uint64_t end)
{
	struct lock l = lock(owner, type, start, end);

	cr_assert(eq(int, locks_test(locks, &file, &l), 0));
	return l;
}

static int answers[4];

static inline void answered(void *arg, int r)
{
	*(int *)arg = r;
}

static inline int wait_for(const struct inode *inode, uint64_t owner, int type,
			   uint64_t *ret_ticket)
{
	struct lock l = lock(owner, type, 0, END);

	answers[owner] = 99;
	return locks_wait(locks, inode, LOCK_POSIX, &l, answered,
			  &answers[owner], ret_ticket);
}

#endif
