/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ranges.h - the record locks of one file: ranges, owners and types
 *
 * The rules of fcntl(2): a new lock replaces what its owner had in the range,
 * and touching ranges of one owner and type become one.
 *
 * The records are in memory that outlives us (range_pool.h), so the order of
 * stores counts: what is new is in use before what it was cut from shrinks or
 * goes.  Whoever is killed between leaves ranges of one owner that overlap,
 * which ranges_adopt() undoes; no byte that stays locked is ever without.
 */
#ifndef FUSE_RANGES_H
#define FUSE_RANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "fuse/locks.h"
#include "fuse/range_pool.h"

/* Of one space of one file; embedded. */
struct ranges {
	uint64_t nodeid;
	enum lock_space space;
	struct range *first; /* in the order of starts */
};

/* The first range of another owner that lock would conflict with, or NULL. */
const struct range *ranges_conflict(const struct ranges *rs,
				    const struct lock *lock);

/*
 * Apply lock (F_UNLCK clears) to its owner's ranges.  *n counts the ranges of
 * the file.  -ENOLCK: no memory, or there would be more ranges than before and
 * than max; letting go of all that an owner has never fails.
 */
int ranges_apply(struct ranges *rs, struct range_cache *cache,
		 const struct lock *lock, unsigned *n, unsigned max);

bool ranges_has_owner(const struct ranges *rs, uint64_t owner);

/* The owner of some range that was set through fh; false if there is none. */
bool ranges_find_file(const struct ranges *rs, uint64_t fh,
		      uint64_t *ret_owner);

/*
 * Make what a predecessor left, linked at rs->first in no order, a list as the
 * others want it.  Of an owner's ranges that overlap, a writer's stays whole:
 * that is what the owner had or was about to get.  Returns how many there are,
 * or -ENOLCK.
 */
int ranges_adopt(struct ranges *rs, struct range_cache *cache);

void ranges_clear(struct ranges *rs, struct range_cache *cache);

#endif
