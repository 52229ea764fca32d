/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.c - what callers use: the operation of the family, or its default
 *
 * A family leaves an operation NULL where it has none.  The defaults are what
 * POSIX wants of a filesystem that lacks it, so that no caller ever tests for
 * NULL: changes fail with EROFS, links with EPERM, extensions with EOPNOTSUPP,
 * unknown ioctls with ENOTTY, and making durable what already is succeeds.
 */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

static_assert(sizeof(struct store_handle) == 4 + STORE_HANDLE_MAX,
	      "handles are compared as bytes: no padding");

void store_close(struct store *st)
{
	if (st)
		st->ops->close(st);
}

bool store_may_block(const struct store *st)
{
	return st->ops->may_block;
}

bool store_handle_equal(const struct store_handle *a,
			const struct store_handle *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

int store_root(struct store *st, struct store_handle *ret_handle,
	       struct statx *ret_attr)
{
	if (!st->ops->root)
		return -ENOSYS;
	return st->ops->root(st, ret_handle, ret_attr);
}

int store_root_fd(struct store *st)
{
	if (!st->ops->root_fd)
		return -EOPNOTSUPP;
	return st->ops->root_fd(st);
}

int store_lookup(struct store *st, const struct store_handle *dir,
		 const char *name, struct store_handle *ret_handle,
		 struct statx *ret_attr)
{
	if (!st->ops->lookup)
		return -ENOENT;
	return st->ops->lookup(st, dir, name, ret_handle, ret_attr);
}

int store_adopt(struct store *st, const struct store_handle *h)
{
	return st->ops->adopt ? st->ops->adopt(st, h) : 0;
}

void store_forget(struct store *st, const struct store_handle *h)
{
	if (st->ops->forget)
		st->ops->forget(st, h);
}

int store_getattr(struct store *st, const struct store_handle *h,
		  struct store_file *file, struct statx *ret_attr)
{
	if (!st->ops->getattr)
		return -ENOSYS;
	return st->ops->getattr(st, h, file, ret_attr);
}

int store_setattr(struct store *st, const struct store_handle *h,
		  struct store_file *file, const struct store_setattr *set,
		  struct statx *ret_attr)
{
	if (!set->set)
		return store_getattr(st, h, file, ret_attr);
	if (!st->ops->setattr)
		return -EROFS;
	return st->ops->setattr(st, h, file, set, ret_attr);
}

ssize_t store_readlink(struct store *st, const struct store_handle *h,
		       char *buf, size_t size)
{
	if (!st->ops->readlink)
		return -EINVAL;
	return st->ops->readlink(st, h, buf, size);
}

/* NOLINTNEXTLINE(readability-function-size): the contract's parameters */
int store_mknod(struct store *st, const struct store_handle *dir,
		const char *name, mode_t mode, dev_t rdev,
		const struct store_cred *cred, struct store_handle *ret_handle,
		struct statx *ret_attr)
{
	if (!st->ops->mknod)
		return -EROFS;
	return st->ops->mknod(st, dir, name, mode, rdev, cred, ret_handle,
			      ret_attr);
}

int store_mkdir(struct store *st, const struct store_handle *dir,
		const char *name, mode_t mode, const struct store_cred *cred,
		struct store_handle *ret_handle, struct statx *ret_attr)
{
	if (!st->ops->mkdir)
		return -EROFS;
	return st->ops->mkdir(st, dir, name, mode, cred, ret_handle, ret_attr);
}

/* A filesystem that can create, but not such a thing, says EPERM. */
static int no_link(const struct store *st)
{
	return st->ops->create ? -EPERM : -EROFS;
}

int store_symlink(struct store *st, const struct store_handle *dir,
		  const char *name, const char *target,
		  const struct store_cred *cred,
		  struct store_handle *ret_handle, struct statx *ret_attr)
{
	if (!st->ops->symlink)
		return no_link(st);
	return st->ops->symlink(st, dir, name, target, cred, ret_handle,
				ret_attr);
}

int store_link(struct store *st, const struct store_handle *h,
	       const struct store_handle *dir, const char *name,
	       struct statx *ret_attr)
{
	if (!st->ops->link)
		return no_link(st);
	return st->ops->link(st, h, dir, name, ret_attr);
}

int store_unlink(struct store *st, const struct store_handle *dir,
		 const char *name)
{
	if (!st->ops->unlink)
		return -EROFS;
	return st->ops->unlink(st, dir, name);
}

int store_rmdir(struct store *st, const struct store_handle *dir,
		const char *name)
{
	if (!st->ops->rmdir)
		return -EROFS;
	return st->ops->rmdir(st, dir, name);
}

int store_rename(struct store *st, const struct store_handle *dir,
		 const char *name, const struct store_handle *newdir,
		 const char *newname, unsigned flags)
{
	if (!st->ops->rename)
		return -EROFS;
	return st->ops->rename(st, dir, name, newdir, newname, flags);
}

int store_open(struct store *st, const struct store_handle *h, int open_flags,
	       struct store_file **ret)
{
	bool writes =
		(open_flags & O_ACCMODE) != O_RDONLY || (open_flags & O_TRUNC);

	if (writes && !st->ops->pwrite)
		return -EROFS;
	if (!st->ops->open)
		return -EOPNOTSUPP;
	return st->ops->open(st, h, open_flags, ret);
}

/* NOLINTNEXTLINE(readability-function-size): the contract's parameters */
int store_create(struct store *st, const struct store_handle *dir,
		 const char *name, mode_t mode, int open_flags,
		 const struct store_cred *cred, struct store_handle *ret_handle,
		 struct statx *ret_attr, struct store_file **ret_file)
{
	if (!st->ops->create)
		return -EROFS;
	return st->ops->create(st, dir, name, mode, open_flags, cred,
			       ret_handle, ret_attr, ret_file);
}

/* NOLINTNEXTLINE(readability-function-size): the contract's parameters */
int store_tmpfile(struct store *st, const struct store_handle *dir, mode_t mode,
		  int open_flags, const struct store_cred *cred,
		  struct store_handle *ret_handle, struct statx *ret_attr,
		  struct store_file **ret_file)
{
	if (!st->ops->tmpfile)
		return -EOPNOTSUPP;
	return st->ops->tmpfile(st, dir, mode, open_flags, cred, ret_handle,
				ret_attr, ret_file);
}

void store_release(struct store *st, struct store_file *file)
{
	if (file)
		st->ops->release(st, file);
}

ssize_t store_pread(struct store *st, struct store_file *file, void *buf,
		    size_t len, uint64_t off)
{
	ssize_t n;

	if (!st->ops->pread)
		return -EOPNOTSUPP;
	if (off > INT64_MAX)
		return -EINVAL;
	n = st->ops->pread(st, file, buf, len, off);
	assert(n < 0 || (size_t)n <= len);
	return n;
}

ssize_t store_pwrite(struct store *st, struct store_file *file, const void *buf,
		     size_t len, uint64_t off)
{
	ssize_t n;

	if (!st->ops->pwrite)
		return -EROFS;
	if (off > INT64_MAX && off != STORE_APPEND)
		return -EINVAL;
	n = st->ops->pwrite(st, file, buf, len, off);
	assert(n < 0 || (size_t)n <= len);
	return n;
}

int store_splice_fd(struct store *st, struct store_file *file)
{
	if (!st->ops->splice_fd)
		return -EOPNOTSUPP;
	return st->ops->splice_fd(st, file);
}

int store_with_path(struct store *st, const struct store_handle *h,
		    store_path_fn *fn, void *arg)
{
	if (!st->ops->with_path)
		return -EOPNOTSUPP;
	return st->ops->with_path(st, h, fn, arg);
}

int store_fsync(struct store *st, const struct store_handle *h,
		struct store_file *file, bool datasync)
{
	if (!st->ops->fsync)
		return 0;
	return st->ops->fsync(st, h, file, datasync);
}

int store_fallocate(struct store *st, const struct store_handle *h,
		    struct store_file *file, int mode, uint64_t off,
		    uint64_t len)
{
	if (!st->ops->fallocate)
		return -EOPNOTSUPP;
	if (off > INT64_MAX || len > INT64_MAX || len == 0)
		return -EINVAL;
	if (off + len > INT64_MAX)
		return -EFBIG;
	return st->ops->fallocate(st, h, file, mode, off, len);
}

/* Without knowledge of holes a file is one extent, its end a hole. */
static off_t seek_solid(struct store *st, const struct store_handle *h,
			struct store_file *file, off_t off, int whence)
{
	struct statx attr;
	int r;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return -EINVAL;
	r = store_getattr(st, h, file, &attr);
	if (r < 0)
		return r;
	if (off < 0 || (uint64_t)off >= attr.stx_size)
		return -ENXIO;
	return whence == SEEK_DATA ? off : (off_t)attr.stx_size;
}

off_t store_lseek(struct store *st, const struct store_handle *h,
		  struct store_file *file, off_t off, int whence)
{
	if (!st->ops->lseek)
		return seek_solid(st, h, file, off, whence);
	return st->ops->lseek(st, h, file, off, whence);
}

/* NOLINTNEXTLINE(readability-function-size): the contract's parameters */
ssize_t store_copy_file_range(struct store *st, const struct store_handle *in,
			      struct store_file *file_in, off_t off_in,
			      const struct store_handle *out,
			      struct store_file *file_out, off_t off_out,
			      size_t len, unsigned flags)
{
	if (!st->ops->copy_file_range)
		return -EOPNOTSUPP;
	if (off_in < 0 || off_out < 0 || flags)
		return -EINVAL;
	return st->ops->copy_file_range(st, in, file_in, off_in, out, file_out,
					off_out, len, flags);
}

int store_ioctl(struct store *st, const struct store_handle *h,
		struct store_file *file, unsigned long cmd, void *data)
{
	if (!st->ops->ioctl)
		return -ENOTTY;
	return st->ops->ioctl(st, h, file, cmd, data);
}

int store_readdir(struct store *st, const struct store_handle *dir,
		  uint64_t off, store_dirent_fn *fn, void *arg)
{
	if (!st->ops->readdir)
		return -ENOTDIR;
	if (off > INT64_MAX)
		return -EINVAL;
	return st->ops->readdir(st, dir, off, fn, arg);
}

int store_fsyncdir(struct store *st, const struct store_handle *dir,
		   bool datasync)
{
	if (!st->ops->fsyncdir)
		return 0;
	return st->ops->fsyncdir(st, dir, datasync);
}

int store_statfs(struct store *st, const struct store_handle *h,
		 struct statvfs *ret)
{
	if (!st->ops->statfs)
		return -ENOSYS;
	return st->ops->statfs(st, h, ret);
}

int store_syncfs(struct store *st, const struct store_handle *h)
{
	if (!st->ops->syncfs)
		return 0;
	return st->ops->syncfs(st, h);
}

ssize_t store_getxattr(struct store *st, const struct store_handle *h,
		       const char *name, void *value, size_t size)
{
	if (!st->ops->getxattr)
		return -EOPNOTSUPP;
	return st->ops->getxattr(st, h, name, value, size);
}

int store_setxattr(struct store *st, const struct store_handle *h,
		   const char *name, const void *value, size_t size, int flags)
{
	if (!st->ops->setxattr)
		return -EOPNOTSUPP;
	return st->ops->setxattr(st, h, name, value, size, flags);
}

ssize_t store_listxattr(struct store *st, const struct store_handle *h,
			char *list, size_t size)
{
	if (!st->ops->listxattr)
		return st->ops->getxattr ? -EOPNOTSUPP : 0;
	return st->ops->listxattr(st, h, list, size);
}

int store_removexattr(struct store *st, const struct store_handle *h,
		      const char *name)
{
	if (!st->ops->removexattr)
		return -EOPNOTSUPP;
	return st->ops->removexattr(st, h, name);
}

int store_lock_fd(struct store *st, const struct store_handle *h,
		  int open_flags)
{
	if (!st->ops->lock_fd)
		return -EOPNOTSUPP;
	return st->ops->lock_fd(st, h, open_flags);
}

int store_is_written(struct store *st, const struct store_handle *h)
{
	if (!st->ops->is_written)
		return -EOPNOTSUPP;
	return st->ops->is_written(st, h);
}

int store_watch(struct store *st, const struct store_handle *h,
		struct store_watcher *watcher, uint64_t id)
{
	if (!st->ops->watch)
		return -EOPNOTSUPP;
	return st->ops->watch(st, h, watcher, id);
}

void store_unwatch(struct store *st, const struct store_handle *h, uint64_t id)
{
	if (st->ops->unwatch)
		st->ops->unwatch(st, h, id);
}
