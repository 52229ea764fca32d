/* SPDX-License-Identifier: Apache-2.0 */
/* usage.c - how much a directory tree holds, found by a bounded walk */
#include "store/emptydir/usage.h"

#include "store/backend.h"
#include "store/base/cleanup.h"
#include "store/base/path.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <uthash.h>

#define USAGE_DEPTH_MAX	  64
#define USAGE_ENTRIES_MAX 100000
#define USAGE_MSEC_MAX	  250

/* A file of several names that was counted. */
struct counted {
	uint64_t ino;
	UT_hash_handle hh;
};

struct walk {
	DIR *dirs[USAGE_DEPTH_MAX];
	unsigned depth;
	struct statx root;
	struct counted *counted;
	uint64_t bytes;
	uint64_t inodes;
	int64_t deadline; /* monotonic milliseconds */
	bool too_much;
};

static int64_t now_msec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int walk_enter(struct walk *walk, int dir_fd, const char *name)
{
	cleanup_fd int fd = -1;

	if (walk->depth == USAGE_DEPTH_MAX) {
		walk->too_much = true;
		return 0;
	}
	fd = path_open(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
		       RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
	if (fd < 0)
		return fd;
	walk->dirs[walk->depth] = fdopendir(fd);
	if (!walk->dirs[walk->depth])
		return -errno;
	steal_fd(&fd);
	walk->depth++;
	return 0;
}

/* Is this the first of the names of a file? */
static bool walk_is_first(struct walk *walk, uint64_t ino)
{
	struct counted *counted;

	HASH_FIND(hh, walk->counted, &ino, sizeof(ino), counted);
	if (counted)
		return false;
	counted = calloc(1, sizeof(*counted));
	if (!counted) {
		walk->too_much = true;
		return false;
	}
	counted->ino = ino;
	HASH_ADD(hh, walk->counted, ino, sizeof(ino), counted);
	return true;
}

static void walk_count(struct walk *walk, const struct statx *stx)
{
	walk->bytes += stx->stx_blocks * 512;
	walk->inodes++;
	if (walk->inodes > USAGE_ENTRIES_MAX ||
	    (walk->inodes % 256 == 0 && now_msec() > walk->deadline))
		walk->too_much = true;
}

static int walk_entry(struct walk *walk, const char *name)
{
	int dir_fd = dirfd(walk->dirs[walk->depth - 1]);
	struct statx stx;
	int r;

	if (statx(dir_fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
		  STATX_BASIC_STATS, &stx) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (stx.stx_dev_major != walk->root.stx_dev_major ||
	    stx.stx_dev_minor != walk->root.stx_dev_minor)
		return 0;
	if (S_ISDIR(stx.stx_mode)) {
		r = walk_enter(walk, dir_fd, name);
		if (r == -ENOENT || r == -EXDEV || r == -ENOTDIR)
			return 0;
		if (r < 0)
			return r;
	} else if (stx.stx_nlink > 1 && !walk_is_first(walk, stx.stx_ino)) {
		return 0;
	}
	walk_count(walk, &stx);
	return 0;
}

static int walk_run(struct walk *walk)
{
	while (walk->depth && !walk->too_much) {
		DIR *dir = walk->dirs[walk->depth - 1];
		const struct dirent *entry;
		int r;

		errno = 0;
		/* NOLINTNEXTLINE(concurrency-mt-unsafe): our own stream */
		entry = readdir(dir);
		if (!entry) {
			if (errno)
				return -errno;
			closedir(dir);
			walk->depth--;
			continue;
		}
		if (!path_is_name(entry->d_name))
			continue;
		r = walk_entry(walk, entry->d_name);
		if (r < 0)
			return r;
	}
	return 0;
}

static void walk_done(struct walk *walk)
{
	struct counted *counted;
	struct counted *next;

	while (walk->depth)
		closedir(walk->dirs[--walk->depth]);
	HASH_ITER(hh, walk->counted, counted, next)
	{
		HASH_DEL(walk->counted, counted);
		free(counted);
	}
}

int usage_of_tree(int dir_fd, struct volume_usage *ret)
{
	struct walk walk = { .deadline = now_msec() + USAGE_MSEC_MAX };
	int r;

	if (statx(dir_fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &walk.root) < 0)
		return -errno;
	walk_count(&walk, &walk.root);
	r = walk_enter(&walk, dir_fd, ".");
	if (r == 0)
		r = walk_run(&walk);
	if (r == 0) {
		ret->used_bytes = walk.too_much ? -1 : (int64_t)walk.bytes;
		ret->used_inodes = walk.too_much ? -1 : (int64_t)walk.inodes;
	}
	walk_done(&walk);
	return r;
}
