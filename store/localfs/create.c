/* SPDX-License-Identifier: Apache-2.0 */
/* create.c - new files of every type, and new names of old ones */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/localfs/cred.h"
#include "store/localfs/file.h"
#include "store/localfs/name.h"
#include "store/localfs/ops.h"
#include "store/localfs/pin.h"
#include "store/localfs/state.h"

/* The host may take away and put back a name between our two looks at it. */
#define CREATE_TRIES 8

static int begin(struct local_store *ls, const struct store_handle *dir,
		 const char *name, const struct store_cred *cred,
		 struct pin *ret_dir)
{
	int r;

	r = name_check(name);
	if (r < 0)
		return r;
	r = pin_open_dir(ls, dir, ret_dir);
	if (r < 0)
		return r;
	return cred_assume(cred);
}

/* What was made but cannot be named must not stay behind. */
static int finish(struct local_store *ls, const struct store_handle *dir,
		  int dirfd, const char *name, int remove_flags,
		  struct store_handle *ret_handle, struct statx *ret_attr)
{
	int r;

	r = name_identify(ls, dir, dirfd, name, ret_handle, ret_attr);
	if (r < 0)
		unlinkat(dirfd, name, remove_flags);
	return r;
}

/* NOLINTNEXTLINE(readability-function-size): the contract's parameters */
int local_mknod(struct store *st, const struct store_handle *dir,
		const char *name, mode_t mode, dev_t rdev,
		const struct store_cred *cred, struct store_handle *ret_handle,
		struct statx *ret_attr)
{
	cleanup_pin struct pin d = PIN_INIT;
	int r;

	if (S_ISDIR(mode) || S_ISLNK(mode))
		return -EINVAL;
	r = begin(local_of(st), dir, name, cred, &d);
	if (r < 0)
		return r;
	if (mknodat(d.fd, name, mode, rdev) < 0)
		return -errno;
	return finish(local_of(st), dir, d.fd, name, 0, ret_handle, ret_attr);
}

int local_mkdir(struct store *st, const struct store_handle *dir,
		const char *name, mode_t mode, const struct store_cred *cred,
		struct store_handle *ret_handle, struct statx *ret_attr)
{
	cleanup_pin struct pin d = PIN_INIT;
	int r;

	r = begin(local_of(st), dir, name, cred, &d);
	if (r < 0)
		return r;
	if (mkdirat(d.fd, name, mode & 07777) < 0)
		return -errno;
	return finish(local_of(st), dir, d.fd, name, AT_REMOVEDIR, ret_handle,
		      ret_attr);
}

int local_symlink(struct store *st, const struct store_handle *dir,
		  const char *name, const char *target,
		  const struct store_cred *cred,
		  struct store_handle *ret_handle, struct statx *ret_attr)
{
	cleanup_pin struct pin d = PIN_INIT;
	int r;

	r = begin(local_of(st), dir, name, cred, &d);
	if (r < 0)
		return r;
	if (symlinkat(target, d.fd, name) < 0)
		return -errno;
	return finish(local_of(st), dir, d.fd, name, 0, ret_handle, ret_attr);
}

int local_link(struct store *st, const struct store_handle *h,
	       const struct store_handle *dir, const char *name,
	       struct statx *ret_attr)
{
	cleanup_pin struct pin d = PIN_INIT;
	cleanup_pin struct pin pin = PIN_INIT;
	struct statx attr;
	int r;

	r = name_check(name);
	if (r == 0)
		r = pin_open(local_of(st), h, &pin);
	if (r == 0)
		r = pin_open_dir(local_of(st), dir, &d);
	if (r < 0)
		return r;
	if (linkat(pin.fd, "", d.fd, name, AT_EMPTY_PATH) < 0)
		return -errno;
	r = local_statx(pin.fd, "", AT_EMPTY_PATH, &attr);
	if (r == 0)
		*ret_attr = attr;
	return r;
}

/* One call of create, between its steps. */
struct creation {
	struct local_store *ls;
	const struct store_handle *dir;
	int dirfd;
	const char *name;
	mode_t mode;
	int open_flags;
	bool want_file;
	int fd; /* the open file, if one was needed */
	struct store_handle handle;
	struct statx attr;
};

/*
 * O_EXCL always: without it the kernel would follow a link, open a fifo, and
 * apply its rules for sticky directories to us instead of to the caller.
 */
static int create_opened(struct creation *c)
{
	int flags = file_flags(c->open_flags) & ~(O_ACCMODE | O_TRUNC);
	int r;

	c->fd = openat(c->dirfd, c->name,
		       flags | O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
		       c->mode & 07777);
	if (c->fd < 0)
		return -errno;
	r = local_identify_open(c->ls, c->dir, c->fd, &c->handle, &c->attr);
	if (r < 0)
		unlinkat(c->dirfd, c->name, 0);
	return r;
}

/* No file wanted, and the name stays ours: no descriptor to close. */
static int create_unopened(struct creation *c)
{
	if (mknodat(c->dirfd, c->name, S_IFREG | (c->mode & 07777), 0) < 0)
		return -errno;
	return finish(c->ls, c->dir, c->dirfd, c->name, 0, &c->handle,
		      &c->attr);
}

static int open_existing(struct creation *c)
{
	int r;

	r = name_identify(c->ls, c->dir, c->dirfd, c->name, &c->handle,
			  &c->attr);
	if (r < 0)
		return r;
	if (!S_ISREG(c->attr.stx_mode))
		return -ESTALE;
	if (!c->want_file && !(c->open_flags & O_TRUNC))
		return 0;
	c->fd = file_open(c->ls, &c->handle, c->open_flags);
	if (c->fd < 0)
		return c->fd;
	if (c->open_flags & O_TRUNC)
		return local_statx(c->fd, "", AT_EMPTY_PATH, &c->attr);
	return 0;
}

static int create_or_open(struct creation *c)
{
	bool opened = c->want_file || !c->ls->exclusive;
	int r = -ESTALE;

	for (int i = 0; i < CREATE_TRIES; i++) {
		r = opened ? create_opened(c) : create_unopened(c);
		if (r != -EEXIST || (c->open_flags & O_EXCL))
			return r;
		r = open_existing(c);
		if (r != -ENOENT)
			return r;
	}
	return -ESTALE;
}

/* NOLINTNEXTLINE(readability-function-size): the contract's parameters */
int local_create(struct store *st, const struct store_handle *dir,
		 const char *name, mode_t mode, int open_flags,
		 const struct store_cred *cred, struct store_handle *ret_handle,
		 struct statx *ret_attr, struct store_file **ret_file)
{
	cleanup_pin struct pin d = PIN_INIT;
	cleanup_fd int fd = -1;
	struct creation c = {
		.ls = local_of(st),
		.dir = dir,
		.name = name,
		.mode = mode,
		.open_flags = open_flags,
		.want_file = ret_file != NULL,
		.fd = -1,
	};
	int r;

	r = begin(c.ls, dir, name, cred, &d);
	if (r < 0)
		return r;
	c.dirfd = d.fd;
	r = create_or_open(&c);
	fd = c.fd;
	if (r == 0 && ret_file)
		r = file_new(&fd, open_flags, ret_file);
	if (r < 0)
		return r;
	*ret_handle = c.handle;
	*ret_attr = c.attr;
	return 0;
}

/* NOLINTNEXTLINE(readability-function-size): the contract's parameters */
int local_tmpfile(struct store *st, const struct store_handle *dir, mode_t mode,
		  int open_flags, const struct store_cred *cred,
		  struct store_handle *ret_handle, struct statx *ret_attr,
		  struct store_file **ret_file)
{
	cleanup_pin struct pin d = PIN_INIT;
	cleanup_fd int fd = -1;
	int flags;
	int r;

	if (!ret_file)
		return -EINVAL;
	r = pin_open_dir(local_of(st), dir, &d);
	if (r == 0)
		r = cred_assume(cred);
	if (r < 0)
		return r;

	/* O_EXCL here means that the file can never get a name. */
	flags = file_flags(open_flags) & ~(O_ACCMODE | O_TRUNC);
	flags |= O_TMPFILE | O_RDWR | O_CLOEXEC | (open_flags & O_EXCL);
	fd = openat(d.fd, ".", flags, mode & 07777);
	if (fd < 0)
		return -errno;
	r = local_identify_open(local_of(st), dir, fd, ret_handle, ret_attr);
	if (r < 0)
		return r;
	return file_new(&fd, O_RDWR, ret_file);
}
