/* SPDX-License-Identifier: Apache-2.0 */
/* ranges.c - the record locks of one file: ranges, owners and types */
#include "fuse/ranges.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>

#include "store/base/cleanup.h"

static bool overlap(const struct lock *a, const struct lock *b)
{
	return a->start <= b->end && b->start <= a->end;
}

static bool joins(const struct lock *a, const struct lock *b)
{
	return a->owner == b->owner && a->type == b->type &&
	       a->start <= b->end + 1 && b->start <= a->end + 1;
}

const struct range *ranges_conflict(const struct ranges *rs,
				    const struct lock *lock)
{
	for (const struct range *r = rs->first; r; r = r->next) {
		if (r->lock.owner != lock->owner && overlap(&r->lock, lock) &&
		    (r->lock.type == F_WRLCK || lock->type == F_WRLCK))
			return r;
	}
	return NULL;
}

static void insert(struct ranges *rs, struct range *r)
{
	struct range **p = &rs->first;

	while (*p && (*p)->lock.start < r->lock.start)
		p = &(*p)->next;
	r->next = *p;
	*p = r;
}

/* What applying a lock will do. */
struct plan {
	struct lock whole; /* the lock and what it takes in */
	unsigned gone;	   /* ranges that end */
	bool splits;	   /* one range is left in two pieces */
};

static struct plan plan(const struct ranges *rs, const struct lock *lock)
{
	struct plan plan = { .whole = *lock };

	for (const struct range *r = rs->first; r; r = r->next) {
		bool head = r->lock.start < lock->start;
		bool tail = r->lock.end > lock->end;

		if (joins(&r->lock, lock)) {
			if (r->lock.start < plan.whole.start)
				plan.whole.start = r->lock.start;
			if (r->lock.end > plan.whole.end)
				plan.whole.end = r->lock.end;
			plan.gone++;
		} else if (r->lock.owner == lock->owner &&
			   overlap(&r->lock, lock)) {
			plan.gone += !head && !tail;
			plan.splits |= head && tail;
		}
	}
	return plan;
}

/*
 * Cut the range of whole out of its owner's ranges.  One that spans it is split
 * in two, for which there is spare; that happens at most once.
 */
static void cut(struct ranges *rs, struct range_cache *cache,
		const struct lock *whole, struct range *spare)
{
	struct range **p = &rs->first;
	struct range *rest = NULL;

	while (*p) {
		struct range *r = *p;
		bool head = r->lock.start < whole->start;
		bool tail = r->lock.end > whole->end;

		if (r->lock.owner != whole->owner ||
		    !overlap(&r->lock, whole)) {
			p = &r->next;
			continue;
		}
		if (head && tail) {
			assert(spare);
			rest = spare;
			rest->lock = r->lock;
			rest->lock.start = whole->end + 1;
			range_use(rest, rs->nodeid, rs->space);
		}
		if (head) {
			range_set_end(r, whole->start - 1);
			p = &r->next;
			continue;
		}
		*p = r->next;
		if (tail) {
			range_set_start(r, whole->end + 1);
			rest = r;
		} else {
			range_give(cache, r);
		}
	}
	if (rest)
		insert(rs, rest);
}

int ranges_apply(struct ranges *rs, struct range_cache *cache,
		 const struct lock *lock, unsigned *n, unsigned max)
{
	bool sets = lock->type != F_UNLCK;
	struct plan p = plan(rs, lock);
	unsigned after = *n + sets + p.splits - p.gone;
	struct range *fresh = NULL;
	struct range *spare = NULL;

	if (after > *n && after > max)
		return -ENOLCK;
	if ((p.splits && !(spare = range_take(cache))) ||
	    (sets && !(fresh = range_take(cache)))) {
		if (spare)
			range_give(cache, spare);
		return -ENOLCK;
	}
	if (sets) {
		fresh->lock = p.whole;
		range_use(fresh, rs->nodeid, rs->space);
	}
	cut(rs, cache, &p.whole, spare);
	if (sets)
		insert(rs, fresh);
	*n = after;
	return 0;
}

bool ranges_has_owner(const struct ranges *rs, uint64_t owner)
{
	const struct range *r = rs->first;

	while (r && r->lock.owner != owner)
		r = r->next;
	return r != NULL;
}

bool ranges_find_file(const struct ranges *rs, uint64_t fh, uint64_t *ret_owner)
{
	const struct range *r = rs->first;

	while (r && r->lock.fh != fh)
		r = r->next;
	if (r)
		*ret_owner = r->lock.owner;
	return r != NULL;
}

void ranges_clear(struct ranges *rs, struct range_cache *cache)
{
	while (rs->first) {
		struct range *r = rs->first;

		rs->first = r->next;
		range_give(cache, r);
	}
}

/* --- what a predecessor left --- */

typedef bool before_fn(const struct lock *a, const struct lock *b);

static bool by_start(const struct lock *a, const struct lock *b)
{
	return a->start < b->start;
}

static bool by_owner(const struct lock *a, const struct lock *b)
{
	return a->owner != b->owner ? a->owner < b->owner : by_start(a, b);
}

/* Merge two sorted lists. */
static struct range *merge(struct range *a, struct range *b, before_fn *before)
{
	struct range *list = NULL;
	struct range **end = &list;

	while (a && b) {
		struct range **first = before(&b->lock, &a->lock) ? &b : &a;

		*end = *first;
		end = &(*end)->next;
		*first = *end;
	}
	*end = a ? a : b;
	return list;
}

/* Bottom up: slot i is empty or has a sorted list of 2^i ranges. */
static struct range *sort(struct range *list, before_fn *before)
{
	struct range *slots[32] = { NULL };
	struct range *sorted = NULL;

	while (list) {
		struct range *run = list;
		unsigned i = 0;

		list = list->next;
		run->next = NULL;
		for (; slots[i]; i++)
			run = merge(steal_pointer(&slots[i]), run, before);
		slots[i] = run;
	}
	for (unsigned i = 0; i < 32; i++)
		sorted = merge(slots[i], sorted, before);
	return sorted;
}

/* Take the ranges of one owner off a list that is sorted by owner. */
static struct range *take_owner(struct range **list, bool *ret_tangled)
{
	struct range *first = *list;
	struct range *last = first;

	*ret_tangled = false;
	while (last->next && last->next->lock.owner == first->lock.owner) {
		if (overlap(&last->lock, &last->next->lock) ||
		    joins(&last->lock, &last->next->lock))
			*ret_tangled = true;
		last = last->next;
	}
	*list = last->next;
	last->next = NULL;
	return first;
}

/* Add a range in use, which wins over its owner's in the list. */
static int adopt(struct ranges *rs, struct range_cache *cache, struct range *r)
{
	struct plan p = plan(rs, &r->lock);
	struct range *spare = NULL;

	if (p.splits && !(spare = range_take(cache)))
		return -ENOLCK;
	range_set_start(r, p.whole.start);
	range_set_end(r, p.whole.end);
	cut(rs, cache, &p.whole, spare);
	insert(rs, r);
	return 0;
}

/* Readers first, so that writers win. */
static int untangle(struct ranges *rs, struct range_cache *cache,
		    struct range *list)
{
	static const int types[] = { F_RDLCK, F_WRLCK };
	int r = 0;

	for (int i = 0; i < 2; i++) {
		struct range **p = &list;

		while (*p && r == 0) {
			struct range *range = *p;

			if (range->lock.type != types[i]) {
				p = &range->next;
				continue;
			}
			*p = range->next;
			r = adopt(rs, cache, range);
		}
	}
	return r;
}

int ranges_adopt(struct ranges *rs, struct range_cache *cache)
{
	struct range *left = sort(rs->first, by_owner);
	struct range *whole = NULL;
	int n = 0;

	rs->first = NULL;
	while (left) {
		struct ranges own = { .nodeid = rs->nodeid,
				      .space = rs->space };
		bool tangled;
		struct range *list = take_owner(&left, &tangled);
		int r = 0;

		if (tangled)
			r = untangle(&own, cache, list);
		else
			own.first = list;
		if (r < 0)
			return r;
		while (own.first) {
			struct range *range = own.first;

			own.first = range->next;
			range->next = whole;
			whole = range;
			n++;
		}
	}
	rs->first = sort(whole, by_start);
	return n;
}
