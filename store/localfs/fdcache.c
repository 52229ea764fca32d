/* SPDX-License-Identifier: Apache-2.0 */
/* fdcache.c - a bounded cache of descriptors, by handle */
#include "store/localfs/fdcache.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/localfs/handle.h"
#include "store/store.h"

#define FDCACHE_WAYS 8u

struct fdcache_entry {
	struct store_handle handle;
	int fd; /* -1: free */
	uint32_t pins;
	uint32_t used; /* clock of the set at the last use */
	bool dropped;  /* close when the last pin goes; found by nobody */
};

struct fdcache_set {
	pthread_mutex_t lock; /* of all below */
	uint32_t clock;
	struct fdcache_entry ways[FDCACHE_WAYS];
} __attribute__((aligned(64)));

struct fdcache {
	uint32_t n_sets; /* a power of two */
	uint32_t n_ways;
	struct fdcache_set sets[];
};

struct fdcache *fdcache_new(size_t max)
{
	struct fdcache *c;
	uint32_t n_sets = 1;

	while ((size_t)n_sets * 2 * FDCACHE_WAYS <= max && n_sets < (1u << 20))
		n_sets *= 2;
	c = aligned_alloc(_Alignof(struct fdcache),
			  sizeof(*c) + n_sets * sizeof(c->sets[0]));
	if (!c)
		return NULL;

	memset(c, 0, sizeof(*c) + n_sets * sizeof(c->sets[0]));
	c->n_sets = n_sets;
	c->n_ways = max >= FDCACHE_WAYS ? FDCACHE_WAYS : (uint32_t)max;
	if (c->n_ways == 0)
		c->n_ways = 1;
	for (uint32_t s = 0; s < n_sets; s++) {
		pthread_mutex_init(&c->sets[s].lock, NULL);
		for (unsigned w = 0; w < FDCACHE_WAYS; w++)
			c->sets[s].ways[w].fd = -1;
	}
	return c;
}

void fdcache_free(struct fdcache *c)
{
	if (!c)
		return;
	for (uint32_t s = 0; s < c->n_sets; s++) {
		for (uint32_t w = 0; w < c->n_ways; w++) {
			assert(c->sets[s].ways[w].pins == 0);
			if (c->sets[s].ways[w].fd >= 0)
				close(c->sets[s].ways[w].fd);
		}
		pthread_mutex_destroy(&c->sets[s].lock);
	}
	free(c);
}

static uint32_t set_of(const struct fdcache *c, const struct store_handle *h)
{
	return (uint32_t)handle_hash(h) & (c->n_sets - 1);
}

/* Under the lock of the set. */
static struct fdcache_entry *set_find(const struct fdcache *c,
				      struct fdcache_set *set,
				      const struct store_handle *h)
{
	for (uint32_t w = 0; w < c->n_ways; w++) {
		struct fdcache_entry *e = &set->ways[w];

		if (e->fd >= 0 && !e->dropped &&
		    store_handle_equal(&e->handle, h))
			return e;
	}
	return NULL;
}

/* Under the lock: a free way, else the one unpinned for longest, else NULL. */
static struct fdcache_entry *set_victim(const struct fdcache *c,
					struct fdcache_set *set)
{
	struct fdcache_entry *oldest = NULL;

	for (uint32_t w = 0; w < c->n_ways; w++) {
		struct fdcache_entry *e = &set->ways[w];

		if (e->fd < 0)
			return e;
		if (e->pins)
			continue;
		if (!oldest || (int32_t)(e->used - oldest->used) < 0)
			oldest = e;
	}
	return oldest;
}

static uint32_t entry_pin(struct fdcache_set *set, struct fdcache_entry *e,
			  uint32_t set_index)
{
	e->pins++;
	e->used = ++set->clock;
	return set_index * FDCACHE_WAYS + (uint32_t)(e - set->ways);
}

bool fdcache_pin(struct fdcache *c, const struct store_handle *h, int *ret_fd,
		 uint32_t *ret_slot)
{
	uint32_t index = set_of(c, h);
	struct fdcache_set *set = &c->sets[index];
	struct fdcache_entry *e;

	pthread_mutex_lock(&set->lock);
	e = set_find(c, set, h);
	if (e) {
		*ret_slot = entry_pin(set, e, index);
		*ret_fd = e->fd;
	}
	pthread_mutex_unlock(&set->lock);
	return e != NULL;
}

bool fdcache_add(struct fdcache *c, const struct store_handle *h, int *fd,
		 uint32_t *ret_slot)
{
	uint32_t index = set_of(c, h);
	struct fdcache_set *set = &c->sets[index];
	struct fdcache_entry *e;
	int unwanted = -1;

	pthread_mutex_lock(&set->lock);
	e = set_find(c, set, h);
	if (e) {
		unwanted = *fd;
		*fd = e->fd;
	} else {
		e = set_victim(c, set);
		if (e) {
			unwanted = e->fd;
			e->handle = *h;
			e->fd = *fd;
			e->dropped = false;
		}
	}
	if (e)
		*ret_slot = entry_pin(set, e, index);
	pthread_mutex_unlock(&set->lock);

	if (unwanted >= 0)
		close(unwanted);
	return e != NULL;
}

void fdcache_unpin(struct fdcache *c, uint32_t slot)
{
	struct fdcache_set *set = &c->sets[slot / FDCACHE_WAYS];
	struct fdcache_entry *e = &set->ways[slot % FDCACHE_WAYS];
	int unwanted = -1;

	pthread_mutex_lock(&set->lock);
	assert(e->pins > 0);
	if (--e->pins == 0 && e->dropped) {
		unwanted = e->fd;
		e->fd = -1;
		e->dropped = false;
	}
	pthread_mutex_unlock(&set->lock);

	if (unwanted >= 0)
		close(unwanted);
}

/* Under the lock; returns the descriptor that the caller is to close, or -1. */
static int entry_drop(struct fdcache_entry *e)
{
	int fd = e->fd;

	if (e->pins) {
		e->dropped = true;
		return -1;
	}
	e->fd = -1;
	return fd;
}

void fdcache_drop(struct fdcache *c, const struct store_handle *h)
{
	struct fdcache_set *set = &c->sets[set_of(c, h)];
	struct fdcache_entry *e;
	int unwanted = -1;

	pthread_mutex_lock(&set->lock);
	e = set_find(c, set, h);
	if (e)
		unwanted = entry_drop(e);
	pthread_mutex_unlock(&set->lock);

	if (unwanted >= 0)
		close(unwanted);
}

void fdcache_drop_realm(struct fdcache *c, uint16_t realm)
{
	for (uint32_t s = 0; s < c->n_sets; s++) {
		struct fdcache_set *set = &c->sets[s];

		pthread_mutex_lock(&set->lock);
		for (uint32_t w = 0; w < c->n_ways; w++) {
			struct fdcache_entry *e = &set->ways[w];
			int fd;

			if (e->fd < 0 || e->handle.realm != realm)
				continue;
			fd = entry_drop(e);
			if (fd >= 0)
				close(fd);
		}
		pthread_mutex_unlock(&set->lock);
	}
}

size_t fdcache_count(struct fdcache *c)
{
	size_t n = 0;

	for (uint32_t s = 0; s < c->n_sets; s++) {
		pthread_mutex_lock(&c->sets[s].lock);
		for (uint32_t w = 0; w < c->n_ways; w++)
			n += c->sets[s].ways[w].fd >= 0;
		pthread_mutex_unlock(&c->sets[s].lock);
	}
	return n;
}
