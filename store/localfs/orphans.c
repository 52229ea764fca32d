/* SPDX-License-Identifier: Apache-2.0 */
/* orphans.c - what keeps removed files known until they are forgotten */
#include "store/localfs/orphans.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "store/base/cleanup.h"
#include "store/localfs/handle.h"
#include "store/localfs/pin.h"
#include "store/localfs/state.h"

#define N_BUCKETS 64u

#define PAUSE_MIN_NS 50000L
#define PAUSE_MAX_NS (PAUSE_MIN_NS << 6)
#define PAUSES	     70 /* 200 ms and more */

struct orphan {
	struct store_handle handle;
	int fd;		   /* -1: it is gone, */
	struct statx attr; /* and was like this */
	struct orphan *next;
};

struct orphans {
	atomic_size_t n;
	atomic_size_t n_fds;
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

			closep(&p->fd);
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

static bool are_many(struct orphans *o)
{
	return atomic_load_explicit(&o->n, memory_order_relaxed) >= ORPHANS_MAX;
}

int orphans_watch(struct local_store *ls, const struct store_handle *dir,
		  int dirfd, const char *name)
{
	/* Where descriptors are held, the file has one until it is forgotten.
	 */
	if (dir->type == HANDLE_TYPE_HELD)
		return -1;
	if (are_many(ls->lfs->orphans) && !ls->limited)
		return -1;
	return openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

static void orphans_add(struct orphans *o, const struct store_handle *h,
			const struct statx *attr, int *fd)
{
	unsigned b = bucket_of(h);
	struct orphan *p = malloc(sizeof(*p));

	if (!p)
		return;
	p->handle = *h;
	p->attr = *attr;
	p->fd = steal_fd(fd);
	if (p->fd >= 0)
		atomic_fetch_add(&o->n_fds, 1);
	pthread_mutex_lock(&o->buckets[b].lock);
	p->next = o->buckets[b].first;
	o->buckets[b].first = p;
	atomic_fetch_add(&o->n, 1);
	pthread_mutex_unlock(&o->buckets[b].lock);
}

/*
 * Has anybody else the file open, or mapped?  Linux grants a lease for writing
 * to who is alone.
 */
static bool is_open(int fd)
{
	if (fcntl(fd, F_SETLEASE, F_WRLCK) < 0)
		return true;
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return false;
}

/*
 * Let a removed file go and look whether it went.  Who has it open holds it,
 * and then it is held here as well.  Where it is closed and still there, it was
 * closed just now: another thread has been told so, and is about to let it go.
 */
static void let_go(struct local_store *ls, const struct store_handle *h,
		   int *fd)
{
	struct timespec pause = { .tv_nsec = PAUSE_MIN_NS };

	closep(fd);
	pin_forget(ls, h);
	*fd = pin_reopen(ls, h, O_RDONLY);
	for (int i = 0; *fd >= 0 && i < PAUSES && !is_open(*fd); i++) {
		closep(fd);
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < PAUSE_MAX_NS)
			pause.tv_nsec *= 2;
		*fd = pin_reopen(ls, h, O_RDONLY);
	}
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
	if (ls->limited && S_ISREG(attr.stx_mode))
		let_go(ls, &h, fd);
	if (!are_many(ls->lfs->orphans))
		orphans_add(ls->lfs->orphans, &h, &attr, fd);
}

static struct orphan **orphan_find(struct orphans *o, unsigned b,
				   const struct store_handle *h)
{
	struct orphan **p = &o->buckets[b].first;

	while (*p && !store_handle_equal(&(*p)->handle, h))
		p = &(*p)->next;
	return p;
}

bool orphans_attr(struct local_store *ls, const struct store_handle *h,
		  struct statx *ret)
{
	struct orphans *o = ls->lfs->orphans;
	unsigned b = bucket_of(h);
	const struct orphan *found;

	if (atomic_load_explicit(&o->n, memory_order_relaxed) == 0 ||
	    !realm_get(ls->lfs->realms, &ls->realms, h->realm))
		return false;
	pthread_mutex_lock(&o->buckets[b].lock);
	found = *orphan_find(o, b, h);
	if (found)
		*ret = found->attr;
	pthread_mutex_unlock(&o->buckets[b].lock);
	return found;
}

static void orphan_end(struct orphans *o, struct orphan *p)
{
	atomic_fetch_sub(&o->n, 1);
	if (p->fd >= 0)
		atomic_fetch_sub(&o->n_fds, 1);
	closep(&p->fd);
	free(p);
}

void orphans_forget(struct orphans *o, const struct store_handle *h)
{
	unsigned b = bucket_of(h);
	struct orphan **link;
	struct orphan *found;

	if (atomic_load_explicit(&o->n, memory_order_relaxed) == 0)
		return;
	pthread_mutex_lock(&o->buckets[b].lock);
	link = orphan_find(o, b, h);
	found = *link;
	if (found)
		*link = found->next;
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
	return atomic_load(&o->n_fds);
}
