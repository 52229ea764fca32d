/* SPDX-License-Identifier: Apache-2.0 */
/* dir.c - directories: look up, list, remove, rename */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/localfs/cred.h"
#include "store/localfs/name.h"
#include "store/localfs/ops.h"
#include "store/localfs/orphans.h"
#include "store/localfs/pin.h"
#include "store/localfs/state.h"

/*
 * What one getdents64(2) asks for.  Larger saves calls where the whole
 * directory is wanted; smaller saves work where a request for names and
 * attributes takes no more than two hundred entries.
 */
#define READDIR_CHUNK 8192u

/* As the kernel lays it out. */
struct kernel_dirent {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

int local_lookup(struct store *st, const struct store_handle *dir,
		 const char *name, struct store_handle *ret_handle,
		 struct statx *ret_attr)
{
	cleanup_pin struct pin d = PIN_INIT;
	int r;

	r = name_check(name);
	if (r < 0)
		return r;
	r = pin_open_dir(local_of(st), dir, &d);
	if (r < 0)
		return r;
	return name_identify(local_of(st), dir, d.fd, name, ret_handle,
			     ret_attr);
}

static int remove_name(struct store *st, const struct store_handle *dir,
		       const char *name, int flags)
{
	struct local_store *ls = local_of(st);
	cleanup_pin struct pin d = PIN_INIT;
	cleanup_fd int victim = -1;
	int r;

	r = name_check(name);
	if (r < 0)
		return r;
	r = pin_open_dir(ls, dir, &d);
	if (r < 0)
		return r;
	victim = orphans_watch(ls, dir, d.fd, name);
	if (unlinkat(d.fd, name, flags) < 0)
		return -errno;
	orphans_keep(ls, dir, &victim);
	return 0;
}

int local_unlink(struct store *st, const struct store_handle *dir,
		 const char *name)
{
	return remove_name(st, dir, name, 0);
}

/* The descriptor of a removed directory goes when its handle is forgotten. */
int local_rmdir(struct store *st, const struct store_handle *dir,
		const char *name)
{
	return remove_name(st, dir, name, AT_REMOVEDIR);
}

/* A whiteout is a new device: it belongs to root, as overlayfs wants it. */
static int become_root(void)
{
	static const struct store_cred root = { .umask = 022 };

	return cred_assume(&root);
}

int local_rename(struct store *st, const struct store_handle *dir,
		 const char *name, const struct store_handle *newdir,
		 const char *newname, unsigned flags)
{
	cleanup_pin struct pin d = PIN_INIT;
	cleanup_pin struct pin nd = PIN_INIT;
	struct local_store *ls = local_of(st);
	cleanup_fd int victim = -1;
	int newfd;
	int r;

	r = name_check(name);
	if (r == 0)
		r = name_check(newname);
	if (r == 0 && (flags & RENAME_WHITEOUT))
		r = become_root();
	if (r == 0)
		r = pin_open_dir(local_of(st), dir, &d);
	if (r < 0)
		return r;

	newfd = d.fd;
	if (!store_handle_equal(dir, newdir)) {
		r = pin_open_dir(local_of(st), newdir, &nd);
		if (r < 0)
			return r;
		newfd = nd.fd;
	}
	if (!(flags & (RENAME_NOREPLACE | RENAME_EXCHANGE)))
		victim = orphans_watch(ls, newdir, newfd, newname);
	if (renameat2(d.fd, name, newfd, newname, flags) < 0)
		return -errno;
	orphans_keep(ls, newdir, &victim);
	return 0;
}

/* 1 to go on, 0 when fn has enough. */
static int emit_chunk(const char *buf, size_t len, store_dirent_fn *fn,
		      void *arg)
{
	for (size_t at = 0; at < len;) {
		const struct kernel_dirent *k = (const void *)(buf + at);
		struct store_dirent entry = {
			.ino = k->ino,
			.off = (uint64_t)k->off,
			.name = k->name,
			.name_len = strlen(k->name),
			.type = k->type,
		};

		if (fn(arg, &entry) != 0)
			return 0;
		at += k->reclen;
	}
	return 1;
}

/* A description of the directory of its own, to read. */
static int open_to_read(struct local_store *ls, const struct store_handle *dir)
{
	cleanup_pin struct pin d = PIN_INIT;
	int r;

	r = pin_open_dir(ls, dir, &d);
	if (r < 0)
		return r;
	r = openat(d.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return r < 0 ? -errno : r;
}

/*
 * A listing has no state but off, so each call opens a description of its own;
 * the entries stream through one small buffer however many there are.
 */
int local_readdir(struct store *st, const struct store_handle *dir,
		  uint64_t off, store_dirent_fn *fn, void *arg)
{
	char buf[READDIR_CHUNK] __attribute__((aligned(8)));
	cleanup_fd int fd = open_to_read(local_of(st), dir);
	ssize_t n;

	if (fd < 0)
		return fd;
	if (off && lseek(fd, (off_t)off, SEEK_SET) < 0)
		return -errno;
	for (;;) {
		n = getdents64(fd, buf, sizeof(buf));
		if (n < 0)
			return -errno;
		if (n == 0 || !emit_chunk(buf, (size_t)n, fn, arg))
			return 0;
	}
}

int local_fsyncdir(struct store *st, const struct store_handle *dir,
		   bool datasync)
{
	cleanup_fd int fd = open_to_read(local_of(st), dir);
	int r;

	if (fd < 0)
		return fd;
	r = datasync ? fdatasync(fd) : fsync(fd);
	return r < 0 ? -errno : 0;
}
