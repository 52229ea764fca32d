/* SPDX-License-Identifier: Apache-2.0 */
/* inode.c - the inode table: what the kernel's node ids stand for */
#include "fuse/inode.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fuse/slots.h"
#include "store/base/state.h"
#include "store/volume.h"

#define N_SHARDS       64u
#define CHUNK_RECORDS  1024u /* 64 KiB: what is given back to the system */
#define MAX_CHUNKS     (1u << 17)
#define MAX_RECORDS    (MAX_CHUNKS * CHUNK_RECORDS)
#define SHARD_BUCKETS  (MAX_RECORDS / N_SHARDS)
#define MIN_BUCKETS    16u
#define BUCKETS_BACK   1024u /* 4 KiB: so many go back to the system at once */
#define GENERATION_MAX INT32_MAX /* bit 63 of node ids belongs to vnode.h */
#define NONE	       0u	 /* record 0 is never used */

/*
 * What a process that was killed leaves is good if nlookup is not 0: it is the
 * last that is set, and the first that is cleared.
 */
struct record {
	struct store_handle handle;
	uint64_t nlookup; /* 0: free, unless it is open */
	uint32_t volume;
	uint32_t next; /* in the hash chain, or among free records */
	uint32_t generation;
	uint32_t opens;
	int32_t backing;
	uint16_t flags;
	uint16_t spare;
	uint64_t spare2;
};

_Static_assert(sizeof(struct record) == 64, "a record is one cache line");

/* Of a chunk only its generation and used are for the next process. */
struct chunk {
	uint32_t generation; /* of the record made last */
	uint32_t free;	     /* chain of free records */
	uint32_t next;	     /* chunk, in the shard's list or the free list */
	uint32_t prev;
	uint16_t live;
	uint16_t used; /* records ever taken since the chunk was */
	uint16_t shard;
	bool listed; /* has room: is in its shard's list */
};

struct shard {
	pthread_mutex_t lock; /* records, chunks and buckets of this shard */
	uint32_t n_buckets;   /* in use; those below split are split already */
	uint32_t split;
	uint32_t level_size; /* buckets at the start of this round */
	uint32_t count;
	uint32_t backings;
	uint32_t room; /* first chunk with room + 1; 0: none */
} __attribute__((aligned(64)));

/* At the start of the memory. */
struct head {
	uint32_t n_chunks; /* ever used */
};

#define HEAD_SIZE 4096u

struct inode_table {
	struct head *head;
	struct record *records;
	struct chunk *chunks;
	uint32_t *buckets; /* SHARD_BUCKETS for each shard */
	void *memory;
	size_t memory_size;
	struct shard shards[N_SHARDS];
	pthread_mutex_t chunk_lock; /* head, free_chunk */
	uint32_t free_chunk;	    /* + 1; 0: none */
	atomic_uint_fast64_t chunks_in_use;
	struct slots *slots; /* the volumes of records */
	inode_gone_fn *gone;
	inode_unback_fn *unback;
	void *arg;
};

/* --- hashing --- */

/* Finalizer of MurmurHash3 (A. Appleby, public domain), as a mixer. */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	x ^= x >> 33;
	x *= UINT64_C(0xc4ceb9fe1a85ec53);
	return x ^ x >> 33;
}

static uint64_t key_hash(uint32_t volume, const struct store_handle *h)
{
	uint64_t words[3];
	uint64_t x = volume;

	memcpy(words, h, sizeof(words));
	for (int i = 0; i < 3; i++)
		x = mix(x ^ words[i]);
	return x;
}

static struct shard *shard_of_hash(struct inode_table *t, uint64_t hash)
{
	return &t->shards[hash % N_SHARDS];
}

static uint32_t *bucket_of(struct inode_table *t, struct shard *s,
			   uint64_t hash)
{
	uint32_t h = (uint32_t)(hash / N_SHARDS);
	uint32_t b = h & (s->level_size - 1);

	if (b < s->split)
		b = h & (s->level_size * 2 - 1);
	return &t->buckets[(s - t->shards) * SHARD_BUCKETS + b];
}

static uint64_t record_hash(const struct record *rec)
{
	return key_hash(rec->volume, &rec->handle);
}

/* Spread the chain of bucket `split` over itself and the new last bucket. */
static void shard_grow(struct inode_table *t, struct shard *s)
{
	uint32_t *old;
	uint32_t i;

	if (s->n_buckets == SHARD_BUCKETS)
		return;
	old = &t->buckets[(s - t->shards) * SHARD_BUCKETS + s->split];
	i = *old;
	*old = NONE;
	s->n_buckets++;
	s->split++;
	while (i != NONE) {
		struct record *rec = &t->records[i];
		uint32_t next = rec->next;
		uint32_t *b = bucket_of(t, s, record_hash(rec));

		rec->next = *b;
		*b = i;
		i = next;
	}
	if (s->split == s->level_size) {
		s->level_size *= 2;
		s->split = 0;
	}
}

/* The reverse: append the last bucket to the one it was split from. */
static void shard_shrink(struct inode_table *t, struct shard *s)
{
	uint32_t *base = &t->buckets[(s - t->shards) * SHARD_BUCKETS];
	uint32_t *tail;

	if (s->n_buckets == MIN_BUCKETS)
		return;
	if (s->split == 0) {
		s->level_size /= 2;
		s->split = s->level_size;
	}
	s->split--;
	s->n_buckets--;
	tail = &base[s->split];
	while (*tail != NONE)
		tail = &t->records[*tail].next;
	*tail = base[s->n_buckets];
	base[s->n_buckets] = NONE;
	/* Larger pages only go where one begins: none behind it is in use. */
	if (s->n_buckets % BUCKETS_BACK == 0)
		madvise(&base[s->n_buckets], BUCKETS_BACK * sizeof(*base),
			MADV_REMOVE);
}

static void record_link(struct inode_table *t, struct shard *s, uint32_t i)
{
	uint32_t *b;

	if (++s->count > s->n_buckets)
		shard_grow(t, s);
	b = bucket_of(t, s, record_hash(&t->records[i]));
	t->records[i].next = *b;
	*b = i;
}

static void record_unlink(struct inode_table *t, struct shard *s, uint32_t i)
{
	uint32_t *p = bucket_of(t, s, record_hash(&t->records[i]));

	while (*p != i)
		p = &t->records[*p].next;
	*p = t->records[i].next;
	s->count--;
	/* Faster than they go, so that all of it is given back in the end. */
	for (int k = 0; k < 4 && s->count < s->n_buckets / 4; k++)
		shard_shrink(t, s);
}

static uint32_t record_find(struct inode_table *t, struct shard *s,
			    uint64_t hash, uint32_t volume,
			    const struct store_handle *h)
{
	uint32_t i = *bucket_of(t, s, hash);

	while (i != NONE && (t->records[i].volume != volume ||
			     !store_handle_equal(&t->records[i].handle, h)))
		i = t->records[i].next;
	return i;
}

/* --- records and chunks --- */

static void room_add(struct inode_table *t, struct shard *s, uint32_t c)
{
	struct chunk *chunk = &t->chunks[c];

	chunk->listed = true;
	chunk->prev = 0;
	chunk->next = s->room;
	if (s->room)
		t->chunks[s->room - 1].prev = c + 1;
	s->room = c + 1;
}

static void room_remove(struct inode_table *t, struct shard *s, uint32_t c)
{
	struct chunk *chunk = &t->chunks[c];

	chunk->listed = false;
	if (chunk->prev)
		t->chunks[chunk->prev - 1].next = chunk->next;
	else
		s->room = chunk->next;
	if (chunk->next)
		t->chunks[chunk->next - 1].prev = chunk->prev;
}

static int chunk_take(struct inode_table *t, struct shard *s)
{
	uint32_t c;
	bool full = false;

	pthread_mutex_lock(&t->chunk_lock);
	if (t->free_chunk) {
		c = t->free_chunk - 1;
		t->free_chunk = t->chunks[c].next;
	} else if (t->head->n_chunks < MAX_CHUNKS) {
		c = t->head->n_chunks++;
	} else {
		c = 0;
		full = true;
	}
	pthread_mutex_unlock(&t->chunk_lock);
	if (full)
		return -ENFILE;
	atomic_fetch_add(&t->chunks_in_use, 1);
	__atomic_store_n(&t->chunks[c].shard, s - t->shards, __ATOMIC_RELAXED);
	t->chunks[c].free = NONE;
	/* Record 0 of the table stands for none. */
	t->chunks[c].used = c == 0;
	t->chunks[c].live = 0;
	room_add(t, s, c);
	return 0;
}

/* The memory of an empty chunk goes back to the system. */
static void chunk_free(struct inode_table *t, uint32_t c)
{
	t->chunks[c].used = 0;
	madvise(&t->records[(size_t)c * CHUNK_RECORDS],
		CHUNK_RECORDS * sizeof(struct record), MADV_REMOVE);
	pthread_mutex_lock(&t->chunk_lock);
	t->chunks[c].next = t->free_chunk;
	t->free_chunk = c + 1;
	pthread_mutex_unlock(&t->chunk_lock);
}

static void chunk_give_back(struct inode_table *t, struct shard *s, uint32_t c)
{
	room_remove(t, s, c);
	atomic_fetch_sub(&t->chunks_in_use, 1);
	chunk_free(t, c);
}

static int record_take(struct inode_table *t, struct shard *s, uint32_t *ret)
{
	struct chunk *chunk;
	uint32_t c;
	uint32_t i;

	if (!s->room) {
		int r = chunk_take(t, s);

		if (r < 0)
			return r;
	}
	c = s->room - 1;
	chunk = &t->chunks[c];
	i = chunk->free;
	if (i != NONE)
		chunk->free = t->records[i].next;
	else
		i = c * CHUNK_RECORDS + chunk->used++;
	chunk->live++;
	if (chunk->free == NONE && chunk->used == CHUNK_RECORDS)
		room_remove(t, s, c);
	if (++chunk->generation > GENERATION_MAX)
		chunk->generation = 1;
	t->records[i] = (struct record){ .generation = chunk->generation };
	*ret = i;
	return 0;
}

static void record_release(struct inode_table *t, struct shard *s, uint32_t i)
{
	uint32_t c = i / CHUNK_RECORDS;
	struct chunk *chunk = &t->chunks[c];

	__atomic_store_n(&t->records[i].nlookup, 0, __ATOMIC_RELEASE);
	t->records[i].backing = 0;
	t->records[i].generation = 0;
	t->records[i].next = chunk->free;
	chunk->free = i;
	chunk->live--;
	if (!chunk->listed)
		room_add(t, s, c);
	/* One empty chunk a shard is kept, so that it does not come and go. */
	if (chunk->live == 0 && (chunk->next || chunk->prev))
		chunk_give_back(t, s, c);
}

/* --- node ids --- */

static uint64_t nodeid_of(const struct record *rec, uint32_t i)
{
	return (uint64_t)rec->generation << 32 | i;
}

static uint16_t chunk_shard(struct inode_table *t, uint32_t i)
{
	return __atomic_load_n(&t->chunks[i / CHUNK_RECORDS].shard,
			       __ATOMIC_RELAXED);
}

/* The record of a node id, its shard locked; NULL, unlocked, if there is none.
 */
static struct record *record_lock(struct inode_table *t, uint64_t nodeid,
				  struct shard **ret_shard)
{
	uint32_t i = (uint32_t)nodeid;
	struct record *rec;
	struct shard *s;

	if (i == NONE || i >= MAX_RECORDS || nodeid >> 63)
		return NULL;
	/*
	 * The chunk may change its shard until that shard's lock is held, but
	 * not while a record of it is in use, which is all that is asked for.
	 */
	s = &t->shards[chunk_shard(t, i)];
	pthread_mutex_lock(&s->lock);
	rec = &t->records[i];
	if (chunk_shard(t, i) == (uint16_t)(s - t->shards) &&
	    rec->generation == nodeid >> 32 && rec->nlookup + rec->opens > 0) {
		*ret_shard = s;
		return rec;
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static void inode_fill(struct inode_table *t, const struct record *rec,
		       struct inode *ret)
{
	ret->nodeid = nodeid_of(rec, rec - t->records);
	ret->volume = slots_volume(t->slots, rec->volume);
	ret->handle = rec->handle;
	ret->volume_id = rec->volume;
	ret->flags = rec->flags;
	ret->is_open = rec->opens > 0;
}

int inode_remember(struct inode_table *t, struct volume *vol,
		   const struct store_handle *h, struct inode *ret)
{
	uint64_t hash = key_hash(vol->id, h);
	struct shard *s = shard_of_hash(t, hash);
	uint32_t i;
	int r = 0;

	pthread_mutex_lock(&s->lock);
	i = record_find(t, s, hash, vol->id, h);
	if (i == NONE) {
		r = slots_take(t->slots, vol);
		if (r < 0)
			goto out;
		r = record_take(t, s, &i);
		if (r < 0) {
			slots_drop(t->slots, vol->id);
			goto out;
		}
		t->records[i].handle = *h;
		t->records[i].volume = vol->id;
		record_link(t, s, i);
	}
	__atomic_store_n(&t->records[i].nlookup, t->records[i].nlookup + 1,
			 __ATOMIC_RELEASE);
	inode_fill(t, &t->records[i], ret);
out:
	pthread_mutex_unlock(&s->lock);
	return r;
}

/* Take an unused record away and unlock; its handle is let go after that. */
static void record_end(struct inode_table *t, struct shard *s,
		       struct record *rec)
{
	int32_t backing = rec->backing;
	struct inode gone;

	inode_fill(t, rec, &gone);
	s->backings -= backing > 0;
	record_unlink(t, s, rec - t->records);
	record_release(t, s, rec - t->records);
	pthread_mutex_unlock(&s->lock);
	if (backing > 0)
		t->unback(t->arg, backing);
	t->gone(t->arg, &gone);
	slots_drop(t->slots, gone.volume_id);
}

void inode_forget(struct inode_table *t, uint64_t nodeid, uint64_t count)
{
	struct shard *s;
	struct record *rec = record_lock(t, nodeid, &s);

	if (!rec)
		return;
	rec->nlookup = rec->nlookup > count ? rec->nlookup - count : 0;
	if (rec->nlookup == 0 && rec->opens == 0)
		record_end(t, s, rec);
	else
		pthread_mutex_unlock(&s->lock);
}

int inode_get(struct inode_table *t, uint64_t nodeid, struct inode *ret)
{
	struct shard *s;
	struct record *rec = record_lock(t, nodeid, &s);

	if (!rec)
		return -ESTALE;
	inode_fill(t, rec, ret);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

bool inode_is_known(struct inode_table *t, uint32_t volume_id,
		    const struct store_handle *h, bool *ret_is_open)
{
	uint64_t hash = key_hash(volume_id, h);
	struct shard *s = shard_of_hash(t, hash);
	uint32_t i;

	pthread_mutex_lock(&s->lock);
	i = record_find(t, s, hash, volume_id, h);
	*ret_is_open = i != NONE && t->records[i].opens > 0;
	pthread_mutex_unlock(&s->lock);
	return i != NONE;
}

bool inode_set_flag(struct inode_table *t, uint64_t nodeid,
		    enum inode_flag flag)
{
	struct shard *s;
	struct record *rec = record_lock(t, nodeid, &s);
	bool is_new;

	if (!rec)
		return false;
	is_new = !(rec->flags & flag);
	rec->flags |= flag;
	pthread_mutex_unlock(&s->lock);
	return is_new;
}

void inode_clear_flag(struct inode_table *t, uint64_t nodeid,
		      enum inode_flag flag)
{
	struct shard *s;
	struct record *rec = record_lock(t, nodeid, &s);

	if (!rec)
		return;
	rec->flags &= (uint16_t)~flag;
	pthread_mutex_unlock(&s->lock);
}

int inode_open(struct inode_table *t, uint64_t nodeid, inode_back_fn *make,
	       void *arg, int32_t *ret_backing)
{
	struct shard *s;
	struct record *rec = record_lock(t, nodeid, &s);

	if (!rec)
		return -ESTALE;
	/* An inode has one mode for all its opens: the first one decides. */
	if (make && rec->opens == 0 && !(rec->flags & INODE_NO_PASSTHROUGH)) {
		int id = make(arg);

		if (id == -EAGAIN) {
			pthread_mutex_unlock(&s->lock);
			return id;
		}
		if (id > 0) {
			rec->backing = id;
			s->backings++;
		} else {
			rec->flags |= INODE_NO_PASSTHROUGH;
		}
	}
	rec->opens++;
	*ret_backing = rec->backing;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

/* Nobody has it open: unlock, and end its backing id if it has one. */
static void record_unback(struct inode_table *t, struct shard *s,
			  struct record *rec)
{
	int32_t backing = rec->backing;

	rec->backing = 0;
	s->backings -= backing > 0;
	pthread_mutex_unlock(&s->lock);
	if (backing > 0)
		t->unback(t->arg, backing);
}

bool inode_close(struct inode_table *t, uint64_t nodeid)
{
	struct shard *s;
	struct record *rec = record_lock(t, nodeid, &s);

	if (!rec)
		return false;
	assert(rec->opens > 0);
	if (--rec->opens > 0) {
		pthread_mutex_unlock(&s->lock);
		return false;
	}
	if (rec->nlookup == 0) {
		record_end(t, s, rec);
		return false;
	}
	record_unback(t, s, rec);
	return true;
}

/* --- taking over --- */

/* Does the record stand for a file of a volume that is still there? */
static bool record_adopt(struct inode_table *t, const struct record *rec,
			 inode_volume_fn *volume, void *arg)
{
	struct volume *vol = slots_volume(t->slots, rec->volume);
	bool is_good;

	/* Nobody else is there yet: it stays. */
	vol = vol ? volume_ref(vol) : volume(arg, rec->volume);
	is_good = vol && store_adopt(vol->store, &rec->handle) == 0 &&
		  slots_take(t->slots, vol) == 0;
	volume_unref(vol);
	return is_good;
}

/* Put a record in its place, or among those that are free. */
static void record_attach(struct inode_table *t, uint32_t i,
			  inode_volume_fn *volume, void *arg)
{
	struct record *rec = &t->records[i];
	struct chunk *chunk = &t->chunks[i / CHUNK_RECORDS];
	struct shard *s;

	rec->opens = 0;
	if (rec->nlookup > 0 && record_adopt(t, rec, volume, arg)) {
		s = shard_of_hash(t, record_hash(rec));
		chunk->shard = (uint16_t)(s - t->shards);
		chunk->live++;
		s->backings += rec->backing > 0;
		record_link(t, s, i);
		return;
	}
	/* It may have been forgotten before its RELEASE was handled. */
	if (rec->backing > 0)
		t->unback(t->arg, rec->backing);
	*rec = (struct record){ .next = chunk->free };
	chunk->free = i;
}

static void chunk_attach(struct inode_table *t, uint32_t c,
			 inode_volume_fn *volume, void *arg)
{
	struct chunk *chunk = &t->chunks[c];
	uint32_t first = c * CHUNK_RECORDS;
	struct shard *s;

	chunk->free = NONE;
	chunk->live = 0;
	chunk->listed = false;
	for (uint32_t i = first + (c == 0); i < first + chunk->used; i++)
		record_attach(t, i, volume, arg);
	if (chunk->live == 0) {
		chunk_free(t, c);
		return;
	}
	atomic_fetch_add(&t->chunks_in_use, 1);
	s = &t->shards[chunk->shard];
	if (chunk->free != NONE || chunk->used < CHUNK_RECORDS)
		room_add(t, s, c);
}

int inode_attach(struct inode_table *t, inode_volume_fn *volume, void *arg)
{
	size_t size = (size_t)N_SHARDS * SHARD_BUCKETS * sizeof(*t->buckets);

	if (madvise(t->buckets, size, MADV_REMOVE) < 0)
		return -errno;
	/* From the end: those that are used again first are at the start. */
	for (uint32_t c = t->head->n_chunks; c > 0; c--)
		chunk_attach(t, c - 1, volume, arg);
	return 0;
}

/* unback what was open when its last RELEASE was under way. */
static int record_attached(void *arg, const struct inode *inode)
{
	struct inode_table *t = arg;
	struct shard *s;
	struct record *rec = record_lock(t, inode->nodeid, &s);

	if (!rec)
		return 0;
	if (rec->opens == 0)
		record_unback(t, s, rec);
	else
		pthread_mutex_unlock(&s->lock);
	return 0;
}

void inode_attached(struct inode_table *t)
{
	inode_each(t, record_attached, t);
}

int inode_each(struct inode_table *t, inode_each_fn *fn, void *arg)
{
	int r = 0;

	for (uint32_t c = 0; r == 0 && c < t->head->n_chunks; c++) {
		uint32_t first = c * CHUNK_RECORDS;

		for (uint32_t i = 0; r == 0 && i < t->chunks[c].used; i++) {
			uint64_t id =
				nodeid_of(&t->records[first + i], first + i);
			struct inode inode;

			if (inode_get(t, id, &inode) == 0)
				r = fn(arg, &inode);
		}
	}
	return r;
}

/* --- the table --- */

static int table_map(struct inode_table *t, struct state *state)
{
	size_t records = (size_t)MAX_RECORDS * sizeof(struct record);
	size_t chunks = (size_t)MAX_CHUNKS * sizeof(struct chunk);
	size_t buckets = (size_t)N_SHARDS * SHARD_BUCKETS * sizeof(uint32_t);
	char *p;
	int r;

	t->memory_size = HEAD_SIZE + records + chunks + buckets;
	r = state_map(state, STATE_INODES, t->memory_size, &t->memory);
	if (r < 0)
		return r;
	p = t->memory;
	t->head = (void *)p;
	t->records = (void *)(p + HEAD_SIZE);
	t->chunks = (void *)(p + HEAD_SIZE + records);
	t->buckets = (void *)(p + HEAD_SIZE + records + chunks);
	return 0;
}

int inode_table_new(struct state *state, inode_gone_fn *gone,
		    inode_unback_fn *unback, void *arg,
		    struct inode_table **ret)
{
	struct inode_table *t;
	int r;

	t = aligned_alloc(64, sizeof(*t));
	if (!t)
		return -ENOMEM;
	memset(t, 0, sizeof(*t));
	t->gone = gone;
	t->unback = unback;
	t->arg = arg;
	pthread_mutex_init(&t->chunk_lock, NULL);
	for (unsigned i = 0; i < N_SHARDS; i++) {
		pthread_mutex_init(&t->shards[i].lock, NULL);
		t->shards[i].n_buckets = MIN_BUCKETS;
		t->shards[i].level_size = MIN_BUCKETS;
	}
	r = table_map(t, state);
	if (r == 0)
		r = slots_new(&t->slots);
	if (r < 0) {
		inode_table_free(t);
		return r;
	}
	*ret = t;
	return 0;
}

void inode_table_free(struct inode_table *t)
{
	if (!t)
		return;
	slots_free(t->slots);
	if (t->memory)
		munmap(t->memory, t->memory_size);
	for (unsigned i = 0; i < N_SHARDS; i++)
		pthread_mutex_destroy(&t->shards[i].lock);
	pthread_mutex_destroy(&t->chunk_lock);
	free(t);
}

void inode_table_stats(struct inode_table *t, struct inode_stats *ret)
{
	*ret = (struct inode_stats){ 0 };
	for (unsigned i = 0; i < N_SHARDS; i++) {
		struct shard *s = &t->shards[i];

		pthread_mutex_lock(&s->lock);
		ret->inodes += s->count;
		ret->backing_ids += s->backings;
		ret->bytes += (uint64_t)s->n_buckets * sizeof(uint32_t);
		pthread_mutex_unlock(&s->lock);
	}
	ret->bytes += atomic_load(&t->chunks_in_use) * CHUNK_RECORDS *
		      sizeof(struct record);
}
