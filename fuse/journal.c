/* SPDX-License-Identifier: Apache-2.0 */
/* journal.c - requests under way that must not take effect twice */
#include "fuse/journal.h"

#include <errno.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "store/base/state.h"

/*
 * Entries of a process, one for each thread, and how many processes have
 * theirs: a request that was begun by one, then by its successor, is known as
 * long as fewer than that are killed before it is answered.
 */
#define ENTRIES	    1536u
#define GENERATIONS 8u
/* The longest answer: that to a creation. */
#define ANSWER_MAX 176u

enum phase {
	PHASE_FREE,
	PHASE_BEGUN,
	PHASE_ANSWERED,
};

struct journal_entry {
	uint64_t unique;
	_Atomic uint32_t phase; /* enum phase, set last */
	uint32_t answer_len;
	uint64_t fh;
	struct store_handle handle;
	uint64_t size; /* + 1; 0: none was noted */
	int32_t error;
	uint32_t spare;
	char answer[ANSWER_MAX];
};

_Static_assert(sizeof(struct journal_entry) % 8 == 0, "entries are aligned");

struct records {
	uint32_t generation;
	/* Entries that threads of each were given: the rest was never used. */
	_Atomic uint32_t taken[GENERATIONS];
	struct journal_entry entries[GENERATIONS][ENTRIES];
};

struct journal {
	struct records *records;
	struct journal_entry *mine;
	_Atomic uint32_t *taken;
	uint64_t id;		   /* of this journal, among all ever */
	pthread_mutex_t past_lock; /* of past and n_past */
	struct journal_entry **past;
	size_t n_past;
};

/* --- what processes before have left --- */

/* From the latest to the first: of two with the same number that is found. */
static int past_collect(struct journal *j, uint32_t generation)
{
	j->past = calloc((size_t)GENERATIONS * ENTRIES,
			 sizeof(struct journal_entry *));
	if (!j->past)
		return -ENOMEM;
	for (uint32_t age = 1; age < GENERATIONS; age++) {
		uint32_t g = (generation - age) % GENERATIONS;

		for (uint32_t i = 0; i < j->records->taken[g]; i++) {
			struct journal_entry *e = &j->records->entries[g][i];

			if (atomic_load(&e->phase) != PHASE_FREE)
				j->past[j->n_past++] = e;
		}
	}
	return 0;
}

int journal_find(struct journal *j, uint64_t unique, struct journal_past *ret)
{
	const struct journal_entry *e = NULL;

	pthread_mutex_lock(&j->past_lock);
	for (size_t i = 0; i < j->n_past && !e; i++) {
		if (j->past[i]->unique == unique)
			e = j->past[i];
	}
	pthread_mutex_unlock(&j->past_lock);
	if (!e)
		return -ENOENT;
	*ret = (struct journal_past){ .fh = e->fh,
				      .handle = e->handle,
				      .has_size = e->size > 0,
				      .size = e->size - 1 };
	if (atomic_load(&e->phase) == PHASE_ANSWERED) {
		ret->answer = e->answer;
		ret->answer_len = e->answer_len;
		ret->error = e->error;
	}
	return 0;
}

void journal_forget(struct journal *j, uint64_t unique)
{
	pthread_mutex_lock(&j->past_lock);
	for (size_t i = 0; i < j->n_past;) {
		if (j->past[i]->unique != unique) {
			i++;
			continue;
		}
		atomic_store(&j->past[i]->phase, PHASE_FREE);
		memmove(&j->past[i], &j->past[i + 1],
			(--j->n_past - i) * sizeof(struct journal_entry *));
	}
	pthread_mutex_unlock(&j->past_lock);
}

/* --- what this process does --- */

/* Each thread keeps the entry it was given first; threads do not come and go.
 */
static struct journal_entry *entry_of_thread(struct journal *j)
{
	static _Thread_local struct {
		uint64_t journal;
		struct journal_entry *entry;
	} mine;
	uint32_t i;

	if (mine.journal == j->id)
		return mine.entry;
	mine.journal = j->id;
	i = atomic_load(j->taken);
	do {
		if (i == ENTRIES)
			return mine.entry = NULL;
	} while (!atomic_compare_exchange_weak(j->taken, &i, i + 1));
	return mine.entry = &j->mine[i];
}

struct journal_entry *journal_begin(struct journal *j, uint64_t unique,
				    const struct journal_past *past)
{
	struct journal_entry *e = entry_of_thread(j);

	if (!e)
		return NULL;
	e->unique = unique;
	e->fh = 0;
	e->handle = past ? past->handle : (struct store_handle){ 0 };
	e->size = past && past->has_size ? past->size + 1 : 0;
	/* From now on what a process before noted is not looked at. */
	atomic_store_explicit(&e->phase, PHASE_BEGUN, memory_order_release);
	return e;
}

void journal_note_open(struct journal_entry *e, uint64_t fh)
{
	if (e)
		__atomic_store_n(&e->fh, fh, __ATOMIC_RELEASE);
}

void journal_note_handle(struct journal_entry *e, const struct store_handle *h)
{
	struct store_handle copy = *h;
	uint8_t len = copy.len;

	if (!e)
		return;
	copy.len = 0;
	e->handle = copy;
	__atomic_store_n(&e->handle.len, len, __ATOMIC_RELEASE);
}

void journal_note_size(struct journal_entry *e, uint64_t size)
{
	if (e)
		__atomic_store_n(&e->size, size + 1, __ATOMIC_RELEASE);
}

void journal_answer(struct journal_entry *e, const struct iovec *iov, int n)
{
	const struct fuse_out_header *out = iov[0].iov_base;
	size_t len = 0;

	if (out->len - sizeof(*out) > ANSWER_MAX)
		return;
	e->error = out->error;
	/* The header is the first part, alone. */
	for (int i = 1; i < n; i++) {
		memcpy(e->answer + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	e->answer_len = (uint32_t)len;
	atomic_store_explicit(&e->phase, PHASE_ANSWERED, memory_order_release);
}

void journal_end(struct journal_entry *e)
{
	atomic_store_explicit(&e->phase, PHASE_FREE, memory_order_release);
}

/* --- the journal --- */

/* Take the entries of the oldest process that has any. */
static void own(struct journal *j, uint32_t generation)
{
	uint32_t g = generation % GENERATIONS;

	j->mine = j->records->entries[g];
	j->taken = &j->records->taken[g];
	for (uint32_t i = 0; i < *j->taken; i++)
		atomic_store(&j->mine[i].phase, PHASE_FREE);
	atomic_store(j->taken, 0);
}

static uint64_t journal_id(void)
{
	static atomic_uint_fast64_t last;

	return atomic_fetch_add(&last, 1) + 1;
}

int journal_new(struct state *state, struct journal **ret)
{
	struct journal *j = calloc(1, sizeof(*j));
	uint32_t generation;
	void *p;
	int r;

	if (!j)
		return -ENOMEM;
	pthread_mutex_init(&j->past_lock, NULL);
	j->id = journal_id();
	r = state_map(state, STATE_JOURNAL, sizeof(*j->records), &p);
	if (r == 0) {
		j->records = p;
		generation = ++j->records->generation;
		own(j, generation);
		r = past_collect(j, generation);
	}
	if (r < 0) {
		journal_free(j);
		return r;
	}
	*ret = j;
	return 0;
}

void journal_free(struct journal *j)
{
	if (!j)
		return;
	if (j->records)
		munmap(j->records, sizeof(*j->records));
	pthread_mutex_destroy(&j->past_lock);
	free(j->past);
	free(j);
}
