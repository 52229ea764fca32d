/* SPDX-License-Identifier: Apache-2.0 */
/* attr.c - attributes of files and filesystems */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/localfs/handle.h"
#include "store/localfs/ops.h"
#include "store/localfs/orphans.h"
#include "store/localfs/pin.h"
#include "store/localfs/state.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

int local_getattr(struct store *st, const struct store_handle *h,
		  struct store_file *file, struct statx *ret_attr)
{
	struct local_store *ls = local_of(st);
	cleanup_pin struct pin pin = PIN_INIT;
	struct statx attr;
	int r;

	if (!file) {
		r = pin_open(ls, h, &pin);
		if (r == -ESTALE && orphans_attr(ls, h, ret_attr))
			return 0;
		if (r < 0)
			return r;
	}
	r = local_statx(file ? file->fd : pin.fd, "", AT_EMPTY_PATH, &attr);
	if (r == 0)
		*ret_attr = attr;
	return r;
}

/* Kernels before 6.6 change the mode behind an O_PATH descriptor by /proc. */
static int set_mode(struct local_store *ls, const struct pin *pin, mode_t mode)
{
	char name[PIN_PATH_MAX];
	long r;

	r = syscall(SYS_fchmodat2, pin->fd, "", mode, AT_EMPTY_PATH);
	if (r < 0 && errno == ENOSYS) {
		snprintf(name, sizeof(name), "%d", pin->fd);
		r = fchmodat(ls->lfs->proc_fd, name, mode, 0);
	}
	return r < 0 ? -errno : 0;
}

static int set_size(const struct pin *pin, struct store_file *file,
		    uint64_t size)
{
	char path[PIN_PATH_MAX];
	int r;

	if (size > INT64_MAX)
		return -EINVAL;
	if (file && file->writable)
		r = ftruncate(file->fd, (off_t)size);
	else {
		/* By path: refuses by itself what is no regular file. */
		pin_path(pin, path);
		r = truncate(path, (off_t)size);
	}
	return r < 0 ? -errno : 0;
}

static int set_owner(const struct pin *pin, const struct store_setattr *set)
{
	uid_t uid = set->set & STORE_SET_UID ? set->uid : (uid_t)-1;
	gid_t gid = set->set & STORE_SET_GID ? set->gid : (gid_t)-1;

	return fchownat(pin->fd, "", uid, gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static int set_times(const struct pin *pin, const struct store_setattr *set)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
				     { .tv_nsec = UTIME_OMIT } };

	if (set->set & STORE_SET_ATIME)
		times[0] = set->atime;
	if (set->set & STORE_SET_MTIME)
		times[1] = set->mtime;
	return utimensat(pin->fd, "", times, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

/* In this order: a new size or owner takes bits of the mode away. */
static int set_each(struct local_store *ls, const struct pin *pin,
		    struct store_file *file, const struct store_setattr *set)
{
	int r = 0;

	if (set->set & STORE_SET_SIZE)
		r = set_size(pin, file, set->size);
	if (r == 0 && (set->set & (STORE_SET_UID | STORE_SET_GID)))
		r = set_owner(pin, set);
	if (r == 0 && (set->set & STORE_SET_MODE))
		r = set_mode(ls, pin, set->mode & 07777);
	if (r == 0 && (set->set & (STORE_SET_ATIME | STORE_SET_MTIME)))
		r = set_times(pin, set);
	return r;
}

int local_setattr(struct store *st, const struct store_handle *h,
		  struct store_file *file, const struct store_setattr *set,
		  struct statx *ret_attr)
{
	cleanup_pin struct pin pin = PIN_INIT;
	struct statx attr;
	int r;

	r = pin_open(local_of(st), h, &pin);
	if (r == 0)
		r = set_each(local_of(st), &pin, file, set);
	if (r == 0)
		r = local_statx(pin.fd, "", AT_EMPTY_PATH, &attr);
	if (r < 0)
		return r;
	*ret_attr = attr;
	return 0;
}

ssize_t local_readlink(struct store *st, const struct store_handle *h,
		       char *buf, size_t size)
{
	cleanup_pin struct pin pin = PIN_INIT;
	enum handle_class class = handle_class(h);
	ssize_t n;
	int r;

	if (class != HANDLE_LINK && class != HANDLE_UNKNOWN)
		return -EINVAL;
	r = pin_open(local_of(st), h, &pin);
	if (r < 0)
		return r;
	n = readlinkat(pin.fd, "", buf, size);
	if (n >= 0)
		return n;
	/* What the kernel says of an empty path that is not a link. */
	return errno == ENOENT ? -EINVAL : -errno;
}

int local_statfs(struct store *st, const struct store_handle *h,
		 struct statvfs *ret)
{
	cleanup_pin struct pin pin = PIN_INIT;
	struct statvfs fs;
	int r;

	r = pin_open(local_of(st), h, &pin);
	if (r < 0)
		return r;
	if (fstatvfs(pin.fd, &fs) < 0)
		return -errno;
	*ret = fs;
	return 0;
}

int local_syncfs(struct store *st, const struct store_handle *h)
{
	struct local_store *ls = local_of(st);
	struct realm *realm;
	int fd;

	realm = realm_get(ls->lfs->realms, &ls->realms, h->realm);
	if (!realm)
		return -ESTALE;
	fd = atomic_load_explicit(&realm->mount_fd, memory_order_acquire);
	/* Nothing but a device, fifo or socket was ever seen there. */
	if (fd < 0)
		return 0;
	return syncfs(fd) < 0 ? -errno : 0;
}
