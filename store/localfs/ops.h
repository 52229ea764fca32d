/* SPDX-License-Identifier: Apache-2.0 */
/* ops.h - the operations of localfs, as store.h describes them */
#ifndef LOCALFS_OPS_H
#define LOCALFS_OPS_H

#include "store/store.h"

/* dir.c */
int local_lookup(struct store *st, const struct store_handle *dir,
		 const char *name, struct store_handle *ret_handle,
		 struct statx *ret_attr);
int local_unlink(struct store *st, const struct store_handle *dir,
		 const char *name);
int local_rmdir(struct store *st, const struct store_handle *dir,
		const char *name);
int local_rename(struct store *st, const struct store_handle *dir,
		 const char *name, const struct store_handle *newdir,
		 const char *newname, unsigned flags);
int local_readdir(struct store *st, const struct store_handle *dir,
		  uint64_t off, store_dirent_fn *fn, void *arg);
int local_fsyncdir(struct store *st, const struct store_handle *dir,
		   bool datasync);

/* create.c */
int local_mknod(struct store *st, const struct store_handle *dir,
		const char *name, mode_t mode, dev_t rdev,
		const struct store_cred *cred, struct store_handle *ret_handle,
		struct statx *ret_attr);
int local_mkdir(struct store *st, const struct store_handle *dir,
		const char *name, mode_t mode, const struct store_cred *cred,
		struct store_handle *ret_handle, struct statx *ret_attr);
int local_symlink(struct store *st, const struct store_handle *dir,
		  const char *name, const char *target,
		  const struct store_cred *cred,
		  struct store_handle *ret_handle, struct statx *ret_attr);
int local_link(struct store *st, const struct store_handle *h,
	       const struct store_handle *dir, const char *name,
	       struct statx *ret_attr);
int local_create(struct store *st, const struct store_handle *dir,
		 const char *name, mode_t mode, int open_flags,
		 const struct store_cred *cred, struct store_handle *ret_handle,
		 struct statx *ret_attr, struct store_file **ret_file);
int local_tmpfile(struct store *st, const struct store_handle *dir, mode_t mode,
		  int open_flags, const struct store_cred *cred,
		  struct store_handle *ret_handle, struct statx *ret_attr,
		  struct store_file **ret_file);

/* file.c */
int local_open(struct store *st, const struct store_handle *h, int open_flags,
	       struct store_file **ret);
void local_release(struct store *st, struct store_file *file);
ssize_t local_pread(struct store *st, struct store_file *file, void *buf,
		    size_t len, uint64_t off);
ssize_t local_pwrite(struct store *st, struct store_file *file, const void *buf,
		     size_t len, uint64_t off);
int local_splice_fd(struct store *st, struct store_file *file);
int local_with_path(struct store *st, const struct store_handle *h,
		    store_path_fn *fn, void *arg);
int local_fsync(struct store *st, const struct store_handle *h,
		struct store_file *file, bool datasync);
int local_fallocate(struct store *st, const struct store_handle *h,
		    struct store_file *file, int mode, uint64_t off,
		    uint64_t len);
off_t local_lseek(struct store *st, const struct store_handle *h,
		  struct store_file *file, off_t off, int whence);
ssize_t local_copy_file_range(struct store *st, const struct store_handle *in,
			      struct store_file *file_in, off_t off_in,
			      const struct store_handle *out,
			      struct store_file *file_out, off_t off_out,
			      size_t len, unsigned flags);
int local_lock_fd(struct store *st, const struct store_handle *h,
		  int open_flags);
int local_is_written(struct store *st, const struct store_handle *h);

/* attr.c */
int local_getattr(struct store *st, const struct store_handle *h,
		  struct store_file *file, struct statx *ret_attr);
int local_setattr(struct store *st, const struct store_handle *h,
		  struct store_file *file, const struct store_setattr *set,
		  struct statx *ret_attr);
ssize_t local_readlink(struct store *st, const struct store_handle *h,
		       char *buf, size_t size);
int local_statfs(struct store *st, const struct store_handle *h,
		 struct statvfs *ret);
int local_syncfs(struct store *st, const struct store_handle *h);

/* xattr.c */
ssize_t local_getxattr(struct store *st, const struct store_handle *h,
		       const char *name, void *value, size_t size);
int local_setxattr(struct store *st, const struct store_handle *h,
		   const char *name, const void *value, size_t size, int flags);
ssize_t local_listxattr(struct store *st, const struct store_handle *h,
			char *list, size_t size);
int local_removexattr(struct store *st, const struct store_handle *h,
		      const char *name);

/* ioctl.c */
int local_ioctl(struct store *st, const struct store_handle *h,
		struct store_file *file, unsigned long cmd, void *data);

/* watch.c */
int local_watch(struct store *st, const struct store_handle *h,
		struct store_watcher *watcher, uint64_t id);
void local_unwatch(struct store *st, const struct store_handle *h, uint64_t id);

#endif
