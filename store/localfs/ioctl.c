/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ioctl.c - inode flags and their extended form, as chattr and lsattr use them
 *
 * That only the owner changes flags, and only who has CAP_LINUX_IMMUTABLE the
 * immutable and append-only ones, the kernel checked of the caller before the
 * request came (fileattr_set_prepare).  The project of a file is another
 * matter: it may carry the limit of the volume, so nobody changes it here.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <sys/ioctl.h>

#include "store/base/cleanup.h"
#include "store/localfs/handle.h"
#include "store/localfs/ops.h"
#include "store/localfs/pin.h"
#include "store/localfs/state.h"

#ifndef FS_PROJINHERIT_FL
#define FS_PROJINHERIT_FL 0x20000000
#endif

static bool is_known(unsigned long cmd)
{
	return cmd == FS_IOC_GETFLAGS || cmd == FS_IOC_SETFLAGS ||
	       cmd == FS_IOC_FSGETXATTR || cmd == FS_IOC_FSSETXATTR ||
	       cmd == FS_IOC_GETVERSION;
}

/* -EPERM if the new flags change what says whose quota the file counts to. */
static int check_project(int fd, unsigned long cmd, const void *data)
{
	const struct fsxattr *wanted = data;
	struct fsxattr now;
	int flags;

	if (cmd == FS_IOC_SETFLAGS) {
		if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
			return -errno;
		return (flags ^ *(const int *)data) & FS_PROJINHERIT_FL ? -EPERM
									: 0;
	}
	if (ioctl(fd, FS_IOC_FSGETXATTR, &now) < 0)
		return -errno;
	if (now.fsx_projid != wanted->fsx_projid ||
	    ((now.fsx_xflags ^ wanted->fsx_xflags) & FS_XFLAG_PROJINHERIT))
		return -EPERM;
	return 0;
}

static int open_any(struct local_store *ls, const struct store_handle *h)
{
	int fd = -EINVAL;

	if (handle_class(h) != HANDLE_DIR)
		fd = pin_reopen(ls, h, O_RDONLY);
	if (fd == -EINVAL)
		fd = pin_reopen(ls, h, O_RDONLY | O_DIRECTORY);
	return fd == -EINVAL ? -ENOTTY : fd;
}

int local_ioctl(struct store *st, const struct store_handle *h,
		struct store_file *file, unsigned long cmd, void *data)
{
	cleanup_fd int tmp = -1;
	int fd;
	int r;

	if (!is_known(cmd))
		return -ENOTTY;
	if (!file)
		tmp = open_any(local_of(st), h);
	fd = file ? file->fd : tmp;
	if (fd < 0)
		return fd;
	if (cmd == FS_IOC_SETFLAGS || cmd == FS_IOC_FSSETXATTR) {
		r = check_project(fd, cmd, data);
		if (r < 0)
			return r;
	}
	return ioctl(fd, cmd, data) < 0 ? -errno : 0;
}
