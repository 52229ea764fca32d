/* SPDX-License-Identifier: Apache-2.0 */
/* realm.c - the filesystems (mounts) that volumes are on */
#include "store/localfs/realm.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/base/path.h"
#include "store/base/state.h"
#include "store/localfs/mounts.h"

/* In the state: which mount has this number. */
struct realm_record {
	struct mount_key mount;
	atomic_bool in_use; /* written after mount */
};

struct realms {
	bool no_handles;
	struct realm_record *records; /* REALM_MAX of them */
	struct mount_list mounts;
	pthread_mutex_t lock; /* of all below, and of changes to records */
	unsigned n;	      /* slots that were ever used */
	unsigned refs[REALM_MAX];
	/* Of an earlier process: for no other mount until realms_adopted(). */
	bool reserved[REALM_MAX];
	bool gone[REALM_MAX]; /* reserved, and its mount was not found */
	struct realm table[REALM_MAX];
};

#define RECORDS_SIZE (REALM_MAX * sizeof(struct realm_record))

static void reserve_records(struct realms *t)
{
	for (unsigned i = 0; i < REALM_MAX; i++) {
		if (!atomic_load_explicit(&t->records[i].in_use,
					  memory_order_acquire))
			continue;
		t->table[i].mount = t->records[i].mount;
		t->reserved[i] = true;
		t->n = i + 1;
	}
}

struct realms *realms_new(struct state *state, bool no_handles)
{
	struct realms *t;
	void *records;

	t = calloc(1, sizeof(*t));
	if (!t || state_map(state, STATE_REALMS, RECORDS_SIZE, &records) < 0) {
		free(t);
		return NULL;
	}
	t->no_handles = no_handles;
	t->records = records;
	mount_list_init(&t->mounts);
	pthread_mutex_init(&t->lock, NULL);
	for (unsigned i = 0; i < REALM_MAX; i++) {
		atomic_init(&t->table[i].mount_fd, -1);
		atomic_init(&t->table[i].is_remote, true);
	}
	reserve_records(t);
	return t;
}

void realms_free(struct realms *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->n; i++) {
		int fd = atomic_load(&t->table[i].mount_fd);

		if (fd >= 0)
			close(fd);
	}
	munmap(t->records, RECORDS_SIZE);
	mount_list_done(&t->mounts);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

size_t realms_count(struct realms *t)
{
	size_t count = 0;

	pthread_mutex_lock(&t->lock);
	for (unsigned i = 0; i < t->n; i++)
		count += t->refs[i] > 0;
	pthread_mutex_unlock(&t->lock);
	return count;
}

static bool set_has(const struct realm_set *set, uint16_t index)
{
	uint64_t word;

	if (index >= REALM_MAX)
		return false;
	word = atomic_load_explicit(&set->bits[index / 64],
				    memory_order_acquire);
	return word & (1ull << (index % 64));
}

struct realm *realm_get(struct realms *t, const struct realm_set *set,
			uint16_t index)
{
	return set_has(set, index) ? &t->table[index] : NULL;
}

/* Under the lock; -1 if there is none. */
static int find_locked(const struct realms *t, const struct mount_key *mount)
{
	for (unsigned i = 0; i < t->n; i++)
		if ((t->refs[i] || t->reserved[i]) &&
		    mount_key_equal(&t->table[i].mount, mount))
			return (int)i;
	return -1;
}

static int alloc_locked(struct realms *t)
{
	for (unsigned i = 0; i < t->n; i++)
		if (!t->refs[i] && !t->reserved[i])
			return (int)i;
	return t->n < REALM_MAX ? (int)t->n++ : -ENFILE;
}

/* Under the lock: the number of a mount that has none yet. */
static int number_locked(struct realms *t, const struct mount_key *mount)
{
	int index = alloc_locked(t);

	if (index < 0)
		return index;
	t->table[index].mount = *mount;
	t->records[index].mount = *mount;
	atomic_store_explicit(&t->records[index].in_use, true,
			      memory_order_release);
	return index;
}

/* Under the lock: another mount may have it from now on. */
static void number_end_locked(struct realms *t, unsigned index)
{
	atomic_store_explicit(&t->records[index].in_use, false,
			      memory_order_release);
	t->table[index].mount = (struct mount_key){ 0 };
}

/* Under the lock: the store has met it from now on. */
static void set_add_locked(struct realms *t, struct realm_set *set,
			   unsigned index)
{
	uint64_t bit = 1ull << (index % 64);
	uint64_t before;

	before = atomic_fetch_or_explicit(&set->bits[index / 64], bit,
					  memory_order_acq_rel);
	if (!(before & bit))
		t->refs[index]++;
}

/* Take one that another store made; false if it could do with a mount_fd. */
static bool enter_existing(struct realms *t, struct realm_set *set,
			   const struct mount_key *mount, mode_t mode,
			   uint16_t *ret)
{
	bool done = false;
	int index;

	pthread_mutex_lock(&t->lock);
	index = find_locked(t, mount);
	if (index >= 0 && (atomic_load(&t->table[index].mount_fd) >= 0 ||
			   (t->refs[index] && !S_ISDIR(mode)))) {
		set_add_locked(t, set, (unsigned)index);
		*ret = (uint16_t)index;
		done = true;
	}
	pthread_mutex_unlock(&t->lock);
	return done;
}

/* A descriptor of the mount that fd (O_PATH) and attr are on, and its facts. */
static int mount_look(const struct realms *t, int fd, const struct statx *attr,
		      struct realm *ret_facts)
{
	int mount_fd = mount_open(fd, attr);
	bool has_handles = mount_fd >= 0 && !t->no_handles &&
			   mount_has_handles(mount_fd, fd, attr->stx_mode);

	atomic_init(&ret_facts->has_handles, has_handles);
	atomic_init(&ret_facts->is_remote, mount_is_remote(mount_fd));
	atomic_init(&ret_facts->is_watchable,
		    has_handles && mount_is_watchable(mount_fd));
	return mount_fd;
}

/* Under the lock; takes *mount_fd if the realm had none. */
static void give_locked(struct realm *realm, int *mount_fd,
			const struct realm *facts)
{
	if (*mount_fd < 0 || atomic_load(&realm->mount_fd) >= 0)
		return;
	atomic_store(&realm->mount_fd, steal_fd(mount_fd));
	atomic_store(&realm->has_handles, facts->has_handles);
	atomic_store(&realm->is_remote, facts->is_remote);
	atomic_store(&realm->is_watchable, facts->is_watchable);
}

int realm_enter(struct realms *t, struct realm_set *set, int fd,
		const struct statx *attr, uint16_t *ret)
{
	struct mount_key mount = { .id = attr->stx_mnt_id,
				   .unique = mount_unique_id(fd) };
	cleanup_fd int mount_fd = -1;
	struct realm facts;
	int index;

	if (enter_existing(t, set, &mount, attr->stx_mode, ret))
		return 0;

	/* Opening may block on a dead server: not under the lock. */
	mount_fd = mount_look(t, fd, attr, &facts);

	pthread_mutex_lock(&t->lock);
	index = find_locked(t, &mount);
	if (index < 0)
		index = number_locked(t, &mount);
	if (index >= 0) {
		give_locked(&t->table[index], &mount_fd, &facts);
		set_add_locked(t, set, (unsigned)index);
		*ret = (uint16_t)index;
	}
	pthread_mutex_unlock(&t->lock);
	return index < 0 ? index : 0;
}

/* The mount of a reserved realm: a descriptor of it, and its facts. */
static int adopt_mount(struct realms *t, const struct mount_key *mount,
		       dev_t avoid, struct realm *ret_facts)
{
	cleanup_fd int fd = -1;
	struct statx attr;
	int r;

	r = mount_find(&t->mounts, mount, avoid, &fd);
	if (r < 0)
		return r;
	r = path_statx_cached(fd, STATX_TYPE | STATX_MNT_ID, &attr);
	if (r < 0)
		return r;
	return mount_look(t, fd, &attr, ret_facts);
}

/* Under the lock; -EAGAIN if its mount is to be opened first. */
static int adopt_locked(struct realms *t, struct realm_set *set, uint16_t index)
{
	if (!t->reserved[index] || t->gone[index])
		return -ESTALE;
	if (atomic_load(&t->table[index].mount_fd) < 0)
		return -EAGAIN;
	set_add_locked(t, set, index);
	return 0;
}

/* With what adopt_mount() said.  It is asked for again by each of its files. */
static int adopt_found_locked(struct realms *t, struct realm_set *set,
			      uint16_t index, int *mount_fd,
			      const struct realm *facts)
{
	if (is_shortage(*mount_fd))
		return *mount_fd;
	if (*mount_fd < 0)
		t->gone[index] = true;
	else if (t->reserved[index])
		give_locked(&t->table[index], mount_fd, facts);
	return adopt_locked(t, set, index);
}

int realm_adopt(struct realms *t, struct realm_set *set, uint16_t index,
		dev_t avoid)
{
	cleanup_fd int mount_fd = -1;
	struct mount_key mount;
	struct realm facts;
	int r;

	if (index >= REALM_MAX)
		return -ESTALE;
	if (set_has(set, index) &&
	    atomic_load_explicit(&t->table[index].mount_fd,
				 memory_order_acquire) >= 0)
		return 0;

	pthread_mutex_lock(&t->lock);
	r = adopt_locked(t, set, index);
	mount = t->table[index].mount;
	pthread_mutex_unlock(&t->lock);
	if (r != -EAGAIN)
		return r;

	/* This may block on a dead server as well. */
	mount_fd = adopt_mount(t, &mount, avoid, &facts);

	pthread_mutex_lock(&t->lock);
	r = adopt_found_locked(t, set, index, &mount_fd, &facts);
	pthread_mutex_unlock(&t->lock);
	return r;
}

/* Under the lock: no store has it any more. */
static void realm_end(struct realms *t, unsigned index)
{
	int fd = atomic_exchange(&t->table[index].mount_fd, -1);

	if (fd >= 0)
		close(fd);
	/* Other stores may have met it before, and adopt it still. */
	if (!t->reserved[index])
		number_end_locked(t, index);
}

void realms_adopted(struct realms *t)
{
	pthread_mutex_lock(&t->lock);
	for (unsigned i = 0; i < t->n; i++) {
		if (t->reserved[i] && !t->refs[i])
			number_end_locked(t, i);
		t->reserved[i] = false;
		t->gone[i] = false;
	}
	pthread_mutex_unlock(&t->lock);
	mount_list_drop(&t->mounts);
}

void realms_leave(struct realms *t, struct realm_set *set,
		  void (*fn)(void *arg, uint16_t index), void *arg)
{
	pthread_mutex_lock(&t->lock);
	for (unsigned i = 0; i < t->n; i++) {
		uint64_t bit = 1ull << (i % 64);

		if (!(atomic_load(&set->bits[i / 64]) & bit))
			continue;
		atomic_fetch_and(&set->bits[i / 64], ~bit);
		if (--t->refs[i] > 0)
			continue;
		fn(arg, (uint16_t)i);
		realm_end(t, i);
	}
	pthread_mutex_unlock(&t->lock);
}
