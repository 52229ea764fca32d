/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quota.h - limits of bytes and inodes, and what is used of them, exact
 *
 * Room is reserved before anything grows and given back when it shrinks, with
 * atomics alone: no two threads can be given the same byte.  A quota may have
 * a parent (the pod's), whose limits hold as well.
 */
#ifndef STORE_QUOTA_H
#define STORE_QUOTA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define QUOTA_NO_LIMIT INT64_MAX

struct quota {
	struct quota *parent; /* set before it is used; may be NULL */
	atomic_int_fast64_t limit_bytes; /* QUOTA_NO_LIMIT: none */
	atomic_int_fast64_t limit_inodes;
	atomic_int_fast64_t used_bytes; /* reserved bytes included */
	atomic_int_fast64_t used_inodes;
};

void quota_init(struct quota *q, struct quota *parent);

/* 0 and less stand for no limit.  May be below what is used. */
void quota_set_bytes(struct quota *q, int64_t limit);
void quota_set_inodes(struct quota *q, int64_t limit);

/* Has it, or a parent, a limit of bytes? */
bool quota_is_limited(const struct quota *q);

/*
 * Take between min and want bytes, as many as there are.  The bytes taken, or
 * -ENOSPC and nothing is taken.
 */
int64_t quota_reserve(struct quota *q, int64_t min, int64_t want);
int quota_reserve_inode(struct quota *q);

/* What happened already: in or out, whatever the limit says. */
void quota_charge(struct quota *q, int64_t bytes, int64_t inodes);

/* What is left until the nearest limit; QUOTA_NO_LIMIT if there is none. */
int64_t quota_room(const struct quota *q);
int64_t quota_inode_room(const struct quota *q);

#endif
