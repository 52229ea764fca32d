/* SPDX-License-Identifier: Apache-2.0 */
/* orphans.c - descriptors that keep removed files there while they are known */
#include "store/localfs/orphans.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/base/cleanup.h"
#include "store/localfs/handle.h"
#include "store/localfs/pin.h"
#include "store/localfs/state.h"

#define N_BUCKETS 64u

struct orphan {
	struct store_handle handle;
	int fd;
	struct orphan *next;
};

struct orphans {
	atomic_size_t n;
	struct {
		pthread_mutex_t lock;
		struct orphan *first;
	} buckets[N_BUCKETS];
};

struct orphans *orphans_new(void)
{
	struct orphans *o = calloc(1, sizeof(*o));

	for (unsigned i = 0; o && i < N_BUCKETS; i++)
		pthread_mutex_init(&o->buckets[i].lock, NULL);
	return o;
}

void orphans_free(struct orphans *o)
{
	if (!o)
		return;
	for (unsigned i = 0; i < N_BUCKETS; i++) {
		struct orphan *p = o->buckets[i].first;

		while (p) {
			struct orphan *next = p->next;

			close(p->fd);
			free(p);
			p = next;
		}
		pthread_mutex_destroy(&o->buckets[i].lock);
	}
	free(o);
}

static unsigned bucket_of(const struct store_handle *h)
{
	return (unsigned)(handle_hash(h) % N_BUCKETS);
}

int orphans_watch(struct orphans *o, const struct store_handle *dir, int dirfd,
		  const char *name)
{
	/* Where descriptors are held, the file has one until it is forgotten.
	 */
	if (dir->type == HANDLE_TYPE_HELD)
		return -1;
	if (atomic_load_explicit(&o->n, memory_order_relaxed) >= ORPHANS_MAX)
		return -1;
	return openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

static void orphans_add(struct orphans *o, const struct store_handle *h,
			int *fd)
{
	unsigned b = bucket_of(h);
	struct orphan *p = malloc(sizeof(*p));

	if (!p)
		return;
	p->handle = *h;
	p->fd = steal_fd(fd);
	pthread_mutex_lock(&o->buckets[b].lock);
	p->next = o->buckets[b].first;
	o->buckets[b].first = p;
	atomic_fetch_add(&o->n, 1);
	pthread_mutex_unlock(&o->buckets[b].lock);
}

void orphans_keep(struct local_store *ls, const struct store_handle *dir,
		  int *fd)
{
	struct store_handle h;
	struct statx attr;
	uint16_t realm;

	if (*fd < 0 || local_handle(ls, dir, *fd, &realm, &h, &attr) != 0 ||
	    attr.stx_nlink > 0)
		return;
	orphans_add(ls->lfs->orphans, &h, fd);
}

static void orphan_end(struct orphans *o, struct orphan *p)
{
	atomic_fetch_sub(&o->n, 1);
	close(p->fd);
	free(p);
}

void orphans_forget(struct orphans *o, const struct store_handle *h)
{
	unsigned b = bucket_of(h);
	struct orphan *found = NULL;

	if (atomic_load_explicit(&o->n, memory_order_relaxed) == 0)
		return;
	pthread_mutex_lock(&o->buckets[b].lock);
	for (struct orphan **p = &o->buckets[b].first; *p; p = &(*p)->next) {
		if (store_handle_equal(&(*p)->handle, h)) {
			found = *p;
			*p = found->next;
			break;
		}
	}
	pthread_mutex_unlock(&o->buckets[b].lock);
	if (found)
		orphan_end(o, found);
}

void orphans_drop_realm(struct orphans *o, uint16_t realm)
{
	for (unsigned b = 0; b < N_BUCKETS; b++) {
		struct orphan **link = &o->buckets[b].first;

		pthread_mutex_lock(&o->buckets[b].lock);
		while (*link) {
			struct orphan *p = *link;

			if (p->handle.realm == realm) {
				*link = p->next;
				orphan_end(o, p);
			} else
				link = &p->next;
		}
		pthread_mutex_unlock(&o->buckets[b].lock);
	}
}

size_t orphans_count(struct orphans *o)
{
	return atomic_load(&o->n);
}
