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

#include "store/base/state.h"

/* Handle: generation (32 bits), index of the entry, shard. */
#define N_SHARDS  16u
#define SHARD_MAX (1u << 18) /* open files of one shard */
#define HEAD_SIZE 4096u
#define SPAN	  ((size_t)N_SHARDS * SHARD_MAX * sizeof(struct entry))

/* What a process that was killed leaves is good if its generation is odd. */
struct entry {
	struct file file;
	uint32_t generation; /* odd while in use */
	uint32_t next;	     /* free chain */
};

/* At the start of the memory. */
struct head {
	uint32_t used[N_SHARDS]; /* entries, ever */
};

struct shard {
	pthread_mutex_t lock; /* free, used, count */
	struct entry *entries;
	uint32_t *used;
	uint32_t free; /* + 1; 0: none */
	uint32_t count;
} __attribute__((aligned(64)));

struct file_table {
	struct shard shards[N_SHARDS];
	void *memory;
};

static void table_map(struct file_table *t)
{
	struct head *head = t->memory;
	struct entry *entries = (void *)((char *)t->memory + HEAD_SIZE);

	for (unsigned i = 0; i < N_SHARDS; i++) {
		t->shards[i].entries = &entries[(size_t)i * SHARD_MAX];
		t->shards[i].used = &head->used[i];
	}
}

int file_table_new(struct state *state, struct file_table **ret)
{
	struct file_table *t = aligned_alloc(64, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	memset(t, 0, sizeof(*t));
	for (unsigned i = 0; i < N_SHARDS; i++)
		pthread_mutex_init(&t->shards[i].lock, NULL);
	r = state_map(state, STATE_FILES, HEAD_SIZE + SPAN, &t->memory);
	if (r < 0) {
		file_table_free(t);
		return r;
	}
	table_map(t);
	*ret = t;
	return 0;
}

void file_table_free(struct file_table *t)
{
	if (!t)
		return;
	if (t->memory)
		munmap(t->memory, HEAD_SIZE + SPAN);
	for (unsigned i = 0; i < N_SHARDS; i++)
		pthread_mutex_destroy(&t->shards[i].lock);
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
	} else if (*s->used < SHARD_MAX) {
		*ret = (*s->used)++;
	} else {
		r = -ENFILE;
	}
	s->count += r == 0;
	pthread_mutex_unlock(&s->lock);
	return r;
}

static uint64_t handle_of(const struct file_table *t, const struct shard *s,
			  const struct entry *e)
{
	return (uint64_t)e->generation << 32 |
	       (uint64_t)(e - s->entries) * N_SHARDS |
	       (uint64_t)(s - t->shards);
}

int file_add(struct file_table *t, const struct file *file, uint64_t *ret_fh)
{
	unsigned first = shard_of_thread();
	struct shard *s = &t->shards[first];
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
	*ret_fh = handle_of(t, s, e);
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

static void entry_chain(struct shard *s, struct entry *e)
{
	e->next = s->free;
	s->free = (uint32_t)(e - s->entries) + 1;
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
	entry_chain(s, e);
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

static void entry_attach(struct file_table *t, struct shard *s, struct entry *e,
			 file_attach_fn *fn, void *arg)
{
	e->file.file = NULL;
	e->file.account = NULL;
	e->file.text = NULL;
	e->file.text_len = 0;
	if (e->generation & 1 && fn(arg, handle_of(t, s, e), &e->file) == 0) {
		s->count++;
		return;
	}
	e->generation += e->generation & 1;
	entry_chain(s, e);
}

void file_attach(struct file_table *t, file_attach_fn *fn, void *arg)
{
	for (unsigned k = 0; k < N_SHARDS; k++) {
		struct shard *s = &t->shards[k];

		for (uint32_t i = *s->used; i > 0; i--)
			entry_attach(t, s, &s->entries[i - 1], fn, arg);
	}
}

int file_remove_any(struct file_table *t, struct file *ret)
{
	for (unsigned k = 0; k < N_SHARDS; k++) {
		struct shard *s = &t->shards[k];

		for (uint32_t i = 0; s->count && i < *s->used; i++) {
			struct entry *e = &s->entries[i];

			if (e->generation & 1)
				return entry_free(s, e, e->generation, ret);
		}
	}
	return -ENOENT;
}
