/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk.c - an emptyDir on disk: a directory of the state directory
 *
 * It appears under its name with one rename when all is right with it, so that
 * a directory that is there is never touched again: its mode and owner belong
 * to the pod.
 */
#include "store/backend.h"
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/emptydir/kernel_quota.h"
#include "store/emptydir/medium.h"
#include "store/emptydir/usage.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* With a quota of its own, if the filesystem has such. */
static int make_root(const struct volume_spec *spec, int parent,
		     const char *name)
{
	int r = kernel_quota_make(parent, name, spec->id);

	if (r != -EOPNOTSUPP)
		return r;
	/* One that a crash left behind is as good. */
	if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

/* 0, too, where no kernel keeps the limits: the node does. */
static int set_limits(const struct volume_spec *spec, int root)
{
	struct volume_limits limits;
	int r;

	medium_limits(spec, &limits);
	r = kernel_quota_set(root, &limits);
	return r == -EOPNOTSUPP ? 0 : r;
}

static int disk_appear(const struct volume_spec *spec, int parent,
		       const struct medium_owner *owner)
{
	cleanup_free char *unfinished = NULL;
	cleanup_fd int fd = -1;
	int r;

	if (asprintf(&unfinished, ".%s", spec->name) < 0)
		return -ENOMEM;
	r = make_root(spec, parent, unfinished);
	if (r < 0)
		return r;
	fd = openat(parent, unfinished,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fchown(fd, owner->uid, owner->gid) < 0 ||
	    fchmod(fd, owner->mode) < 0)
		return -errno;
	r = set_limits(spec, fd);
	if (r < 0)
		return r;
	if (renameat(parent, unfinished, parent, spec->name) < 0)
		return -errno;
	/* What is acknowledged is on disk; this takes the parents along. */
	return fsync(parent) < 0 ? -errno : 0;
}

static int disk_check(const struct volume_spec *spec, int parent)
{
	struct stat st;

	if (fstatat(parent, spec->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

/* It is there: its limits are what the manifest says, as after a crash. */
static int disk_keep(const struct volume_spec *spec, int parent)
{
	cleanup_fd int fd = -1;

	fd = openat(parent, spec->name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : set_limits(spec, fd);
}

static int disk_make(const struct volume_spec *spec, int parent,
		     struct error *err)
{
	struct medium_owner owner;
	int r;

	r = medium_owner(spec, medium_disk.mode, &owner, err);
	if (r < 0)
		return r;
	r = disk_check(spec, parent);
	if (r == -ENOENT)
		r = disk_appear(spec, parent, &owner);
	else if (r == 0)
		r = disk_keep(spec, parent);
	errno = -r;
	return r < 0 ? error_set(err, r, "%m") : 0;
}

/* Where the kernel keeps no limit the node does (is_counted). */
static int disk_resize(const struct volume_spec *old,
		       const struct volume_spec *new, int root,
		       struct error *err)
{
	int r = set_limits(new, root);

	(void)old;
	errno = -r;
	return r < 0 ? error_set(err, r, "cannot set its limit: %m") : 0;
}

const struct medium medium_disk = {
	.mode = 0777,
	.make = disk_make,
	.check = disk_check,
	.usage = usage_of_tree,
	.resize = disk_resize,
};
