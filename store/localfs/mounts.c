/* SPDX-License-Identifier: Apache-2.0 */
/* mounts.c - what there is to know of a mount, and how it is found again */
#include "store/localfs/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <libmount.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/base/path.h"
#include "store/localfs/handle.h"
#include "store/store.h"

#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x4000u
#endif

uint64_t mount_unique_id(int fd)
{
	struct statx attr;

	if (path_statx_cached(fd, STATX_MNT_ID_UNIQUE, &attr) < 0 ||
	    !(attr.stx_mask & STATX_MNT_ID_UNIQUE))
		return 0;
	return attr.stx_mnt_id;
}

static bool is_on_mount(int fd, uint64_t mount_id)
{
	struct statx attr;

	return path_statx_cached(fd, STATX_MNT_ID, &attr) == 0 &&
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

int mount_open(int fd, const struct statx *attr)
{
	char path[32];
	int mount_fd;

	if (S_ISDIR(attr->stx_mode)) {
		mount_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return mount_fd < 0 ? -errno : mount_fd;
	}
	mount_fd = open_parent(fd, attr->stx_mnt_id);
	if (mount_fd >= 0)
		return mount_fd;
	if (!S_ISREG(attr->stx_mode))
		return -EOPNOTSUPP;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	mount_fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return mount_fd < 0 ? -errno : mount_fd;
}

bool mount_is_remote(int mount_fd)
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

bool mount_is_watchable(int mount_fd)
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
bool mount_has_handles(int mount_fd, int fd, mode_t mode)
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

/* --- finding it again ----------------------------------------------------- */

void mount_list_init(struct mount_list *list)
{
	pthread_mutex_init(&list->lock, NULL);
	list->table = NULL;
}

void mount_list_drop(struct mount_list *list)
{
	pthread_mutex_lock(&list->lock);
	mnt_unref_table(list->table);
	list->table = NULL;
	pthread_mutex_unlock(&list->lock);
}

void mount_list_done(struct mount_list *list)
{
	mount_list_drop(list);
	pthread_mutex_destroy(&list->lock);
}

/* Under the lock, as all below until mount_find(). */
static int list_read(struct mount_list *list)
{
	if (!list->table)
		list->table = mnt_new_table();
	if (!list->table || mnt_reset_table(list->table) != 0)
		return -ENOMEM;
	if (mnt_table_parse_file(list->table, "/proc/self/mountinfo") < 0)
		return -ENOMEM;
	return 0;
}

static const char *path_of_mount(struct libmnt_table *table,
				 struct libmnt_iter *iter, uint64_t id)
{
	struct libmnt_fs *fs;

	mnt_reset_iter(iter, MNT_ITER_FORWARD);
	while (mnt_table_next_fs(table, iter, &fs) == 0) {
		if ((uint64_t)mnt_fs_get_id(fs) == id)
			return mnt_fs_get_target(fs);
	}
	return NULL;
}

/* Is a filesystem of that device anywhere on the way? */
static bool path_meets(struct libmnt_table *table, struct libmnt_iter *iter,
		       const char *path, dev_t dev)
{
	struct libmnt_fs *fs;

	mnt_reset_iter(iter, MNT_ITER_FORWARD);
	while (dev && mnt_table_next_fs(table, iter, &fs) == 0) {
		const char *target = mnt_fs_get_target(fs);

		if (mnt_fs_get_devno(fs) == dev && target &&
		    path_beneath(path, target))
			return true;
	}
	return false;
}

static int list_look(const struct mount_list *list, uint64_t id, dev_t avoid,
		     char **ret_path)
{
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	const char *path;
	int r = 0;

	if (!iter)
		return -ENOMEM;
	path = path_of_mount(list->table, iter, id);
	if (!path || path_meets(list->table, iter, path, avoid))
		r = -ESTALE;
	mnt_free_iter(iter);
	if (r < 0)
		return r;
	*ret_path = strdup(path);
	return *ret_path ? 0 : -ENOMEM;
}

static bool is_mount(int fd, const struct mount_key *key)
{
	return is_on_mount(fd, key->id) && mount_unique_id(fd) == key->unique;
}

/* What is there now may be another mount, or a directory beneath it. */
static int open_root(const char *path, const struct mount_key *key, int *ret_fd)
{
	int fd = path_open(AT_FDCWD, path, O_PATH | O_NOFOLLOW,
			   RESOLVE_NO_SYMLINKS);

	if (fd < 0)
		return is_shortage(fd) ? fd : -ESTALE;
	if (!is_mount(fd, key)) {
		close(fd);
		return -ESTALE;
	}
	*ret_fd = fd;
	return 0;
}

int mount_find(struct mount_list *list, const struct mount_key *key,
	       dev_t avoid, int *ret_fd)
{
	int r = -ESTALE;

	/* If not as the list says, then as a new one says. */
	for (int i = 0; i < 2 && r == -ESTALE; i++) {
		cleanup_free char *path = NULL;

		pthread_mutex_lock(&list->lock);
		r = i > 0 || !list->table ? list_read(list) : 0;
		if (r == 0)
			r = list_look(list, key->id, avoid, &path);
		pthread_mutex_unlock(&list->lock);
		if (r == 0)
			r = open_root(path, key, ret_fd);
	}
	return r;
}
