/* SPDX-License-Identifier: Apache-2.0 */
/* name.c - names in a directory, and what is behind them */
#include "store/localfs/name.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "store/base/cleanup.h"
#include "store/localfs/handle.h"
#include "store/localfs/pin.h"
#include "store/localfs/state.h"

int name_check(const char *name)
{
	size_t len = strnlen(name, NAME_MAX + 1);

	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	if (len == 0 || memchr(name, '/', len))
		return -EINVAL;
	if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))
		return -EINVAL;
	return 0;
}

/*
 * Two calls by name, no descriptor: right only where nobody else renames
 * between them.  -EOPNOTSUPP if it takes a descriptor after all: another mount
 * begins here, or there are no handles.
 */
static int identify_by_name(struct local_store *ls,
			    const struct store_handle *dir, int dirfd,
			    const char *name, struct store_handle *ret_handle,
			    struct statx *ret_attr)
{
	struct store_handle h;
	struct realm *realm;
	struct statx attr;
	int mount_id;
	int r;

	realm = realm_get(ls->lfs->realms, &ls->realms, dir->realm);
	if (!realm ||
	    !atomic_load_explicit(&realm->has_handles, memory_order_acquire))
		return -EOPNOTSUPP;
	r = local_statx(dirfd, name, 0, &attr);
	if (r < 0)
		return r;
	if (attr.stx_mnt_id != realm->mount.id)
		return -EOPNOTSUPP;
	r = handle_make(dirfd, name, 0, dir->realm, attr.stx_mode, &h,
			&mount_id);
	if (r < 0)
		return r;
	if ((uint64_t)mount_id != realm->mount.id)
		return -EOPNOTSUPP;
	*ret_handle = h;
	*ret_attr = attr;
	return 0;
}

int name_identify(struct local_store *ls, const struct store_handle *dir,
		  int dirfd, const char *name, struct store_handle *ret_handle,
		  struct statx *ret_attr)
{
	cleanup_fd int fd = -1;
	int r;

	if (ls->exclusive) {
		r = identify_by_name(ls, dir, dirfd, name, ret_handle,
				     ret_attr);
		if (r != -EOPNOTSUPP)
			return r;
	}
	fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return local_identify(ls, dir, &fd, ret_handle, ret_attr);
}
