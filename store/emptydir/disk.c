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
#include "store/emptydir/medium.h"
#include "store/emptydir/usage.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static int disk_appear(int parent, const char *name,
		       const struct medium_owner *owner)
{
	cleanup_free char *unfinished = NULL;
	cleanup_fd int fd = -1;

	if (asprintf(&unfinished, ".%s", name) < 0)
		return -ENOMEM;
	/* One that a crash left behind is as good. */
	if (mkdirat(parent, unfinished, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(parent, unfinished,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fchown(fd, owner->uid, owner->gid) < 0 ||
	    fchmod(fd, owner->mode) < 0)
		return -errno;
	if (renameat(parent, unfinished, parent, name) < 0)
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
		r = disk_appear(parent, spec->name, &owner);
	errno = -r;
	return r < 0 ? error_set(err, r, "%m") : 0;
}

/* Nothing on disk changes: the node keeps the limit (is_counted). */
static int disk_resize(const struct volume_spec *old,
		       const struct volume_spec *new, int root,
		       struct error *err)
{
	(void)old;
	(void)new;
	(void)root;
	(void)err;
	return 0;
}

const struct medium medium_disk = {
	.mode = 0777,
	.make = disk_make,
	.check = disk_check,
	.usage = usage_of_tree,
	.resize = disk_resize,
};
