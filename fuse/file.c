/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - the table of open files: what the kernel's file handles stand for */
#include "fuse/file.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Handle: generation (32 bits), index of the entry, shard. */
#define N_SHARDS   16u
#define SHARD_MAX  (1u << 18) /* open files of one shard */
#define SHARD_SPAN (SHARD_MAX * sizeof(struct entry))

struct entry {
	struct file file;
	uint32_t generation; /* odd while in use */
	uint32_t next;	     /* free chain */
};

struct shard {
	pthread_mutex_t lock; /* free, used, count */
	struct entry *entries;
	uint32_t free; /* + 1; 0: none */
	uint32_t used;
	uint32_t count;
} __attribute__((aligned(64)));

struct file_table {
	struct shard shards[N_SHARDS];
};

int file_table_new(struct file_table **ret)
{
	struct file_table *t = aligned_alloc(64, sizeof(*t));

	if (!t)
		return -ENOMEM;
	memset(t, 0, sizeof(*t));
	for (unsigned i = 0; i < N_SHARDS; i++) {
		void *p = mmap(NULL, SHARD_SPAN, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			       0);

		pthread_mutex_init(&t->shards[i].lock, NULL);
		if (p == MAP_FAILED) {
			file_table_free(t);
			return -ENOMEM;
		}
		t->shards[i].entries = p;
	}
	*ret = t;
	return 0;
}

void file_table_free(struct file_table *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < N_SHARDS; i++) {
		if (!t->shards[i].entries)
			continue;
		munmap(t->shards[i].entries, SHARD_SPAN);
		pthread_mutex_destroy(&t->shards[i].lock);
	}
	free(t);
}

uint64_t file_table_count(struct file_table *t)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < N_SHARDS; i++) {
		pthread_mutex_lock(&t->shards[i].lock);
		n += t->shards[i].count;
		pthread_mutex_unlock(&t->shards[i].lock);
	}
	return n;
}

/* Threads spread over the shards, each keeping to its own. */
static unsigned shard_of_thread(void)
{
	static atomic_uint turn;
	static _Thread_local unsigned mine;

	if (mine == 0)
		mine = 1 + atomic_fetch_add(&turn, 1) % N_SHARDS;
	return mine - 1;
}

static int shard_take(struct shard *s, uint32_t *ret)
{
	int r = 0;

	pthread_mutex_lock(&s->lock);
	if (s->free) {
		*ret = s->free - 1;
		s->free = s->entries[*ret].next;
	} else if (s->used < SHARD_MAX) {
		*ret = s->used++;
	} else {
		r = -ENFILE;
	}
	s->count += r == 0;
	pthread_mutex_unlock(&s->lock);
	return r;
}

int file_add(struct file_table *t, const struct file *file, uint64_t *ret_fh)
{
	unsigned first = shard_of_thread();
	struct shard *s = NULL;
	struct entry *e;
	uint32_t i = 0;
	int r = -ENFILE;

	/* Its own shard, or when that is full whichever has room. */
	for (unsigned k = 0; r < 0 && k < N_SHARDS; k++) {
		s = &t->shards[(first + k) % N_SHARDS];
		r = shard_take(s, &i);
	}
	if (r < 0)
		return r;
	e = &s->entries[i];
	e->file = *file;
	__atomic_store_n(&e->generation, e->generation + 1, __ATOMIC_RELEASE);
	*ret_fh = (uint64_t)e->generation << 32 | (uint64_t)i * N_SHARDS |
		  (uint64_t)(s - t->shards);
	return 0;
}

static struct entry *entry_of(struct file_table *t, uint64_t fh,
			      struct shard **ret_shard)
{
	struct shard *s = &t->shards[(uint32_t)fh % N_SHARDS];
	uint32_t i = (uint32_t)fh / N_SHARDS;
	struct entry *e;

	if (i >= SHARD_MAX || !(fh >> 32 & 1))
		return NULL;
	e = &s->entries[i];
	if (__atomic_load_n(&e->generation, __ATOMIC_ACQUIRE) != fh >> 32)
		return NULL;
	*ret_shard = s;
	return e;
}

struct file *file_get(struct file_table *t, uint64_t fh)
{
	struct shard *s;
	struct entry *e = entry_of(t, fh, &s);

	return e ? &e->file : NULL;
}

/* Two that end the same file at once: one of them gets it. */
static int entry_free(struct shard *s, struct entry *e, uint32_t generation,
		      struct file *ret)
{
	if (!__atomic_compare_exchange_n(&e->generation, &generation,
					 generation + 1, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return -EBADF;
	*ret = e->file;
	e->file = (struct file){ 0 };
	pthread_mutex_lock(&s->lock);
	e->next = s->free;
	s->free = (uint32_t)(e - s->entries) + 1;
	s->count--;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

int file_remove(struct file_table *t, uint64_t fh, struct file *ret)
{
	struct shard *s;
	struct entry *e = entry_of(t, fh, &s);

	if (!e)
		return -EBADF;
	return entry_free(s, e, (uint32_t)(fh >> 32), ret);
}

int file_remove_any(struct file_table *t, struct file *ret)
{
	for (unsigned k = 0; k < N_SHARDS; k++) {
		struct shard *s = &t->shards[k];

		for (uint32_t i = 0; s->count && i < s->used; i++) {
			struct entry *e = &s->entries[i];

			if (e->generation & 1)
				return entry_free(s, e, e->generation, ret);
		}
	}
	return -ENOENT;
}
