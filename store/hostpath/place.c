/* SPDX-License-Identifier: Apache-2.0 */
/* place.c - where a hostPath leads, looked up anew each time and never astray
 */
#include "store/hostpath/place.h"

#include "store/backend.h"
#include "store/base/cleanup.h"
#include "store/base/path.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define LINKS_MAX 40 /* as the kernel */

struct prefix {
	char *name; /* as configured */
	char *real; /* without links */
};

struct place {
	char *path;
	char *mountpoint; /* NULL: none */
	char *state_dir;  /* without links */
	/* Device of our own mount, once it is there; 0: not seen yet. */
	atomic_uint_fast64_t own_dev;
	size_t n_allow;
	struct prefix allow[];
};

static dev_t statx_dev(const struct statx *stx)
{
	return makedev(stx->stx_dev_major, stx->stx_dev_minor);
}

static bool same_object(int fd_a, int fd_b)
{
	unsigned mask = STATX_INO | STATX_MNT_ID;
	struct statx a;
	struct statx b;

	return path_statx_cached(fd_a, mask, &a) == 0 &&
	       path_statx_cached(fd_b, mask, &b) == 0 &&
	       statx_dev(&a) == statx_dev(&b) && a.stx_ino == b.stx_ino &&
	       a.stx_mnt_id == b.stx_mnt_id;
}

/* The device of our own mount, or 0 while it is not mounted. */
static dev_t place_own_dev(struct place *place)
{
	dev_t dev = (dev_t)atomic_load(&place->own_dev);
	cleanup_fd int fd = -1;
	struct statx stx;

	if (dev || !place->mountpoint)
		return dev;
	fd = path_open(AT_FDCWD, place->mountpoint, O_PATH | O_DIRECTORY, 0);
	if (fd < 0 || path_statx_cached(fd, STATX_TYPE, &stx) < 0 ||
	    !path_is_fuse_root(fd))
		return 0;
	dev = statx_dev(&stx);
	atomic_store(&place->own_dev, dev);
	return dev;
}

/* 0, or why fd is nowhere a hostPath may lead (the allow-list aside). */
static int place_check(struct place *place, int fd)
{
	char real[PATH_MAX];
	struct statx stx;
	int r;

	r = path_statx_cached(fd, STATX_TYPE, &stx);
	if (r < 0)
		return r;
	if (statx_dev(&stx) == place_own_dev(place))
		return PLACE_IN_MOUNT;
	r = path_of_fd(fd, real, sizeof(real));
	if (r < 0)
		return r;
	if (place->mountpoint && path_beneath(real, place->mountpoint))
		return PLACE_IN_MOUNT;
	return path_beneath(real, place->state_dir) ? PLACE_IN_STATE_DIR : 0;
}

/* Open rest beneath a prefix; "" is the prefix itself. */
static int open_in_prefix(const struct prefix *prefix, const char *rest,
			  uint64_t resolve)
{
	cleanup_fd int fd = -1;

	fd = path_open(AT_FDCWD, prefix->real, O_PATH,
		       RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			       (resolve & RESOLVE_CACHED));
	if (fd < 0 || !*rest)
		return steal_fd(&fd);
	return path_open(fd, rest, O_PATH,
			 RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | resolve);
}

/*
 * The same object as fd, reached beneath an allowed prefix through no link at
 * all: that proves that it is there.  Takes over fd.
 */
static int place_prove(const struct place *place, int fd)
{
	cleanup_fd int object = fd;
	char real[PATH_MAX];
	int r;

	if (place->n_allow == 0)
		return steal_fd(&object);
	r = path_of_fd(object, real, sizeof(real));
	if (r < 0)
		return r;
	for (size_t i = 0; i < place->n_allow; i++) {
		const struct prefix *prefix = &place->allow[i];
		const char *rest = path_beneath(real, prefix->real);
		cleanup_fd int proven = -1;

		if (!rest)
			continue;
		proven = open_in_prefix(prefix, rest, RESOLVE_NO_SYMLINKS);
		if (proven >= 0 && same_object(proven, object))
			return steal_fd(&proven);
	}
	return PLACE_NOT_ALLOWED;
}

/* A lookup by hand: what was reached, and what is still to go. */
struct walk {
	int fd;
	unsigned links;
	char rest[PATH_MAX];
};

/*
 * The kernel's rule for links in directories like /tmp, which a lookup by hand
 * must not undo: see fs.protected_symlinks in proc_sys_fs(5).
 */
static int walk_may_follow(const struct walk *walk, const struct statx *link)
{
	cleanup_fd int fd = -1;
	struct stat dir;
	char set = '1';

	if (fstat(walk->fd, &dir) < 0)
		return -errno;
	if (!(dir.st_mode & S_ISVTX) || !(dir.st_mode & S_IWOTH) ||
	    link->stx_uid == geteuid() || link->stx_uid == dir.st_uid)
		return 0;
	fd = open("/proc/sys/fs/protected_symlinks", O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, &set, 1) == 1 && set == '0')
		return 0;
	return -EACCES;
}

/* Put the target of the link before what is still to go. */
static int walk_follow(struct walk *walk, int link)
{
	size_t len = strlen(walk->rest);
	char target[PATH_MAX];
	ssize_t n;
	int root;

	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	n = readlinkat(link, "", target, sizeof(target));
	if (n < 0)
		return -errno;
	if ((size_t)n + 1 + len >= sizeof(walk->rest))
		return -ENAMETOOLONG;
	memmove(walk->rest + n + 1, walk->rest, len + 1);
	memcpy(walk->rest, target, n);
	walk->rest[n] = '/';
	if (target[0] != '/')
		return 0;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	close(walk->fd);
	walk->fd = root;
	return 0;
}

/* One component further; -ENOENT leaves walk in front of it. */
static int walk_step(struct place *place, struct walk *walk)
{
	const char *rest = walk->rest;
	cleanup_fd int next = -1;
	char name[NAME_MAX + 1];
	struct statx stx;
	int r;

	r = path_next_name(&rest, name);
	if (r <= 0)
		return r < 0 ? r : 1;
	next = openat(walk->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (next < 0)
		return -errno;
	r = path_statx_cached(next, STATX_TYPE | STATX_UID, &stx);
	if (r < 0)
		return r;
	if (statx_dev(&stx) == place_own_dev(place))
		return PLACE_IN_MOUNT;
	memmove(walk->rest, rest, strlen(rest) + 1);
	if (S_ISLNK(stx.stx_mode)) {
		r = walk_may_follow(walk, &stx);
		return r < 0 ? r : walk_follow(walk, next);
	}
	close(walk->fd);
	walk->fd = steal_fd(&next);
	return 0;
}

/*
 * Component by component, so that our own mount is noticed before it is asked
 * for anything: asking it from one of its own handlers could wait for ever.
 * walk->fd is the caller's, also on failure.
 */
static int place_walk(struct place *place, struct walk *walk)
{
	int r = 0;

	walk->links = 0;
	if ((size_t)snprintf(walk->rest, sizeof(walk->rest), "%s",
			     place->path) >= sizeof(walk->rest))
		return -ENAMETOOLONG;
	walk->fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (walk->fd < 0)
		return -errno;
	while (r == 0)
		r = walk_step(place, walk);
	return r < 0 ? r : 0;
}

/* Out of the kernel's cache alone: fast, and never waits for anything. */
static int place_open_cached(const struct place *place)
{
	if (place->n_allow == 0)
		return path_open(AT_FDCWD, place->path, O_PATH,
				 RESOLVE_CACHED | RESOLVE_NO_MAGICLINKS);
	for (size_t i = 0; i < place->n_allow; i++) {
		const struct prefix *prefix = &place->allow[i];
		const char *rest = path_beneath(place->path, prefix->name);
		int fd = rest ? open_in_prefix(prefix, rest, RESOLVE_CACHED)
			      : -1;

		if (fd >= 0)
			return fd;
	}
	return -EAGAIN;
}

int place_open(struct place *place)
{
	cleanup_fd int cached = place_open_cached(place);
	struct walk walk = { .fd = -1 };
	int r;

	if (cached >= 0) {
		r = place_check(place, cached);
		return r < 0 ? r : steal_fd(&cached);
	}
	r = place_walk(place, &walk);
	if (r == 0)
		r = place_check(place, walk.fd);
	if (r == 0)
		return place_prove(place, walk.fd);
	closep(&walk.fd);
	return r;
}

/* Is the path below a prefix that does not exist itself? */
static bool place_prefix_is_missing(const struct place *place)
{
	for (size_t i = 0; i < place->n_allow; i++) {
		cleanup_fd int fd = -1;

		if (!path_beneath(place->path, place->allow[i].name))
			continue;
		fd = open_in_prefix(&place->allow[i], "", 0);
		if (fd == -ENOENT)
			return true;
	}
	return false;
}

int place_open_missing(struct place *place, char rest[PATH_MAX])
{
	struct walk walk = { .fd = -1 };
	int r;

	r = place_walk(place, &walk);
	if (r == 0)
		r = -EEXIST;
	else if (r == -ENOENT)
		r = place_check(place, walk.fd);
	if (r < 0) {
		closep(&walk.fd);
		return r;
	}
	memcpy(rest, walk.rest, sizeof(walk.rest));
	r = place_prove(place, walk.fd);
	if (r == PLACE_NOT_ALLOWED && place_prefix_is_missing(place))
		r = -ENOENT;
	return r;
}

static char *real_or_same(const char *path)
{
	char *real = realpath(path, NULL);

	return real ? real : strdup(path);
}

int place_new(const struct volume_env *env, const char *path,
	      struct place **ret)
{
	struct place *place;
	bool complete;

	place = calloc(1, sizeof(*place) + env->n_host_path_allow *
						   sizeof(struct prefix));
	if (!place)
		return -ENOMEM;
	place->path = strdup(path);
	place->state_dir = real_or_same(env->state_dir);
	if (env->mountpoint)
		place->mountpoint = strdup(env->mountpoint);
	complete = place->path && place->state_dir &&
		   (place->mountpoint || !env->mountpoint);
	for (size_t i = 0; i < env->n_host_path_allow; i++) {
		struct prefix *prefix = &place->allow[i];

		prefix->name = strdup(env->host_path_allow[i]);
		prefix->real = real_or_same(env->host_path_allow[i]);
		complete = complete && prefix->name && prefix->real;
		place->n_allow++;
	}
	if (!complete) {
		place_free(place);
		return -ENOMEM;
	}
	*ret = place;
	return 0;
}

void place_free(struct place *place)
{
	if (!place)
		return;
	for (size_t i = 0; i < place->n_allow; i++) {
		free(place->allow[i].name);
		free(place->allow[i].real);
	}
	free(place->state_dir);
	free(place->mountpoint);
	free(place->path);
	free(place);
}
