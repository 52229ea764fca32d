/* SPDX-License-Identifier: Apache-2.0 */
/* quota.c - limits of bytes and inodes, and what is used of them, exact */
#include "store/quota.h"

#include <errno.h>
#include <stddef.h>

void quota_init(struct quota *q, struct quota *parent)
{
	q->parent = parent;
	atomic_init(&q->limit_bytes, QUOTA_NO_LIMIT);
	atomic_init(&q->limit_inodes, QUOTA_NO_LIMIT);
	atomic_init(&q->used_bytes, 0);
	atomic_init(&q->used_inodes, 0);
}

void quota_set_bytes(struct quota *q, int64_t limit)
{
	atomic_store(&q->limit_bytes, limit > 0 ? limit : QUOTA_NO_LIMIT);
}

void quota_set_inodes(struct quota *q, int64_t limit)
{
	atomic_store(&q->limit_inodes, limit > 0 ? limit : QUOTA_NO_LIMIT);
}

bool quota_is_limited(const struct quota *q)
{
	for (; q; q = q->parent) {
		if (atomic_load(&q->limit_bytes) != QUOTA_NO_LIMIT)
			return true;
	}
	return false;
}

/* As much as is there of min to want, from one counter. */
static int64_t take(atomic_int_fast64_t *used, int64_t limit, int64_t min,
		    int64_t want)
{
	int_fast64_t now = atomic_load(used);
	int64_t n;

	do {
		n = limit == QUOTA_NO_LIMIT ? want : limit - now;
		if (n < min)
			return -ENOSPC;
		if (n > want)
			n = want;
	} while (!atomic_compare_exchange_weak(used, &now, now + n));
	return n;
}

int64_t quota_reserve(struct quota *q, int64_t min, int64_t want)
{
	int64_t mine;
	int64_t n;

	mine = take(&q->used_bytes, atomic_load(&q->limit_bytes), min, want);
	if (mine < 0 || !q->parent)
		return mine;
	n = quota_reserve(q->parent, min, mine);
	if (n != mine)
		atomic_fetch_sub(&q->used_bytes, n < 0 ? mine : mine - n);
	return n;
}

int quota_reserve_inode(struct quota *q)
{
	int64_t n = take(&q->used_inodes, atomic_load(&q->limit_inodes), 1, 1);

	if (n < 0)
		return (int)n;
	if (q->parent && quota_reserve_inode(q->parent) < 0) {
		atomic_fetch_sub(&q->used_inodes, 1);
		return -ENOSPC;
	}
	return 0;
}

void quota_charge(struct quota *q, int64_t bytes, int64_t inodes)
{
	for (; q; q = q->parent) {
		if (bytes)
			atomic_fetch_add(&q->used_bytes, bytes);
		if (inodes)
			atomic_fetch_add(&q->used_inodes, inodes);
	}
}

static int64_t left(const atomic_int_fast64_t *used,
		    const atomic_int_fast64_t *limit)
{
	int64_t max = atomic_load(limit);
	int64_t n;

	if (max == QUOTA_NO_LIMIT)
		return max;
	n = max - atomic_load(used);
	return n > 0 ? n : 0;
}

int64_t quota_room(const struct quota *q)
{
	int64_t room = QUOTA_NO_LIMIT;

	for (; q; q = q->parent) {
		int64_t n = left(&q->used_bytes, &q->limit_bytes);

		room = n < room ? n : room;
	}
	return room;
}

int64_t quota_inode_room(const struct quota *q)
{
	int64_t room = QUOTA_NO_LIMIT;

	for (; q; q = q->parent) {
		int64_t n = left(&q->used_inodes, &q->limit_inodes);

		room = n < room ? n : room;
	}
	return room;
}
