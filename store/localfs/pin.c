/* SPDX-License-Identifier: Apache-2.0 */
/* pin.c - from a handle to a descriptor and back */
#include "store/localfs/pin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "store/base/cleanup.h"
#include "store/localfs/fdcache.h"
#include "store/localfs/handle.h"
#include "store/localfs/held.h"
#include "store/localfs/state.h"

static int open_mount_relative(struct local_store *ls,
			       const struct store_handle *h, int open_flags)
{
	struct realm *realm;
	int mount_fd;

	realm = realm_get(ls->lfs->realms, &ls->realms, h->realm);
	if (!realm)
		return -ESTALE;
	mount_fd = atomic_load_explicit(&realm->mount_fd, memory_order_acquire);
	if (mount_fd < 0)
		return -ESTALE;
	return handle_open(mount_fd, h, open_flags);
}

static int pin_held(struct local_store *ls, const struct store_handle *h,
		    struct pin *ret)
{
	int r;

	if (!realm_get(ls->lfs->realms, &ls->realms, h->realm))
		return -ESTALE;
	r = held_pin(ls->lfs->held, h, &ret->fd, &ret->slot);
	if (r < 0)
		return r;
	ret->kind = PIN_HELD;
	ret->held = ls->lfs->held;
	return 0;
}

/* A store may use only the realms that it has met, cached or not. */
static bool pin_cached(struct local_store *ls, struct fdcache *cache,
		       const struct store_handle *h, struct pin *ret)
{
	if (!realm_get(ls->lfs->realms, &ls->realms, h->realm) ||
	    !fdcache_pin(cache, h, &ret->fd, &ret->slot))
		return false;
	ret->kind = PIN_CACHED;
	ret->cache = cache;
	return true;
}

/* Open it; into the cache if there is one for it (and room). */
static int pin_new(struct local_store *ls, struct fdcache *cache,
		   const struct store_handle *h, int open_flags,
		   struct pin *ret)
{
	int fd = open_mount_relative(ls, h, open_flags);

	if (fd < 0)
		return fd;
	ret->kind = PIN_OWN;
	ret->fd = fd;
	if (cache && fdcache_add(cache, h, &ret->fd, &ret->slot)) {
		ret->kind = PIN_CACHED;
		ret->cache = cache;
	}
	return 0;
}

int pin_open_dir(struct local_store *ls, const struct store_handle *h,
		 struct pin *ret)
{
	struct fdcache *dirs = ls->lfs->dirs;

	if (h->type == HANDLE_TYPE_HELD)
		return handle_class(h) == HANDLE_DIR ? pin_held(ls, h, ret)
						     : -ENOTDIR;
	if (pin_cached(ls, dirs, h, ret))
		return 0;
	return pin_new(ls, dirs, h, O_PATH | O_DIRECTORY, ret);
}

/*
 * Where descriptors of such a file are kept.  A file that others may remove
 * would keep its blocks, and keep its filesystem from being unmounted.
 */
static struct fdcache *cache_of(const struct local_store *ls,
				enum handle_class class)
{
	return class == HANDLE_REG && ls->exclusive ? ls->lfs->files : NULL;
}

int pin_open(struct local_store *ls, const struct store_handle *h,
	     struct pin *ret)
{
	enum handle_class class = handle_class(h);
	struct fdcache *cache = cache_of(ls, class);

	if (class == HANDLE_DIR)
		return pin_open_dir(ls, h, ret);
	if (h->type == HANDLE_TYPE_HELD)
		return pin_held(ls, h, ret);
	if (class == HANDLE_UNKNOWN && pin_cached(ls, ls->lfs->dirs, h, ret))
		return 0;
	if (cache && pin_cached(ls, cache, h, ret))
		return 0;
	return pin_new(ls, cache, h, O_PATH, ret);
}

void pin_forget(struct local_store *ls, const struct store_handle *h)
{
	enum handle_class class = handle_class(h);
	struct fdcache *cache = cache_of(ls, class);

	if (class == HANDLE_DIR || class == HANDLE_UNKNOWN)
		cache = ls->lfs->dirs;
	if (cache)
		fdcache_drop(cache, h);
}

void pin_done(struct pin *pin)
{
	int saved = errno;

	switch (pin->kind) {
	case PIN_NONE:
		break;
	case PIN_OWN:
		close(pin->fd);
		break;
	case PIN_CACHED:
		fdcache_unpin(pin->cache, pin->slot);
		break;
	case PIN_HELD:
		held_unpin(pin->held, pin->slot);
		break;
	}
	pin->kind = PIN_NONE;
	pin->fd = -1;
	errno = saved;
}

void pin_path(const struct pin *pin, char buf[static PIN_PATH_MAX])
{
	snprintf(buf, PIN_PATH_MAX, "/proc/self/fd/%d", pin->fd);
}

/* Through the pinned descriptor, whose type cannot change any more. */
static int reopen_pinned(struct local_store *ls, const struct store_handle *h,
			 int open_flags)
{
	cleanup_pin struct pin pin = PIN_INIT;
	mode_t wanted = open_flags & O_DIRECTORY ? S_IFDIR : S_IFREG;
	char name[PIN_PATH_MAX];
	struct stat st;
	int r;

	r = pin_open(ls, h, &pin);
	if (r < 0)
		return r;
	if (fstat(pin.fd, &st) < 0)
		return -errno;
	if ((st.st_mode & S_IFMT) != wanted)
		return -EINVAL;
	if (wanted == S_IFDIR)
		r = openat(pin.fd, ".", open_flags | O_CLOEXEC);
	else {
		snprintf(name, sizeof(name), "%d", pin.fd);
		r = openat(ls->lfs->proc_fd, name, open_flags | O_CLOEXEC);
	}
	return r < 0 ? -errno : r;
}

int pin_reopen(struct local_store *ls, const struct store_handle *h,
	       int open_flags)
{
	enum handle_class wanted =
		open_flags & O_DIRECTORY ? HANDLE_DIR : HANDLE_REG;
	enum handle_class class = handle_class(h);

	if (class == HANDLE_UNKNOWN || h->type == HANDLE_TYPE_HELD)
		return reopen_pinned(ls, h, open_flags);
	if (class != wanted)
		return -EINVAL;
	return open_mount_relative(ls, h, open_flags);
}

int local_statx(int dirfd, const char *name, int flags, struct statx *ret)
{
	flags |= AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
	return statx(dirfd, name, flags, LOCAL_STATX_MASK, ret) < 0 ? -errno
								    : 0;
}

/* A directory that was just found is the likely next one to be used. */
static void keep_dir(struct local_store *ls, const struct store_handle *h,
		     int *fd)
{
	uint32_t slot;

	if (!fdcache_add(ls->lfs->dirs, h, fd, &slot))
		return;
	fdcache_unpin(ls->lfs->dirs, slot);
	*fd = -1;
}

/* The realm of attr: most often that of near, which costs no lock. */
static int realm_of(struct local_store *ls, const struct store_handle *near,
		    int fd, const struct statx *attr, uint16_t *ret)
{
	struct realm *realm = NULL;

	if (near)
		realm = realm_get(ls->lfs->realms, &ls->realms, near->realm);
	if (realm && realm->mount.id == attr->stx_mnt_id &&
	    atomic_load_explicit(&realm->mount_fd, memory_order_acquire) >= 0) {
		*ret = near->realm;
		return 0;
	}
	return realm_enter(ls->lfs->realms, &ls->realms, fd, attr, ret);
}

/*
 * The attributes of a file that was found, without asking a server if there is
 * none to ask: where another mount begins, it may be ours, and the answer
 * would have to come from the thread that asks.  -ELOOP for our own mount.
 */
static int found_attr(struct local_store *ls, const struct store_handle *near,
		      int fd, struct statx *ret)
{
	uint64_t own =
		atomic_load_explicit(&ls->lfs->own_dev, memory_order_relaxed);
	struct realm *realm = NULL;
	int r;

	r = local_statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, ret);
	if (r < 0)
		return r;
	if (near)
		realm = realm_get(ls->lfs->realms, &ls->realms, near->realm);
	if (realm && realm->mount.id == ret->stx_mnt_id &&
	    !atomic_load_explicit(&realm->is_remote, memory_order_relaxed))
		return 0;
	if (own && makedev(ret->stx_dev_major, ret->stx_dev_minor) == own)
		return -ELOOP;
	return local_statx(fd, "", AT_EMPTY_PATH, ret);
}

int local_handle(struct local_store *ls, const struct store_handle *near,
		 int fd, uint16_t *ret_realm, struct store_handle *ret_handle,
		 struct statx *ret_attr)
{
	struct realm *realm;
	int mount_id;
	int r;

	r = found_attr(ls, near, fd, ret_attr);
	if (r < 0)
		return r;
	r = realm_of(ls, near, fd, ret_attr, ret_realm);
	if (r < 0)
		return r;

	realm = realm_get(ls->lfs->realms, &ls->realms, *ret_realm);
	if (!atomic_load_explicit(&realm->has_handles, memory_order_acquire))
		return 1;
	r = handle_make(fd, "", AT_EMPTY_PATH, *ret_realm, ret_attr->stx_mode,
			ret_handle, &mount_id);
	return r == -EOPNOTSUPP ? 1 : r;
}

int local_identify(struct local_store *ls, const struct store_handle *near,
		   int *fd, struct store_handle *ret_handle,
		   struct statx *ret_attr)
{
	uint16_t realm = 0;
	struct store_handle h;
	struct statx attr;
	int r;

	r = local_handle(ls, near, *fd, &realm, &h, &attr);
	if (r == 1)
		r = held_enter(ls->lfs->held, realm, &attr, fd, &h);
	else if (r == 0 && S_ISDIR(attr.stx_mode))
		keep_dir(ls, &h, fd);
	if (r < 0)
		return r;
	*ret_handle = h;
	*ret_attr = attr;
	return 0;
}

int local_identify_open(struct local_store *ls, const struct store_handle *near,
			int fd, struct store_handle *ret_handle,
			struct statx *ret_attr)
{
	cleanup_fd int path_fd = -1;
	char name[PIN_PATH_MAX];
	uint16_t realm = 0;
	struct store_handle h;
	struct statx attr;
	int r;

	r = local_handle(ls, near, fd, &realm, &h, &attr);
	if (r == 1) {
		snprintf(name, sizeof(name), "%d", fd);
		path_fd = openat(ls->lfs->proc_fd, name, O_PATH | O_CLOEXEC);
		if (path_fd < 0)
			return -errno;
		r = held_enter(ls->lfs->held, realm, &attr, &path_fd, &h);
	}
	if (r < 0)
		return r;
	*ret_handle = h;
	*ret_attr = attr;
	return 0;
}
