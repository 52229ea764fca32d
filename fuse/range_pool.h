/* SPDX-License-Identifier: Apache-2.0 */
/*
 * range_pool.h - the records of locked ranges, in memory that outlives us
 *
 * A range is one record of 64 bytes in the state memory (store/base/state.h),
 * so that the successor of a process that was killed knows each lock that was
 * granted.  It is in use from the store that says so, the last one when it is
 * made, to the store that takes that back; which list it is in is the matter of
 * one process and made anew by the next one.
 */
#ifndef FUSE_RANGE_POOL_H
#define FUSE_RANGE_POOL_H

#include <pthread.h>
#include <stdint.h>

#include "fuse/locks.h"

struct range_pool;
struct state;

/* Of all volumes together; beyond is -ENOLCK. */
#define RANGES_MAX (1u << 22)

struct range {
	struct lock lock;
	uint64_t nodeid;    /* the file */
	struct range *next; /* in this process only */
	uint32_t in_use;    /* 0: free; else enum lock_space + 1 */
	uint32_t spare;
};

_Static_assert(sizeof(struct range) == 64, "a range is one cache line");

/* Free records: those who share a cache seldom need the pool's lock. */
struct range_cache {
	pthread_mutex_t lock; /* of all that follows */
	struct range_pool *pool;
	struct range *free;
	unsigned n;
};

/*
 * The records that a predecessor left in use are returned in *ret_found, linked
 * in no order, each to be kept or given back.
 */
int range_pool_new(struct state *state, struct range_pool **ret,
		   struct range **ret_found);
/* What is in use stays in the state. */
void range_pool_free(struct range_pool *p);

void range_cache_init(struct range_cache *c, struct range_pool *p);
/* What it has stays with the pool. */
void range_cache_done(struct range_cache *c);

/* A record that is not in use yet; NULL if there is none left. */
struct range *range_take(struct range_cache *c);
/* From here on it is a lock of the file, whatever becomes of us. */
void range_use(struct range *r, uint64_t nodeid, enum lock_space space);
/* Give a record back, in use or not. */
void range_give(struct range_cache *c, struct range *r);

static inline enum lock_space range_space(const struct range *r)
{
	return (enum lock_space)(r->in_use - 1);
}

/* Move an end of a range in use: it has the one or the other, never neither. */
static inline void range_set_start(struct range *r, uint64_t start)
{
	__atomic_store_n(&r->lock.start, start, __ATOMIC_RELEASE);
}

static inline void range_set_end(struct range *r, uint64_t end)
{
	__atomic_store_n(&r->lock.end, end, __ATOMIC_RELEASE);
}

#endif
