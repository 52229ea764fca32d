/* SPDX-License-Identifier: Apache-2.0 */
/* medium.c - what the media of an emptyDir have in common */
#include "store/emptydir/medium.h"

#include "store/backend.h"
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/mount.h"
#include "store/base/path.h"
#include "store/manifest/quantity.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define MODE_MAX	01777
#define RESOLVE_OUR_OWN (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS)

/* What fsGroup adds to a directory: rw-rw----, --x--x---, setgid. */
#define FS_GROUP_MODE (0660 | 0110 | S_ISGID)

const char *medium_name(const struct volume_spec *spec)
{
	const char *name =
		json_string_value(json_object_get(spec->source, "medium"));

	return name ? name : "";
}

const struct medium *medium_of(const struct volume_spec *spec)
{
	const char *name = medium_name(spec);

	if (!*name)
		return &medium_disk;
	return strcmp(name, "Memory") == 0 ? &medium_memory : &medium_hugepages;
}

int64_t medium_size_limit(const struct volume_spec *spec)
{
	const json_t *limit = json_object_get(spec->source, "sizeLimit");
	int64_t size;

	if (!limit || quantity_from_json(limit, &size) < 0 || size < 0)
		return 0;
	return size;
}

int64_t medium_pod_number(const struct volume_spec *spec, const char *key,
			  int64_t fallback)
{
	const json_t *value = json_object_get(spec->pod, key);

	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

void medium_limits(const struct volume_spec *spec, struct volume_limits *ret)
{
	ret->bytes = medium_size_limit(spec);
	ret->inodes = medium_pod_number(spec, "inodeLimit", 0);
	ret->pod_bytes = medium_pod_number(spec, "ephemeralLimit", 0);
}

int medium_owner(const struct volume_spec *spec, mode_t default_mode,
		 struct medium_owner *ret, struct error *err)
{
	const json_t *mode = json_object_get(spec->source, "mode");
	int64_t fs_group = medium_pod_number(spec, "fsGroup", -1);

	ret->mode = default_mode;
	if (mode && !json_is_null(mode)) {
		if (!json_is_integer(mode) || json_integer_value(mode) < 0 ||
		    json_integer_value(mode) > MODE_MAX)
			return error_set(err, -EINVAL,
					 "mode of emptyDir volume '%s' must be "
					 "between 0000 and 01777 (octal)",
					 spec->name);
		ret->mode = (mode_t)json_integer_value(mode);
	}
	ret->uid = (uid_t)medium_pod_number(spec, "uid", 0);
	ret->gid = (gid_t)medium_pod_number(spec, "gid", 0);
	if (fs_group < 0)
		return 0;
	ret->gid = (gid_t)fs_group;
	ret->mode |= FS_GROUP_MODE;
	return 0;
}

int medium_open_mount(const struct volume_spec *spec, int parent, long type)
{
	cleanup_fd int fd = -1;
	struct statfs st;

	fd = path_open(parent, spec->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
		       RESOLVE_OUR_OWN);
	if (fd < 0)
		return fd;
	if (fstatfs(fd, &st) < 0)
		return -errno;
	if (st.f_type != type || !mount_is_root(fd))
		return -ENOENT;
	return steal_fd(&fd);
}

int medium_open_place(const struct volume_spec *spec, int parent,
		      struct error *err)
{
	cleanup_fd int fd = -1;

	if (mkdirat(parent, spec->name, 0700) < 0 && errno != EEXIST)
		return error_set(err, -errno, "cannot make its directory: %m");
	fd = path_open(parent, spec->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
		       RESOLVE_OUR_OWN);
	errno = -fd;
	if (fd < 0)
		return error_set(err, fd, "cannot open its directory: %m");
	if (mount_is_root(fd))
		return error_set(err, -EBUSY,
				 "another filesystem is mounted at its place; "
				 "unmount it");
	return steal_fd(&fd);
}
