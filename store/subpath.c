/* SPDX-License-Identifier: Apache-2.0 */
/* subpath.c - a subPath of a volume as a bind source that cannot be swapped */
#include "store/subpath.h"

#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/helper.h"
#include "store/base/path.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* Lookups of one subPath while somebody renames its components. */
#define LOOKUP_TRIES 64
/* Mounts on top of each other at one target. */
#define STACK_MAX 64
/* A volume that does not answer within this time has no subPaths. */
#define BIND_TIMEOUT_S 60
/* Levels of directories that hold binds: we make three. */
#define UNBIND_DEPTH_MAX 16

#define RESOLVE_IN_VOLUME (RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS)
#define RESOLVE_OUR_OWN	  (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS)

/* The part of a subPath that exists. */
struct found {
	int fd;		  /* O_PATH */
	const char *rest; /* what is missing below it, within the subPath */
};

/*
 * Look up ever longer beginnings of the subPath, each from the root, so that
 * links within the volume may lead anywhere within it.
 */
static int find_existing(int root_fd, const char *sub_path, struct found *ret)
{
	cleanup_fd int fd = -1;
	const char *rest = sub_path;
	char head[PATH_MAX];
	size_t len;

	fd = path_open(root_fd, ".", O_PATH | O_DIRECTORY, RESOLVE_IN_VOLUME);
	if (fd < 0)
		return fd;
	for (;;) {
		const char *next = rest;
		int next_fd;

		if (!path_next(&next, &len))
			break;
		memcpy(head, sub_path, next - sub_path);
		head[next - sub_path] = '\0';
		next_fd = path_open(root_fd, head, O_PATH, RESOLVE_IN_VOLUME);
		if (next_fd == -ENOENT)
			break;
		if (next_fd < 0)
			return next_fd;
		close(fd);
		fd = next_fd;
		rest = next;
	}
	ret->fd = steal_fd(&fd);
	ret->rest = rest;
	return 0;
}

/*
 * Make what is missing, each below the descriptor of the one before, as the
 * kubelet does: root's, with the mode of the volume's root, setgid and sticky
 * included.  What somebody else made in the meantime is left as it is.
 */
static int make_missing(struct found *found, mode_t mode)
{
	char name[NAME_MAX + 1];
	int r;

	while ((r = path_next_name(&found->rest, name)) > 0) {
		int next;

		if (strcmp(name, ".") == 0)
			continue;
		next = path_make_directory(found->fd, name, mode & 07777);
		if (next < 0)
			return next;
		close(found->fd);
		found->fd = next;
	}
	return r;
}

/* An O_PATH or directory descriptor of the subPath, made if missing. */
static int subpath_open(int root_fd, const char *sub_path, mode_t mode)
{
	struct found found = { .fd = -1 };
	int r;

	r = path_open(root_fd, *sub_path ? sub_path : ".", O_PATH,
		      RESOLVE_IN_VOLUME);
	if (r != -ENOENT)
		return r;
	r = find_existing(root_fd, sub_path, &found);
	if (r == 0)
		r = make_missing(&found, mode);
	if (r < 0) {
		closep(&found.fd);
		return r;
	}
	return found.fd;
}

/* The same, for a volume where others are at work at the same time. */
static int subpath_open_busy(int root_fd, const char *sub_path, mode_t mode)
{
	int r = -EAGAIN;

	for (int i = 0; i < LOOKUP_TRIES && r == -EAGAIN; i++)
		r = subpath_open(root_fd, sub_path, mode);
	return r;
}

static bool is_mount_root(int fd)
{
	struct statx stx;

	/* If even this fails, it is a mount whose filesystem is dead. */
	return path_statx_cached(fd, STATX_TYPE, &stx) < 0 ||
	       (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* Unmount all that is mounted at dir_fd/name: 0 or -errno. */
static int unmount_all(int dir_fd, const char *name)
{
	char path[32 + NAME_MAX];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir_fd, name);
	for (int i = 0; i < STACK_MAX; i++) {
		if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
			continue;
		/* EINVAL: nothing is mounted there (any more). */
		return errno == EINVAL || errno == ENOENT ? 0 : -errno;
	}
	return -EBUSY;
}

/* Is what the bind at dir_fd/name shows object already? */
static bool is_bound(int dir_fd, const char *name, int object)
{
	cleanup_fd int fd = -1;

	fd = path_open(dir_fd, name, O_PATH | O_NOFOLLOW, RESOLVE_OUR_OWN);
	return fd >= 0 && is_mount_root(fd) && path_is_same_file(fd, object);
}

static int make_placeholder(int dir_fd, const char *name, bool directory)
{
	int fd;

	if (directory)
		return mkdirat(dir_fd, name, 0700) < 0 ? -errno : 0;
	fd = openat(dir_fd, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/*
 * Have a directory or an empty file, as object needs, at dir_fd/name, with
 * nothing mounted on it: a new O_PATH descriptor.
 */
static int place_for(int dir_fd, const char *name, int object)
{
	struct statx stx;
	struct stat st;
	bool directory;
	int r;

	r = path_statx_cached(object, STATX_TYPE, &stx);
	if (r == 0)
		r = unmount_all(dir_fd, name);
	if (r < 0)
		return r;
	directory = S_ISDIR(stx.stx_mode);
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (directory ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode)) &&
	    unlinkat(dir_fd, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) < 0)
		return -errno;
	r = make_placeholder(dir_fd, name, directory);
	if (r < 0 && r != -EEXIST)
		return r;
	return path_open(dir_fd, name, O_PATH | O_NOFOLLOW,
			 RESOLVE_OUR_OWN | RESOLVE_NO_XDEV);
}

/* Bind object at dir_fd/name: descriptors all the way, no path is resolved. */
static int bind_object(int object, int dir_fd, const char *name)
{
	cleanup_fd int place = -1;
	cleanup_fd int tree = -1;

	if (is_bound(dir_fd, name, object))
		return 0;
	tree = open_tree(object, "",
			 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (tree < 0)
		return -errno;
	place = place_for(dir_fd, name, object);
	if (place < 0)
		return place;
	if (move_mount(tree, "", place, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

/* Split the target: *ret_name is its last component, the result its parent. */
static int open_target_parent(int dir_fd, const char *target,
			      char ret_name[NAME_MAX + 1])
{
	cleanup_free char *parent = strdup(target);
	const char *last;
	char *slash;
	int r;

	if (!parent)
		return -ENOMEM;
	slash = strrchr(parent, '/');
	last = slash ? slash + 1 : parent;
	r = path_next_name(&last, ret_name);
	if (r < 0)
		return r;
	if (r == 0 || !path_is_name(ret_name))
		return -EINVAL;
	*(slash ? slash : parent) = '\0';
	return path_make_directories(dir_fd, parent, 0700);
}

static int check_sub_path(const char *sub_path, struct error *err)
{
	if (sub_path[0] == '/')
		return error_set(err, -EINVAL,
				 "subPath '%s' must be relative, "
				 "not begin with '/'",
				 sub_path);
	if (path_has_dotdot(sub_path))
		return error_set(err, -EINVAL,
				 "subPath '%s' must not contain '..'",
				 sub_path);
	if (strlen(sub_path) >= PATH_MAX)
		return error_set(err, -ENAMETOOLONG,
				 "subPath must be shorter than %d bytes",
				 PATH_MAX);
	return 0;
}

/* Say what is wrong with a subPath, and nothing of where the volume is. */
static int open_error(int r, const char *sub_path, struct error *err)
{
	switch (r) {
	case -EXDEV:
		return error_set(err, r,
				 "subPath '%s' leads out of the volume "
				 "through a symbolic link",
				 sub_path);
	case -ENOTDIR:
		return error_set(err, r,
				 "a component of subPath '%s' is not "
				 "a directory",
				 sub_path);
	case -ELOOP:
		return error_set(err, r,
				 "a component of subPath '%s' is a symbolic "
				 "link that leads nowhere or in a circle",
				 sub_path);
	default:
		errno = -r;
		return error_set(err, r, "cannot prepare subPath '%s': %m",
				 sub_path);
	}
}

int subpath_bind(const char *volume_root, const char *sub_path, int dir_fd,
		 const char *target, struct error *err)
{
	cleanup_fd int root_fd = -1;
	cleanup_fd int object = -1;
	cleanup_fd int parent = -1;
	char name[NAME_MAX + 1];
	struct stat root;
	int r;

	r = check_sub_path(sub_path, err);
	if (r < 0)
		return r;
	root_fd = open(volume_root, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (root_fd < 0 || fstat(root_fd, &root) < 0)
		return error_set(err, -errno,
				 "cannot open the volume of subPath '%s': %m",
				 sub_path);
	object = S_ISDIR(root.st_mode)
			 ? subpath_open_busy(root_fd, sub_path, root.st_mode)
			 : -ENOTDIR;
	if (object < 0)
		return open_error(object, sub_path, err);
	parent = open_target_parent(dir_fd, target, name);
	r = parent < 0 ? parent : bind_object(object, parent, name);
	errno = -r;
	if (r < 0)
		error_set(err, r, "cannot bind subPath '%s': %m", sub_path);
	return r;
}

/* arg: the three texts of subpath_bind, each with its NUL. */
static int bind_errand(int fd, const char *arg, size_t len, struct error *err)
{
	const char *sub_path = arg + strlen(arg) + 1;
	const char *target = sub_path + strlen(sub_path) + 1;

	(void)len;
	return subpath_bind(arg, sub_path, fd, target, err);
}

int subpath_bind_by(struct helper *helper, const char *volume_root,
		    const char *sub_path, int dir_fd, const char *target,
		    struct error *err)
{
	char arg[HELPER_ARG_MAX];
	size_t len =
		strlen(volume_root) + strlen(sub_path) + strlen(target) + 3;
	int r;

	if (len > sizeof(arg))
		return error_set(err, -ENAMETOOLONG,
				 "subPath must be shorter than %d bytes",
				 PATH_MAX);
	snprintf(arg, sizeof(arg), "%s%c%s%c%s", volume_root, '\0', sub_path,
		 '\0', target);
	r = helper_run(helper, BIND_TIMEOUT_S, bind_errand, dir_fd, arg, len,
		       err);
	return r == -ETIMEDOUT || r == -EPIPE
		       ? error_prefix(err, r, "cannot prepare subPath '%s'",
				      sub_path)
		       : r;
}

/* Remove a name of ours; a file that holds something is not ours. */
static int remove_placeholder(int dir_fd, const char *name)
{
	struct stat st;
	int flags;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISDIR(st.st_mode) && (!S_ISREG(st.st_mode) || st.st_size > 0))
		return -EEXIST;
	flags = S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0;
	if (unlinkat(dir_fd, name, flags) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

static int unbind(int dir_fd, const char *name, unsigned depth)
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *entry;
	int ret = 0;
	int fd;
	int r;

	r = unmount_all(dir_fd, name);
	if (r == 0)
		r = remove_placeholder(dir_fd, name);
	if (r != -ENOTEMPTY || depth == UNBIND_DEPTH_MAX)
		return r;

	fd = path_open(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
		       RESOLVE_OUR_OWN | RESOLVE_NO_XDEV);
	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir) {
		closep(&fd);
		return -ENOMEM;
	}
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): our own stream */
	while ((entry = readdir(dir))) {
		if (!path_is_name(entry->d_name))
			continue;
		r = unbind(dirfd(dir), entry->d_name, depth + 1);
		if (r < 0 && ret == 0)
			ret = r;
	}
	return ret < 0 ? ret : remove_placeholder(dir_fd, name);
}

int subpath_unbind_all(int dir_fd, const char *target, struct error *err)
{
	cleanup_free char *parent = strdup(target);
	cleanup_fd int parent_fd = -1;
	char *slash;
	int r;

	if (!parent)
		return error_set(err, -ENOMEM, "cannot unmount subPaths: %m");
	slash = strrchr(parent, '/');
	if (slash)
		*slash = '\0';
	parent_fd = path_open(dir_fd, slash ? parent : ".",
			      O_PATH | O_DIRECTORY, RESOLVE_OUR_OWN);
	if (parent_fd == -ENOENT)
		return 0;
	r = parent_fd < 0 ? parent_fd
			  : unbind(parent_fd, slash ? slash + 1 : parent, 0);
	errno = -r;
	if (r < 0)
		error_set(err, r, "cannot unmount the subPaths: %m");
	return r;
}
