/* SPDX-License-Identifier: Apache-2.0 */
/* mount.c - filesystems made, mounted and taken away below our directories */
#include "store/base/mount.h"

#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/path.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* Mounts on top of each other at one place. */
#define STACK_MAX 64

#define RESOLVE_OUR_OWN (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS)

/* The kernel explains itself through the descriptor: "e shmem: Bad value". */
static int explain(int fs_fd, int r, const char *what, struct error *err)
{
	char text[256];
	ssize_t n = read(fs_fd, text, sizeof(text) - 1);

	errno = -r;
	if (n <= 2)
		return error_set(err, r, "%s: %m", what);
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return error_set(err, r, "%s: %m (%s)", what, text + 2);
}

static int set_options(int fs_fd, const struct mount_option *options,
		       struct error *err)
{
	char what[64];

	for (const struct mount_option *o = options; o->key; o++) {
		unsigned command =
			o->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;

		if (fsconfig(fs_fd, command, o->key, o->value, 0) == 0 ||
		    (o->optional && errno == EINVAL))
			continue;
		snprintf(what, sizeof(what), "cannot set '%s%s%s'", o->key,
			 o->value ? "=" : "", o->value ? o->value : "");
		return explain(fs_fd, -errno, what, err);
	}
	return 0;
}

int mount_new(const char *type, const struct mount_option *options, int dir_fd,
	      struct error *err)
{
	cleanup_fd int mount_fd = -1;
	cleanup_fd int fs_fd = -1;
	int r;

	fs_fd = fsopen(type, FSOPEN_CLOEXEC);
	if (fs_fd < 0)
		return error_set(err, -errno, "cannot make a %s: %m", type);
	r = set_options(fs_fd, options, err);
	if (r < 0)
		return r;
	if (fsconfig(fs_fd, FSCONFIG_SET_STRING, "source", type, 0) < 0 ||
	    fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return explain(fs_fd, -errno, "cannot make the filesystem",
			       err);
	mount_fd = fsmount(fs_fd, FSMOUNT_CLOEXEC,
			   MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID);
	if (mount_fd < 0)
		return explain(fs_fd, -errno, "cannot make the mount", err);
	if (move_mount(mount_fd, "", dir_fd, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return error_set(err, -errno, "cannot mount a %s: %m", type);
	return 0;
}

int mount_change(int fd, const struct mount_option *options, struct error *err)
{
	cleanup_fd int fs_fd = -1;
	int r;

	fs_fd = fspick(fd, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH);
	if (fs_fd < 0)
		return error_set(err, -errno, "cannot change the mount: %m");
	r = set_options(fs_fd, options, err);
	if (r < 0)
		return r;
	if (fsconfig(fs_fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0)
		return explain(fs_fd, -errno, "cannot change the mount", err);
	return 0;
}

bool mount_is_root(int fd)
{
	struct statx stx;

	return path_statx_cached(fd, STATX_TYPE, &stx) == 0 &&
	       (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

int mount_detach(int dir_fd, const char *name)
{
	char path[32 + NAME_MAX];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir_fd, name);
	for (int i = 0; i < STACK_MAX; i++) {
		if (umount2(path, UMOUNT_NOFOLLOW) == 0)
			continue;
		if (errno == EBUSY &&
		    umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
			continue;
		/* EINVAL: nothing is mounted there (any more). */
		return errno == EINVAL || errno == ENOENT ? 0 : -errno;
	}
	return -EBUSY;
}

int mount_detach_tree(int dir_fd, const char *name, unsigned depth)
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *entry;
	int ret;
	int fd;

	ret = mount_detach(dir_fd, name);
	if (ret < 0 || depth == 0)
		return ret;
	fd = path_open(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
		       RESOLVE_OUR_OWN | RESOLVE_NO_XDEV);
	if (fd < 0)
		return fd == -ENOTDIR || fd == -ENOENT || fd == -ELOOP ? 0 : fd;
	dir = fdopendir(fd);
	if (!dir) {
		closep(&fd);
		return -ENOMEM;
	}
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): our own stream */
	while ((entry = readdir(dir))) {
		int r;

		if (!path_is_name(entry->d_name) ||
		    (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN))
			continue;
		r = mount_detach_tree(dirfd(dir), entry->d_name, depth - 1);
		if (r < 0 && ret == 0)
			ret = r;
	}
	return ret;
}
