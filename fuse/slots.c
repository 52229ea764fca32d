/* SPDX-License-Identifier: Apache-2.0 */
/* slots.c - the volumes of the inode table's records, by id */
#include "fuse/slots.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "store/volume.h"

/* Two levels, filled on demand. */
#define SLOTS_PER_PAGE 1024u
#define SLOT_PAGES     ((VOLUME_ID_MAX + 1) / SLOTS_PER_PAGE)

struct slot {
	_Atomic(struct volume *) volume;
	atomic_uint_fast64_t records;
};

struct slots {
	pthread_mutex_t lock; /* a slot's volume coming and going */
	_Atomic(struct slot *) *pages;
};

static struct slot *slot_of(struct slots *s, uint32_t id)
{
	struct slot *page = atomic_load(&s->pages[id / SLOTS_PER_PAGE]);

	return page ? &page[id % SLOTS_PER_PAGE] : NULL;
}

struct volume *slots_volume(struct slots *s, uint32_t id)
{
	struct slot *slot = slot_of(s, id);

	return slot ? atomic_load(&slot->volume) : NULL;
}

static int slot_fill(struct slots *s, struct volume *vol, struct slot **ret)
{
	uint32_t n = vol->id / SLOTS_PER_PAGE;
	struct slot *page = atomic_load(&s->pages[n]);

	if (!page) {
		page = calloc(SLOTS_PER_PAGE, sizeof(*page));
		if (!page)
			return -ENOMEM;
		atomic_store(&s->pages[n], page);
	}
	*ret = &page[vol->id % SLOTS_PER_PAGE];
	if (!atomic_load(&(*ret)->volume))
		atomic_store(&(*ret)->volume, volume_ref(vol));
	return 0;
}

int slots_take(struct slots *s, struct volume *vol)
{
	struct slot *slot = slot_of(s, vol->id);
	int r = 0;

	/* Not from zero: the slot may be on its way out. */
	if (slot) {
		uint_fast64_t n = atomic_load(&slot->records);

		while (n > 0) {
			if (atomic_compare_exchange_weak(&slot->records, &n,
							 n + 1))
				return 0;
		}
	}
	pthread_mutex_lock(&s->lock);
	r = slot_fill(s, vol, &slot);
	if (r == 0)
		atomic_fetch_add(&slot->records, 1);
	pthread_mutex_unlock(&s->lock);
	return r;
}

void slots_drop(struct slots *s, uint32_t id)
{
	struct slot *slot = slot_of(s, id);
	struct volume *vol = NULL;

	if (atomic_fetch_sub(&slot->records, 1) != 1)
		return;
	pthread_mutex_lock(&s->lock);
	if (atomic_load(&slot->records) == 0)
		vol = atomic_exchange(&slot->volume, NULL);
	pthread_mutex_unlock(&s->lock);
	volume_unref(vol);
}

int slots_new(struct slots **ret)
{
	struct slots *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->pages = calloc(SLOT_PAGES, sizeof(*s->pages));
	if (!s->pages) {
		free(s);
		return -ENOMEM;
	}
	pthread_mutex_init(&s->lock, NULL);
	*ret = s;
	return 0;
}

void slots_free(struct slots *s)
{
	if (!s)
		return;
	for (unsigned p = 0; p < SLOT_PAGES; p++) {
		struct slot *page = atomic_load(&s->pages[p]);

		for (unsigned i = 0; page && i < SLOTS_PER_PAGE; i++)
			volume_unref(atomic_load(&page[i].volume));
		free(page);
	}
	free(s->pages);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
