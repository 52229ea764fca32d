/* SPDX-License-Identifier: Apache-2.0 */
/* held.c - descriptors that stand for files where there are no file handles */
#include "store/localfs/held.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "store/localfs/handle.h"
#include "store/store.h"

#define HELD_BUCKETS 16384u
#define HELD_NONE    UINT32_MAX

struct held_slot {
	int fd;	       /* -1: free */
	uint32_t next; /* in the bucket, or in the free list */
	uint32_t pins;
	uint32_t touched; /* changes when the file is looked up again */
	uint64_t generation;
	uint64_t dev;
	uint64_t ino;
	uint16_t realm;
	bool dropped; /* close when the last pin goes; found by nobody */
};

struct held_idle {
	uint32_t slot;
	uint32_t touched;
	uint64_t generation; /* 0: nothing here */
};

struct held {
	pthread_mutex_t lock; /* of all below */
	uint64_t generation;  /* the last one given */
	uint32_t count;
	uint32_t n_used; /* slots that were ever used */
	uint32_t free_list;
	uint32_t idle_next; /* the oldest of idle[] */
	struct held_idle idle[HELD_IDLE_MAX];
	uint32_t buckets[HELD_BUCKETS];
	struct held_slot slots[HELD_MAX];
};

struct held *held_new(void)
{
	struct timespec now;
	struct held *t;

	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	pthread_mutex_init(&t->lock, NULL);
	t->free_list = HELD_NONE;
	for (unsigned i = 0; i < HELD_BUCKETS; i++)
		t->buckets[i] = HELD_NONE;
	/*
	 * A handle of an earlier process must not name another file here, not
	 * even if somebody has set the time back.
	 */
	clock_gettime(CLOCK_MONOTONIC, &now);
	t->generation =
		(uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	return t;
}

void held_free(struct held *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->n_used; i++) {
		assert(t->slots[i].pins == 0);
		if (t->slots[i].fd >= 0)
			close(t->slots[i].fd);
	}
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static uint32_t *bucket_of(struct held *t, uint16_t realm, uint64_t dev,
			   uint64_t ino)
{
	uint64_t x = (ino ^ (dev << 40) ^ realm) * 0x9e3779b97f4a7c15u;

	return &t->buckets[(x >> 32) & (HELD_BUCKETS - 1)];
}

/* Under the lock, as all below until the public functions. */
static struct held_slot *slot_find(struct held *t, uint16_t realm, uint64_t dev,
				   uint64_t ino)
{
	uint32_t i = *bucket_of(t, realm, dev, ino);

	for (; i != HELD_NONE; i = t->slots[i].next) {
		struct held_slot *s = &t->slots[i];

		if (s->ino == ino && s->dev == dev && s->realm == realm)
			return s;
	}
	return NULL;
}

static void slot_unhash(struct held *t, struct held_slot *s)
{
	uint32_t *link = bucket_of(t, s->realm, s->dev, s->ino);

	while (&t->slots[*link] != s)
		link = &t->slots[*link].next;
	*link = s->next;
}

static struct held_slot *slot_alloc(struct held *t)
{
	struct held_slot *s;

	if (t->free_list != HELD_NONE) {
		s = &t->slots[t->free_list];
		t->free_list = s->next;
		return s;
	}
	if (t->n_used == HELD_MAX)
		return NULL;
	s = &t->slots[t->n_used++];
	s->fd = -1;
	return s;
}

/* Returns the descriptor that the caller is to close. */
static int slot_release(struct held *t, struct held_slot *s)
{
	int fd = s->fd;

	s->fd = -1;
	s->dropped = false;
	s->next = t->free_list;
	t->free_list = (uint32_t)(s - t->slots);
	t->count--;
	return fd;
}

/* Nobody finds it from now on.  Returns what to close, or -1 while pinned. */
static int slot_drop(struct held *t, struct held_slot *s)
{
	slot_unhash(t, s);
	s->generation = 0;
	if (s->pins) {
		s->dropped = true;
		return -1;
	}
	return slot_release(t, s);
}

/* Queue a forgotten slot, ending the oldest one if it is still unwanted. */
static int slot_idle(struct held *t, struct held_slot *s)
{
	struct held_idle *place = &t->idle[t->idle_next];
	struct held_idle oldest = *place;
	struct held_slot *old = &t->slots[oldest.slot];

	place->slot = (uint32_t)(s - t->slots);
	place->touched = ++s->touched;
	place->generation = s->generation;
	t->idle_next = (t->idle_next + 1) % HELD_IDLE_MAX;

	if (oldest.generation == 0 || old->generation != oldest.generation ||
	    old->touched != oldest.touched)
		return -1;
	return slot_drop(t, old);
}

static int enter_locked(struct held *t, uint16_t realm,
			const struct statx *attr, int *fd,
			struct store_handle *ret)
{
	uint64_t dev = makedev(attr->stx_dev_major, attr->stx_dev_minor);
	struct held_slot *s = slot_find(t, realm, dev, attr->stx_ino);
	uint32_t *bucket;

	if (!s) {
		s = slot_alloc(t);
		if (!s)
			return -ENFILE;
		s->fd = *fd;
		*fd = -1;
		s->generation = ++t->generation;
		s->dev = dev;
		s->ino = attr->stx_ino;
		s->realm = realm;
		bucket = bucket_of(t, realm, dev, s->ino);
		s->next = *bucket;
		*bucket = (uint32_t)(s - t->slots);
		t->count++;
	}
	s->touched++;
	handle_make_held(realm, (uint32_t)(s - t->slots), s->generation,
			 attr->stx_mode, ret);
	return 0;
}

int held_enter(struct held *t, uint16_t realm, const struct statx *attr,
	       int *fd, struct store_handle *ret)
{
	int r;

	pthread_mutex_lock(&t->lock);
	r = enter_locked(t, realm, attr, fd, ret);
	pthread_mutex_unlock(&t->lock);
	return r;
}

int held_pin(struct held *t, const struct store_handle *h, int *ret_fd,
	     uint32_t *ret_slot)
{
	struct held_slot *s;
	uint64_t generation;
	uint32_t slot;
	int r = -ESTALE;

	handle_read_held(h, &slot, &generation);
	if (slot >= HELD_MAX || generation == 0)
		return -ESTALE;
	s = &t->slots[slot];

	pthread_mutex_lock(&t->lock);
	if (s->generation == generation && s->realm == h->realm) {
		s->pins++;
		*ret_fd = s->fd;
		*ret_slot = slot;
		r = 0;
	}
	pthread_mutex_unlock(&t->lock);
	return r;
}

void held_unpin(struct held *t, uint32_t slot)
{
	struct held_slot *s = &t->slots[slot];
	int unwanted = -1;

	pthread_mutex_lock(&t->lock);
	assert(s->pins > 0);
	if (--s->pins == 0 && s->dropped)
		unwanted = slot_release(t, s);
	pthread_mutex_unlock(&t->lock);

	if (unwanted >= 0)
		close(unwanted);
}

void held_forget(struct held *t, const struct store_handle *h)
{
	struct held_slot *s;
	struct stat st;
	int unwanted = -1;
	uint32_t slot;
	bool gone;
	int fd;

	if (held_pin(t, h, &fd, &slot) < 0)
		return;
	s = &t->slots[slot];
	/* A removed file would keep its blocks: no grace for it. */
	gone = fstat(fd, &st) < 0 || st.st_nlink == 0;

	pthread_mutex_lock(&t->lock);
	s->pins--;
	if (s->dropped)
		unwanted = s->pins ? -1 : slot_release(t, s);
	else
		unwanted = gone ? slot_drop(t, s) : slot_idle(t, s);
	pthread_mutex_unlock(&t->lock);

	if (unwanted >= 0)
		close(unwanted);
}

void held_drop_realm(struct held *t, uint16_t realm)
{
	pthread_mutex_lock(&t->lock);
	for (uint32_t i = 0; i < t->n_used; i++) {
		struct held_slot *s = &t->slots[i];
		int fd;

		if (s->fd < 0 || s->dropped || s->realm != realm)
			continue;
		fd = slot_drop(t, s);
		if (fd >= 0)
			close(fd);
	}
	pthread_mutex_unlock(&t->lock);
}

size_t held_count(struct held *t)
{
	size_t n;

	pthread_mutex_lock(&t->lock);
	n = t->count;
	pthread_mutex_unlock(&t->lock);
	return n;
}
