/* SPDX-License-Identifier: Apache-2.0 */
/* range_pool.c - the records of locked ranges, in memory that outlives us */
#include "fuse/range_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "store/base/state.h"

#define CHUNK_RANGES 1024u
#define CHUNK_BYTES  (CHUNK_RANGES * sizeof(struct range))
#define N_CHUNKS     (RANGES_MAX / CHUNK_RANGES)
#define KEPT_FREE    (4 * CHUNK_RANGES) /* not given back, for those to come */
#define CACHE_REFILL 16u
#define CACHE_MAX    64u

/* The part of the state. */
struct memory {
	/* Chunks where any record was used; what is in others is not read. */
	uint8_t live[N_CHUNKS];
	uint8_t spare[CHUNK_BYTES - N_CHUNKS];
	struct range ranges[RANGES_MAX];
};

/* Chunks are given back to the system: pages have 64 KiB at most. */
_Static_assert(CHUNK_BYTES == 65536, "a chunk is whole pages");
_Static_assert(offsetof(struct memory, ranges) % CHUNK_BYTES == 0,
	       "chunks begin with a page");

struct chunk {
	struct range *free; /* of those used before */
	unsigned used;	    /* records taken since the chunk was given back */
	unsigned n_free;
	struct chunk *next; /* with room */
};

struct range_pool {
	struct memory *memory;
	pthread_mutex_t lock; /* after a cache's; guards what follows */
	struct chunk *room;   /* chunks of which n_free > 0 */
	unsigned n_chunks;    /* ever used; those behind are not listed */
	unsigned n_free;      /* of those chunks */
	struct chunk chunks[N_CHUNKS];
};

static void chunk_list(struct range_pool *p, struct chunk *c)
{
	c->next = p->room;
	p->room = c;
}

/* Under the pool's lock. */
static struct range *pool_take(struct range_pool *p)
{
	struct chunk *c = p->room;
	struct range *r;
	size_t i;

	if (!c) {
		if (p->n_chunks == N_CHUNKS)
			return NULL;
		c = &p->chunks[p->n_chunks++];
		c->n_free = CHUNK_RANGES;
		p->n_free += CHUNK_RANGES;
		chunk_list(p, c);
	}
	i = (size_t)(c - p->chunks);
	if (c->free) {
		r = c->free;
		c->free = r->next;
	} else {
		/* Before the first of its records can be in use. */
		__atomic_store_n(&p->memory->live[i], 1, __ATOMIC_RELEASE);
		r = &p->memory->ranges[i * CHUNK_RANGES + c->used++];
	}
	p->n_free--;
	if (--c->n_free == 0)
		p->room = c->next;
	return r;
}

/* Nothing of it is in use: its memory goes back to the system. */
static void chunk_empty(struct range_pool *p, struct chunk *c)
{
	size_t i = (size_t)(c - p->chunks);

	/* Where that cannot be, the records stay on their list. */
	if (madvise(&p->memory->ranges[i * CHUNK_RANGES], CHUNK_BYTES,
		    MADV_REMOVE) < 0)
		return;
	__atomic_store_n(&p->memory->live[i], 0, __ATOMIC_RELEASE);
	c->free = NULL;
	c->used = 0;
}

/* Under the pool's lock. */
static void pool_give(struct range_pool *p, struct range *r)
{
	size_t i = (size_t)(r - p->memory->ranges) / CHUNK_RANGES;
	struct chunk *c = &p->chunks[i];

	r->next = c->free;
	c->free = r;
	p->n_free++;
	if (c->n_free++ == 0)
		chunk_list(p, c);
	if (c->n_free == CHUNK_RANGES && p->n_free > KEPT_FREE)
		chunk_empty(p, c);
}

void range_cache_init(struct range_cache *c, struct range_pool *p)
{
	*c = (struct range_cache){ .pool = p };
	pthread_mutex_init(&c->lock, NULL);
}

void range_cache_done(struct range_cache *c)
{
	pthread_mutex_destroy(&c->lock);
}

struct range *range_take(struct range_cache *c)
{
	struct range *r;

	pthread_mutex_lock(&c->lock);
	if (!c->free) {
		pthread_mutex_lock(&c->pool->lock);
		while (c->n < CACHE_REFILL && (r = pool_take(c->pool))) {
			r->next = c->free;
			c->free = r;
			c->n++;
		}
		pthread_mutex_unlock(&c->pool->lock);
	}
	r = c->free;
	if (r) {
		c->free = r->next;
		c->n--;
	}
	pthread_mutex_unlock(&c->lock);
	return r;
}

void range_use(struct range *r, uint64_t nodeid, enum lock_space space)
{
	r->nodeid = nodeid;
	__atomic_store_n(&r->in_use, space + 1, __ATOMIC_RELEASE);
}

/* Under the cache's lock. */
static void cache_shrink(struct range_cache *c)
{
	pthread_mutex_lock(&c->pool->lock);
	while (c->n > CACHE_REFILL) {
		struct range *r = c->free;

		c->free = r->next;
		c->n--;
		pool_give(c->pool, r);
	}
	pthread_mutex_unlock(&c->pool->lock);
}

void range_give(struct range_cache *c, struct range *r)
{
	__atomic_store_n(&r->in_use, 0, __ATOMIC_RELEASE);
	pthread_mutex_lock(&c->lock);
	r->next = c->free;
	c->free = r;
	if (++c->n > CACHE_MAX)
		cache_shrink(c);
	pthread_mutex_unlock(&c->lock);
}

/* A process may have been killed because it wrote where it should not. */
static bool range_is_sane(const struct range *r)
{
	return r->in_use <= LOCK_N_SPACES && r->lock.start <= r->lock.end &&
	       (r->lock.type == F_RDLCK || r->lock.type == F_WRLCK);
}

static void chunk_scan(struct range_pool *p, struct chunk *c,
		       struct range **found)
{
	size_t first = (size_t)(c - p->chunks) * CHUNK_RANGES;

	c->used = CHUNK_RANGES;
	for (size_t i = CHUNK_RANGES; i-- > 0;) {
		struct range *r = &p->memory->ranges[first + i];
		struct range **list = found;

		if (!r->in_use || !range_is_sane(r)) {
			r->in_use = 0;
			list = &c->free;
			c->n_free++;
		}
		r->next = *list;
		*list = r;
	}
}

/* Find out what a predecessor used. */
static void pool_scan(struct range_pool *p, struct range **found)
{
	for (unsigned i = 0; i < N_CHUNKS; i++) {
		if (p->memory->live[i])
			p->n_chunks = i + 1;
	}
	for (unsigned i = p->n_chunks; i-- > 0;) {
		struct chunk *c = &p->chunks[i];

		if (p->memory->live[i])
			chunk_scan(p, c, found);
		else
			c->n_free = CHUNK_RANGES;
		p->n_free += c->n_free;
		if (c->n_free > 0)
			chunk_list(p, c);
	}
}

int range_pool_new(struct state *state, struct range_pool **ret,
		   struct range **ret_found)
{
	struct range_pool *p = calloc(1, sizeof(*p));
	struct range *found = NULL;
	void *memory;
	int r;

	if (!p)
		return -ENOMEM;
	r = state_map(state, STATE_LOCKS, sizeof(*p->memory), &memory);
	if (r < 0) {
		free(p);
		return r;
	}
	p->memory = memory;
	pthread_mutex_init(&p->lock, NULL);
	pool_scan(p, &found);
	*ret = p;
	*ret_found = found;
	return 0;
}

void range_pool_free(struct range_pool *p)
{
	if (!p)
		return;
	pthread_mutex_destroy(&p->lock);
	munmap(p->memory, sizeof(*p->memory));
	free(p);
}
