/* SPDX-License-Identifier: Apache-2.0 */
/* reap.c - erase one tree of the trash, however deep, wide or hostile it is */
#include "store/reap.h"

#include "store/base/cleanup.h"
#include "store/base/path.h"
#include "store/node_step.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* Directories that are open at once. */
#define LEVELS_MAX 48
/* Readings of a directory that does not become empty. */
#define ROUNDS_MAX 8

#define OPEN_LEVEL    (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK)
#define RESOLVE_LEVEL (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV)
#define PROTECTION    (FS_IMMUTABLE_FL | FS_APPEND_FL)

struct level {
	DIR *dir;
	char name[NAME_MAX + 1];
	unsigned rounds;
	bool removed; /* something, in this round */
	int left;     /* -errno of the first thing that stays, or 0 */
};

struct walk {
	struct reap *reap;
	struct level levels[LEVELS_MAX];
	unsigned depth;
	int left; /* as in struct level, of the tree itself */
};

void reap_unique_name(char ret[REAP_NAME_SIZE])
{
	static atomic_uint_fast64_t fallback;
	uint64_t n;

	/* Cannot fail once the system has booted; be unique even then. */
	if (getrandom(&n, sizeof(n), GRND_NONBLOCK) != (ssize_t)sizeof(n))
		n = ((uint64_t)getpid() << 32) + fallback++;
	snprintf(ret, REAP_NAME_SIZE, "%016" PRIx64, n);
}

static bool unprotect_fd(int fd)
{
	int flags;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0 || !(flags & PROTECTION))
		return false;
	flags &= ~PROTECTION;
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0)
		return false;
	node_step("reap.unprotected");
	return true;
}

bool reap_unprotect(int dir_fd, const char *name)
{
	bool changed = unprotect_fd(dir_fd);
	cleanup_fd int path_fd = -1;
	cleanup_fd int fd = -1;
	struct stat st;
	char link[32];

	/* Look first: opening a device or a fifo is not ours to do. */
	path_fd = path_open(dir_fd, name, O_PATH | O_NOFOLLOW,
			    RESOLVE_BENEATH | RESOLVE_NO_XDEV);
	if (path_fd < 0 || fstat(path_fd, &st) < 0)
		return changed;
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return changed;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", path_fd);
	fd = open(link, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return changed;
	return unprotect_fd(fd) || changed;
}

static int remove_name(int dir_fd, const char *name, int flags)
{
	if (unlinkat(dir_fd, name, flags) == 0 || errno == ENOENT)
		return 0;
	if (errno != EPERM)
		return -errno;
	if (!reap_unprotect(dir_fd, name))
		return -EPERM;
	if (unlinkat(dir_fd, name, flags) == 0 || errno == ENOENT)
		return 0;
	return -errno;
}

static int parent_fd(const struct walk *walk)
{
	if (walk->depth == 0)
		return walk->reap->trash_fd;
	return dirfd(walk->levels[walk->depth - 1].dir);
}

/* Note on the level above that name stays. */
static void leave(struct walk *walk, int r)
{
	int *left =
		walk->depth ? &walk->levels[walk->depth - 1].left : &walk->left;

	/* A mount point says most about why. */
	if (*left == 0 || r == -EBUSY)
		*left = r;
}

static void removed(struct walk *walk)
{
	if (walk->depth)
		walk->levels[walk->depth - 1].removed = true;
	node_step("reap.removed");
}

/* Too deep: the subtree becomes an entry of the trash. */
static int cut(struct walk *walk, const char *name)
{
	int trash_fd = walk->reap->trash_fd;
	int dir_fd = parent_fd(walk);
	char unique[REAP_NAME_SIZE];

	reap_unique_name(unique);
	if (renameat(dir_fd, name, trash_fd, unique) < 0) {
		if (errno != EPERM)
			return errno == ENOENT ? 0 : -errno;
		if (!reap_unprotect(dir_fd, name))
			return -EPERM;
		if (renameat(dir_fd, name, trash_fd, unique) < 0)
			return -errno;
	}
	walk->reap->cut = true;
	node_step("reap.cut");
	return 0;
}

/* Open the directory name and make it the innermost level. */
static int enter(struct walk *walk, const char *name)
{
	struct level *level = &walk->levels[walk->depth];
	cleanup_fd int fd = -1;

	fd = path_open(parent_fd(walk), name, OPEN_LEVEL, RESOLVE_LEVEL);
	if (fd < 0)
		return fd == -EXDEV ? -EBUSY : fd;
	level->dir = fdopendir(fd);
	if (!level->dir)
		return -errno;
	steal_fd(&fd);
	snprintf(level->name, sizeof(level->name), "%s", name);
	level->rounds = 0;
	level->removed = false;
	level->left = 0;
	walk->depth++;
	return 0;
}

static void remove_directory(struct walk *walk, const char *name)
{
	int r;

	if (walk->depth == LEVELS_MAX) {
		r = cut(walk, name);
		if (r == 0)
			removed(walk);
	} else {
		r = enter(walk, name);
		if (r == 0)
			return;
		/* It was a directory a moment ago: the next round sees. */
		if (r == -ENOENT || r == -ENOTDIR || r == -ELOOP)
			r = -ENOTEMPTY;
	}
	if (r < 0)
		leave(walk, r);
}

static void remove_entry(struct walk *walk, const char *name, int type)
{
	int r = -EISDIR;

	if (type != DT_DIR)
		r = remove_name(parent_fd(walk), name, 0);
	if (r == 0)
		removed(walk);
	else if (r == -EISDIR)
		remove_directory(walk, name);
	else
		leave(walk, r);
}

/* The innermost level is read to its end: remove it, or read it again. */
static void finish_level(struct walk *walk)
{
	struct level *level = &walk->levels[walk->depth - 1];
	int left = level->left;
	int r;

	walk->depth--;
	r = remove_name(parent_fd(walk), level->name, AT_REMOVEDIR);
	if (r == -ENOTEMPTY && level->removed && level->rounds < ROUNDS_MAX) {
		walk->depth++;
		level->rounds++;
		level->removed = false;
		level->left = 0;
		rewinddir(level->dir);
		return;
	}
	closedir(level->dir);
	level->dir = NULL;
	if (r == 0)
		removed(walk);
	else
		leave(walk, left ? left : r);
}

static void step(struct walk *walk)
{
	struct level *level = &walk->levels[walk->depth - 1];
	const struct dirent *entry;

	errno = 0;
	/* The stream is ours alone. NOLINTNEXTLINE(concurrency-mt-unsafe) */
	entry = readdir(level->dir);
	if (!entry) {
		if (errno)
			level->left = -errno;
		finish_level(walk);
		return;
	}
	if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
		remove_entry(walk, entry->d_name, entry->d_type);
}

/*
 * A btrfs subvolume goes as a whole, in the background of the filesystem; a
 * file of it that is still open goes on.  False for anything else, and for one
 * that has others in it.
 */
static bool destroy_subvolume(const struct reap *reap, const char *name)
{
	struct btrfs_ioctl_vol_args args = { 0 };
	struct statfs fs;
	struct stat st;

	if (fstatfs(reap->trash_fd, &fs) < 0 ||
	    fs.f_type != BTRFS_SUPER_MAGIC ||
	    fstatat(reap->trash_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    st.st_ino != BTRFS_FIRST_FREE_OBJECTID)
		return false;
	snprintf(args.name, sizeof(args.name), "%s", name);
	return ioctl(reap->trash_fd, BTRFS_IOC_SNAP_DESTROY, &args) == 0;
}

int reap_tree(struct reap *reap, const char *name)
{
	cleanup_free struct walk *walk = calloc(1, sizeof(*walk));

	if (!walk)
		return -ENOMEM;
	node_step("reap.begin");
	if (destroy_subvolume(reap, name)) {
		node_step("reap.destroyed");
		return 0;
	}
	walk->reap = reap;
	remove_entry(walk, name, DT_UNKNOWN);
	while (walk->depth && !atomic_load(reap->stop))
		step(walk);
	if (!walk->depth && walk->left == 0)
		node_step("reap.erased");
	if (!walk->depth)
		return walk->left;
	while (walk->depth)
		closedir(walk->levels[--walk->depth].dir);
	return -ECANCELED;
}
