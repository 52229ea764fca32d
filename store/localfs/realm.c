/* SPDX-License-Identifier: Apache-2.0 */
/* realm.c - the filesystems (mounts) that volumes are on */
#include "store/localfs/realm.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/localfs/handle.h"
#include "store/store.h"

struct realms {
	bool no_handles;
	pthread_mutex_t lock; /* of refs, n and of changes to table */
	unsigned n;	      /* slots that were ever used */
	unsigned refs[REALM_MAX];
	struct realm table[REALM_MAX];
};

struct realms *realms_new(bool no_handles)
{
	struct realms *t;

	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->no_handles = no_handles;
	pthread_mutex_init(&t->lock, NULL);
	for (unsigned i = 0; i < REALM_MAX; i++)
		atomic_init(&t->table[i].mount_fd, -1);
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

struct realm *realm_get(struct realms *t, const struct realm_set *set,
			uint16_t index)
{
	uint64_t word;

	if (index >= REALM_MAX)
		return NULL;
	word = atomic_load_explicit(&set->bits[index / 64],
				    memory_order_acquire);
	return word & (1ull << (index % 64)) ? &t->table[index] : NULL;
}

/* Under the lock; -1 if there is none. */
static int find_locked(const struct realms *t, uint64_t mount_id)
{
	for (unsigned i = 0; i < t->n; i++)
		if (t->refs[i] && t->table[i].mount_id == mount_id)
			return (int)i;
	return -1;
}

static int alloc_locked(struct realms *t)
{
	for (unsigned i = 0; i < t->n; i++)
		if (!t->refs[i])
			return (int)i;
	return t->n < REALM_MAX ? (int)t->n++ : -ENFILE;
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

static bool is_on_mount(int fd, uint64_t mount_id)
{
	struct statx attr;

	return statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &attr) == 0 &&
	       attr.stx_mnt_id == mount_id;
}

/* The directory that a file is in, if that is on the same mount. */
static int open_parent(int fd, uint64_t mount_id)
{
	cleanup_fd int dir = -1;
	char link[32];
	char path[PATH_MAX];
	char *slash;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return -1;
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (path[0] != '/' || !slash)
		return -1;
	slash[slash == path ? 1 : 0] = '\0';

	/* O_PATH first: whatever is at that path by now is not opened. */
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || !is_on_mount(dir, mount_id))
		return -1;
	return openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/*
 * Something open on the mount: O_PATH does not do for open_by_handle_at(2).
 * Not a regular file if it can be helped, which would keep its blocks; never a
 * device, fifo or socket.
 */
static int open_mount(int fd, const struct statx *attr)
{
	char path[32];
	int mount_fd;

	if (S_ISDIR(attr->stx_mode))
		return openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	mount_fd = open_parent(fd, attr->stx_mnt_id);
	if (mount_fd >= 0 || !S_ISREG(attr->stx_mode))
		return mount_fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* Anything but what is known to have its attributes in memory. */
static bool mount_is_remote(int mount_fd)
{
	static const unsigned long local[] = {
		EXT4_SUPER_MAGIC,      XFS_SUPER_MAGIC,
		BTRFS_SUPER_MAGIC,     TMPFS_MAGIC,
		OVERLAYFS_SUPER_MAGIC, PROC_SUPER_MAGIC,
		SYSFS_MAGIC,	       DEVPTS_SUPER_MAGIC,
		RAMFS_MAGIC,	       HUGETLBFS_MAGIC,
		MSDOS_SUPER_MAGIC,     F2FS_SUPER_MAGIC,
		SQUASHFS_MAGIC,	       ISOFS_SUPER_MAGIC,
		EROFS_SUPER_MAGIC_V1,  CGROUP2_SUPER_MAGIC,
	};
	struct statfs fs;

	if (mount_fd < 0 || fstatfs(mount_fd, &fs) < 0)
		return true;
	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
		if ((unsigned long)fs.f_type == local[i])
			return false;
	}
	return true;
}

/*
 * Known to tell fanotify of each change: nobody changes them from another
 * machine or below, and events name files by the handles that we use.
 */
static bool mount_is_watchable(int mount_fd)
{
	static const unsigned long watchable[] = {
		EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC,  BTRFS_SUPER_MAGIC,
		TMPFS_MAGIC,	  F2FS_SUPER_MAGIC,
	};
	struct statfs fs;

	if (mount_fd < 0 || fstatfs(mount_fd, &fs) < 0)
		return false;
	for (size_t i = 0; i < sizeof(watchable) / sizeof(watchable[0]); i++) {
		if ((unsigned long)fs.f_type == watchable[i])
			return true;
	}
	return false;
}

/*
 * FUSE and FAT decode only handles of files that are in memory at the time.
 * Elsewhere a probe tells, also whether we have the right to.
 */
static bool mount_has_handles(int mount_fd, int fd, mode_t mode)
{
	cleanup_fd int opened = -1;
	struct store_handle h;
	struct statfs fs;
	int mount_id;

	if (fstatfs(mount_fd, &fs) < 0 || fs.f_type == FUSE_SUPER_MAGIC ||
	    fs.f_type == MSDOS_SUPER_MAGIC)
		return false;
	if (handle_make(fd, "", AT_EMPTY_PATH, 0, mode, &h, &mount_id) < 0)
		return false;
	opened = handle_open(mount_fd, &h, O_PATH);
	return opened >= 0;
}

/* Take one that another store made; false if it could do with a mount_fd. */
static bool enter_existing(struct realms *t, struct realm_set *set,
			   const struct statx *attr, uint16_t *ret)
{
	bool done = false;
	int index;

	pthread_mutex_lock(&t->lock);
	index = find_locked(t, attr->stx_mnt_id);
	if (index >= 0 && (!S_ISDIR(attr->stx_mode) ||
			   atomic_load(&t->table[index].mount_fd) >= 0)) {
		set_add_locked(t, set, (unsigned)index);
		*ret = (uint16_t)index;
		done = true;
	}
	pthread_mutex_unlock(&t->lock);
	return done;
}

/* Under the lock; takes *mount_fd if the realm had none. */
static int enter_new(struct realms *t, struct realm_set *set, uint64_t mount_id,
		     int *mount_fd, const struct realm *facts, uint16_t *ret)
{
	struct realm *realm;
	int index;

	index = find_locked(t, mount_id);
	if (index < 0) {
		index = alloc_locked(t);
		if (index < 0)
			return index;
		t->table[index].mount_id = mount_id;
		atomic_store(&t->table[index].has_handles, false);
		atomic_store(&t->table[index].is_remote, true);
		atomic_store(&t->table[index].is_watchable, false);
	}
	realm = &t->table[index];
	if (*mount_fd >= 0 && atomic_load(&realm->mount_fd) < 0) {
		atomic_store(&realm->mount_fd, steal_fd(mount_fd));
		atomic_store(&realm->has_handles, facts->has_handles);
		atomic_store(&realm->is_remote, facts->is_remote);
		atomic_store(&realm->is_watchable, facts->is_watchable);
	}
	set_add_locked(t, set, (unsigned)index);
	*ret = (uint16_t)index;
	return 0;
}

int realm_enter(struct realms *t, struct realm_set *set, int fd,
		const struct statx *attr, uint16_t *ret)
{
	cleanup_fd int mount_fd = -1;
	struct realm facts = { .is_remote = true };
	int r;

	if (enter_existing(t, set, attr, ret))
		return 0;

	/* Opening may block on a dead server: not under the lock. */
	mount_fd = open_mount(fd, attr);
	if (mount_fd >= 0 && !t->no_handles)
		facts.has_handles =
			mount_has_handles(mount_fd, fd, attr->stx_mode);
	facts.is_remote = mount_is_remote(mount_fd);
	facts.is_watchable = facts.has_handles && mount_is_watchable(mount_fd);

	pthread_mutex_lock(&t->lock);
	r = enter_new(t, set, attr->stx_mnt_id, &mount_fd, &facts, ret);
	pthread_mutex_unlock(&t->lock);
	return r;
}

/* Under the lock: no store has it any more. */
static void realm_end(struct realm *realm)
{
	int fd = atomic_exchange(&realm->mount_fd, -1);

	if (fd >= 0)
		close(fd);
	realm->mount_id = 0;
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
		realm_end(&t->table[i]);
	}
	pthread_mutex_unlock(&t->lock);
}
