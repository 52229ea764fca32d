/* SPDX-License-Identifier: Apache-2.0 */
/* ranges.c - the record locks of one file: ranges, owners and types */
#include "fuse/ranges.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>

#include "store/base/cleanup.h"

static bool overlap(const struct lock *a, const struct lock *b)
{
	return a->start <= b->end && b->start <= a->end;
}

const struct range *ranges_conflict(const struct range *list,
				    const struct lock *lock)
{
	for (; list; list = list->next) {
		if (list->lock.owner != lock->owner &&
		    overlap(&list->lock, lock) &&
		    (list->lock.type == F_WRLCK || lock->type == F_WRLCK))
			return list;
	}
	return NULL;
}

/* Would cutting lock's range out leave two pieces of another one? */
static bool splits(const struct range *list, const struct lock *lock)
{
	for (; list; list = list->next) {
		if (list->lock.owner == lock->owner &&
		    list->lock.start < lock->start &&
		    list->lock.end > lock->end)
			return true;
	}
	return false;
}

static void insert(struct range **list, struct range *r)
{
	while (*list && (*list)->lock.start < r->lock.start)
		list = &(*list)->next;
	r->next = *list;
	*list = r;
}

/*
 * Cut the range of lock out of its owner's other ranges.  One that spans it is
 * split in two, for which *spare is taken; that happens at most once.
 */
static void cut(struct range **list, const struct lock *lock,
		struct range **spare, unsigned *n)
{
	struct range **p = list;
	struct range *tail = NULL;

	while (*p) {
		struct range *r = *p;

		if (r->lock.owner != lock->owner || !overlap(&r->lock, lock)) {
			p = &r->next;
			continue;
		}
		if (r->lock.end > lock->end) {
			struct range *rest = r;

			if (r->lock.start < lock->start) {
				rest = steal_pointer(spare);
				*rest = *r;
				++*n;
				r->lock.end = lock->start - 1;
				p = &r->next;
			} else {
				*p = r->next;
			}
			rest->lock.start = lock->end + 1;
			tail = rest;
		} else if (r->lock.start < lock->start) {
			r->lock.end = lock->start - 1;
			p = &r->next;
		} else {
			*p = r->next;
			free(r);
			--*n;
		}
	}
	if (tail)
		insert(list, tail);
}

static bool joins(const struct lock *a, const struct lock *b)
{
	return a->owner == b->owner && a->type == b->type &&
	       a->start <= b->end + 1 && b->start <= a->end + 1;
}

/* Let lock take in what touches it. */
static void absorb(struct range **list, struct lock *lock, unsigned *n)
{
	while (*list) {
		struct range *r = *list;

		if (!joins(&r->lock, lock)) {
			list = &r->next;
			continue;
		}
		if (r->lock.start < lock->start)
			lock->start = r->lock.start;
		if (r->lock.end > lock->end)
			lock->end = r->lock.end;
		*list = r->next;
		free(r);
		--*n;
	}
}

int ranges_apply(struct range **list, const struct lock *lock, unsigned *n,
		 unsigned max)
{
	cleanup_free struct range *fresh = NULL;
	cleanup_free struct range *spare = NULL;
	bool sets = lock->type != F_UNLCK;
	bool split = splits(*list, lock);

	if ((sets || split) && *n + sets + split > max)
		return -ENOLCK;
	if (split) {
		spare = malloc(sizeof(*spare));
		if (!spare)
			return -ENOLCK;
	}
	if (sets) {
		fresh = malloc(sizeof(*fresh));
		if (!fresh)
			return -ENOLCK;
	}
	cut(list, lock, &spare, n);
	if (!sets)
		return 0;
	fresh->lock = *lock;
	absorb(list, &fresh->lock, n);
	insert(list, fresh);
	steal_pointer(&fresh);
	++*n;
	return 0;
}

bool ranges_has_owner(const struct range *list, uint64_t owner)
{
	while (list && list->lock.owner != owner)
		list = list->next;
	return list != NULL;
}

bool ranges_find_file(const struct range *list, uint64_t fh,
		      uint64_t *ret_owner)
{
	while (list && list->lock.fh != fh)
		list = list->next;
	if (list)
		*ret_owner = list->lock.owner;
	return list != NULL;
}

void ranges_free(struct range *list)
{
	while (list) {
		struct range *next = list->next;

		free(list);
		list = next;
	}
}
