/* SPDX-License-Identifier: Apache-2.0 */
/* localfs.c - the shared part, and the stores that are opened on it */
#include "store/localfs/localfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/localfs/fdcache.h"
#include "store/localfs/handle.h"
#include "store/localfs/held.h"
#include "store/localfs/ops.h"
#include "store/localfs/orphans.h"
#include "store/localfs/pin.h"
#include "store/localfs/state.h"
#include "store/localfs/watch.h"

#define LOCALFS_FD_CACHE 256u

int localfs_new(const struct localfs_options *options, struct localfs **ret,
		struct error *err)
{
	static const struct localfs_options none;
	struct localfs *lfs;
	size_t n_fds;
	int r;

	if (!options)
		options = &none;
	lfs = calloc(1, sizeof(*lfs));
	if (!lfs)
		return error_set(err, -ENOMEM, "out of memory");
	lfs->realms = realms_new(options->state, options->test_no_handles);
	n_fds = options->fd_cache ? options->fd_cache : LOCALFS_FD_CACHE;
	lfs->dirs = fdcache_new(n_fds);
	lfs->files = fdcache_new(n_fds);
	lfs->held = held_new();
	lfs->orphans = orphans_new();
	lfs->watches = watches_new(options->watches);
	lfs->proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (lfs->proc_fd < 0) {
		r = error_set(err, -errno,
			      "cannot open '/proc/self/fd' (is /proc mounted?):"
			      " %m");
		localfs_free(lfs);
		return r;
	}
	if (!lfs->realms || !lfs->dirs || !lfs->files || !lfs->held ||
	    !lfs->orphans || !lfs->watches) {
		localfs_free(lfs);
		return error_set(err, -ENOMEM, "out of memory");
	}
	*ret = lfs;
	return 0;
}

void localfs_free(struct localfs *lfs)
{
	int saved = errno;

	if (!lfs)
		return;
	watches_free(lfs->watches);
	orphans_free(lfs->orphans);
	held_free(lfs->held);
	fdcache_free(lfs->dirs);
	fdcache_free(lfs->files);
	realms_free(lfs->realms);
	if (lfs->proc_fd >= 0)
		close(lfs->proc_fd);
	free(lfs);
	errno = saved;
}

void localfs_set_own_device(struct localfs *lfs, dev_t dev)
{
	atomic_store(&lfs->own_dev, dev);
}

void localfs_adopted(struct localfs *lfs)
{
	realms_adopted(lfs->realms);
}

void localfs_stats(struct localfs *lfs, struct localfs_stats *ret)
{
	ret->realms = realms_count(lfs->realms);
	ret->dir_fds = fdcache_count(lfs->dirs);
	ret->file_fds = fdcache_count(lfs->files);
	ret->watches = watches_count(lfs->watches);
	ret->held_fds = held_count(lfs->held) + orphans_count(lfs->orphans);
}

/* No store has it any more: its descriptors must not outlive the mount's. */
static void realm_ends(void *arg, uint16_t index)
{
	struct localfs *lfs = arg;

	fdcache_drop_realm(lfs->dirs, index);
	fdcache_drop_realm(lfs->files, index);
	orphans_drop_realm(lfs->orphans, index);
	held_drop_realm(lfs->held, index);
}

static void local_close(struct store *st)
{
	struct local_store *ls = local_of(st);

	realms_leave(ls->lfs->realms, &ls->realms, realm_ends, ls->lfs);
	if (ls->free_arg)
		ls->free_arg(ls->arg);
	free(ls);
}

static int local_root(struct store *st, struct store_handle *ret_handle,
		      struct statx *ret_attr)
{
	struct local_store *ls = local_of(st);
	cleanup_fd int fd = -1;
	int r;

	r = ls->root_fn(ls->arg, &fd);
	if (r < 0)
		return r;
	return local_identify(ls, NULL, &fd, ret_handle, ret_attr);
}

static int local_root_fd(struct store *st)
{
	struct local_store *ls = local_of(st);
	int fd;
	int r = ls->root_fn(ls->arg, &fd);

	return r < 0 ? r : fd;
}

static int local_adopt(struct store *st, const struct store_handle *h)
{
	struct local_store *ls = local_of(st);
	struct localfs *lfs = ls->lfs;

	/* Its descriptor went with the process. */
	if (h->type == HANDLE_TYPE_HELD)
		return -ESTALE;
	return realm_adopt(
		lfs->realms, &ls->realms, h->realm,
		atomic_load_explicit(&lfs->own_dev, memory_order_relaxed));
}

static void local_forget(struct store *st, const struct store_handle *h)
{
	struct local_store *ls = local_of(st);

	if (!realm_get(ls->lfs->realms, &ls->realms, h->realm))
		return;
	if (h->type == HANDLE_TYPE_HELD) {
		held_forget(ls->lfs->held, h);
		return;
	}
	orphans_forget(ls->lfs->orphans, h);
	pin_forget(ls, h);
}

static const struct store_ops localfs_ops = {
	.family = "localfs",
	.may_block = false,
	.close = local_close,
	.root = local_root,
	.root_fd = local_root_fd,
	.lookup = local_lookup,
	.adopt = local_adopt,
	.forget = local_forget,
	.getattr = local_getattr,
	.setattr = local_setattr,
	.readlink = local_readlink,
	.mknod = local_mknod,
	.mkdir = local_mkdir,
	.symlink = local_symlink,
	.link = local_link,
	.unlink = local_unlink,
	.rmdir = local_rmdir,
	.rename = local_rename,
	.open = local_open,
	.create = local_create,
	.tmpfile = local_tmpfile,
	.release = local_release,
	.pread = local_pread,
	.pwrite = local_pwrite,
	.splice_fd = local_splice_fd,
	.with_path = local_with_path,
	.fsync = local_fsync,
	.fallocate = local_fallocate,
	.lseek = local_lseek,
	.copy_file_range = local_copy_file_range,
	.ioctl = local_ioctl,
	.readdir = local_readdir,
	.fsyncdir = local_fsyncdir,
	.statfs = local_statfs,
	.syncfs = local_syncfs,
	.getxattr = local_getxattr,
	.setxattr = local_setxattr,
	.listxattr = local_listxattr,
	.removexattr = local_removexattr,
	.lock_fd = local_lock_fd,
	.is_written = local_is_written,
	.watch = local_watch,
	.unwatch = local_unwatch,
};

int localfs_open(struct localfs *lfs, localfs_root_fn *root_fn, void *arg,
		 void (*free_arg)(void *arg), unsigned flags,
		 struct store **ret, struct error *err)
{
	struct local_store *ls;

	ls = calloc(1, sizeof(*ls));
	if (!ls)
		return error_set(err, -ENOMEM, "out of memory");
	ls->base.ops = &localfs_ops;
	ls->lfs = lfs;
	ls->exclusive = flags & LOCALFS_EXCLUSIVE;
	ls->limited = flags & LOCALFS_LIMITED;
	ls->root_fn = root_fn;
	ls->arg = arg;
	ls->free_arg = free_arg;
	*ret = &ls->base;
	return 0;
}
