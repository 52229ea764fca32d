/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ranges.h - the record locks of one file: ranges, owners and types
 *
 * The rules of fcntl(2): a new lock replaces what its owner had in the range,
 * and touching ranges of one owner and type become one.
 */
#ifndef FUSE_RANGES_H
#define FUSE_RANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "fuse/locks.h"

struct range {
	struct lock lock;
	struct range *next; /* in the order of starts */
};

/* The first range of another owner that lock would conflict with, or NULL. */
const struct range *ranges_conflict(const struct range *list,
				    const struct lock *lock);

/*
 * Apply lock (F_UNLCK clears) to its owner's ranges.  *n counts the ranges of
 * the list.  -ENOLCK: no memory, or there might be more than max; letting go of
 * all that an owner has never fails.
 */
int ranges_apply(struct range **list, const struct lock *lock, unsigned *n,
		 unsigned max);

bool ranges_has_owner(const struct range *list, uint64_t owner);

/* The owner of some range that was set through fh; false if there is none. */
bool ranges_find_file(const struct range *list, uint64_t fh,
		      uint64_t *ret_owner);

void ranges_free(struct range *list);

#endif
