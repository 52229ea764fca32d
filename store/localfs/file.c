/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - open regular files: open, read, write and the like */
#include "store/localfs/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/localfs/handle.h"
#include "store/localfs/ops.h"
#include "store/localfs/pin.h"
#include "store/localfs/state.h"

/*
 * Not taken over: O_APPEND, because write(2)s come with their offset and so do
 * dirty pages of mmap(2), which must not be appended (see STORE_APPEND);
 * O_DIRECT, because our buffers are not aligned; and what only concerns
 * finding or making the file.
 */
int file_flags(int open_flags)
{
	return open_flags & (O_ACCMODE | O_TRUNC | O_SYNC | O_DSYNC |
			     O_NOATIME | O_NONBLOCK);
}

int file_new(int *fd, int open_flags, struct store_file **ret)
{
	struct store_file *file;

	file = malloc(sizeof(*file));
	if (!file)
		return -ENOMEM;
	file->fd = steal_fd(fd);
	file->writable = (open_flags & O_ACCMODE) != O_RDONLY;
	*ret = file;
	return 0;
}

/*
 * Who only writes still has the kernel read around his writes: open for both.
 * Where that is not allowed (append-only files), as asked, O_APPEND included.
 */
int file_open(struct local_store *ls, const struct store_handle *h, int asked)
{
	int flags = file_flags(asked);
	int fd;

	if ((asked & O_ACCMODE) == O_RDONLY)
		return pin_reopen(ls, h, flags);

	fd = pin_reopen(ls, h, (flags & ~O_ACCMODE) | O_RDWR);
	if (fd == -EACCES || fd == -EPERM)
		fd = pin_reopen(ls, h, flags | (asked & O_APPEND));
	return fd;
}

int local_open(struct store *st, const struct store_handle *h, int open_flags,
	       struct store_file **ret)
{
	cleanup_fd int fd = -1;

	fd = file_open(local_of(st), h, open_flags);
	if (fd < 0)
		return fd;
	return file_new(&fd, open_flags, ret);
}

void local_release(struct store *st, struct store_file *file)
{
	(void)st;
	close(file->fd);
	free(file);
}

ssize_t local_pread(struct store *st, struct store_file *file, void *buf,
		    size_t len, uint64_t off)
{
	size_t done = 0;
	ssize_t n;

	(void)st;
	while (done < len) {
		n = pread(file->fd, (char *)buf + done, len - done,
			  (off_t)(off + done));
		if (n < 0)
			return done ? (ssize_t)done : -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static ssize_t write_at(int fd, const char *buf, size_t len, uint64_t off)
{
	struct iovec iov = { .iov_base = (char *)(uintptr_t)buf,
			     .iov_len = len };

	if (off == STORE_APPEND)
		return pwritev2(fd, &iov, 1, 0, RWF_APPEND);
	return pwrite(fd, buf, len, (off_t)off);
}

ssize_t local_pwrite(struct store *st, struct store_file *file, const void *buf,
		     size_t len, uint64_t off)
{
	size_t done = 0;
	ssize_t n;

	(void)st;
	while (done < len) {
		n = write_at(file->fd, (const char *)buf + done, len - done,
			     off == STORE_APPEND ? off : off + done);
		if (n < 0)
			return done ? (ssize_t)done : -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/*
 * As the backing of an inode it would stay open until we are told that the
 * inode is closed: whether anybody has it open would not be seen (orphans.c).
 */
int local_splice_fd(struct store *st, struct store_file *file)
{
	return local_of(st)->limited ? -EOPNOTSUPP : file->fd;
}

int local_with_path(struct store *st, const struct store_handle *h,
		    store_path_fn *fn, void *arg)
{
	cleanup_pin struct pin pin = PIN_INIT;
	enum handle_class class = handle_class(h);
	cleanup_fd int fd = -1;
	int r;

	if (class == HANDLE_UNKNOWN || h->type == HANDLE_TYPE_HELD) {
		fd = pin_reopen(local_of(st), h, O_PATH);
		return fd < 0 ? fd : fn(arg, fd);
	}
	if (class != HANDLE_REG)
		return -EINVAL;
	r = pin_open(local_of(st), h, &pin);
	return r < 0 ? r : fn(arg, pin.fd);
}

/*
 * The descriptor of file, else a new one that *tmp owns.  For writing, a file
 * that was opened for reading does not do.
 */
static int file_or_handle(struct store *st, const struct store_handle *h,
			  struct store_file *file, int open_flags, int *tmp)
{
	if (file && (open_flags == O_RDONLY || file->writable))
		return file->fd;
	*tmp = pin_reopen(local_of(st), h, open_flags);
	/* An append-only file: what may be done to it needs O_APPEND. */
	if (*tmp == -EPERM && open_flags == O_WRONLY)
		*tmp = pin_reopen(local_of(st), h, O_WRONLY | O_APPEND);
	return *tmp;
}

int local_fsync(struct store *st, const struct store_handle *h,
		struct store_file *file, bool datasync)
{
	cleanup_fd int tmp = -1;
	int fd;
	int r;

	fd = file_or_handle(st, h, file, O_RDONLY, &tmp);
	if (fd < 0)
		return fd;
	r = datasync ? fdatasync(fd) : fsync(fd);
	return r < 0 ? -errno : 0;
}

int local_fallocate(struct store *st, const struct store_handle *h,
		    struct store_file *file, int mode, uint64_t off,
		    uint64_t len)
{
	cleanup_fd int tmp = -1;
	int fd;

	fd = file_or_handle(st, h, file, O_WRONLY, &tmp);
	if (fd < 0)
		return fd;
	return fallocate(fd, mode, (off_t)off, (off_t)len) < 0 ? -errno : 0;
}

off_t local_lseek(struct store *st, const struct store_handle *h,
		  struct store_file *file, off_t off, int whence)
{
	cleanup_fd int tmp = -1;
	int fd;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return -EINVAL;
	fd = file_or_handle(st, h, file, O_RDONLY, &tmp);
	if (fd < 0)
		return fd;
	/* Moves the position of the file too, which nothing here uses. */
	off = lseek(fd, off, whence);
	return off < 0 ? -errno : off;
}

/* NOLINTNEXTLINE(readability-function-size): the contract's parameters */
ssize_t local_copy_file_range(struct store *st, const struct store_handle *in,
			      struct store_file *file_in, off_t off_in,
			      const struct store_handle *out,
			      struct store_file *file_out, off_t off_out,
			      size_t len, unsigned flags)
{
	cleanup_fd int tmp_in = -1;
	cleanup_fd int tmp_out = -1;
	int fd_in;
	int fd_out;
	ssize_t n;

	fd_in = file_or_handle(st, in, file_in, O_RDONLY, &tmp_in);
	if (fd_in < 0)
		return fd_in;
	fd_out = file_or_handle(st, out, file_out, O_WRONLY, &tmp_out);
	if (fd_out < 0)
		return fd_out;
	n = copy_file_range(fd_in, &off_in, fd_out, &off_out, len, flags);
	return n < 0 ? -errno : n;
}

int local_lock_fd(struct store *st, const struct store_handle *h,
		  int open_flags)
{
	if (local_of(st)->exclusive)
		return -EOPNOTSUPP;
	return pin_reopen(local_of(st), h, open_flags & O_ACCMODE);
}

/*
 * A mapping keeps the file open underneath after its descriptor is closed.
 * Linux grants a lease for reading where nobody has the file open for writing;
 * it is given back before anybody notices.
 */
int local_is_written(struct store *st, const struct store_handle *h)
{
	cleanup_fd int fd = pin_reopen(local_of(st), h, O_RDONLY);

	if (fd < 0)
		return fd;
	if (fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
		return errno == EAGAIN ? 1 : -errno;
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return 0;
}
