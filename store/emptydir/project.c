/* SPDX-License-Identifier: Apache-2.0 */
/*
 * project.c - an emptyDir with a project of its own, limited by its quota
 *
 * ext4 and xfs, mounted with prjquota or pquota, answer the same calls.  Which
 * project a volume has is written at its root, and inherited by all below it;
 * through the mount nobody changes it.
 */
#include "store/emptydir/kernel_quota.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/quota.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "store/base/cleanup.h"

#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443
#endif

#define PROJECT_FIRST 1048576u /* below are those of administrators */
#define PROJECT_TRIES 4096u
#define BLOCK	      512 /* of the numbers of struct fs_disk_quota */

static int quotactl_project(int fd, unsigned cmd, uint32_t id, void *arg)
{
	if (syscall(SYS_quotactl_fd, fd, QCMD(cmd, PRJQUOTA), id, arg) < 0)
		return -errno;
	return 0;
}

/*
 * ext4 lets whoever has CAP_SYS_RESOURCE write past a limit, and all bytes that
 * the kernel passes through are written with our capabilities.
 */
static bool is_exempt(int fd)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0 || syscall(SYS_capget, &head, data) < 0)
		return true;
	return fs.f_type == EXT4_SUPER_MAGIC &&
	       data[CAP_TO_INDEX(CAP_SYS_RESOURCE)].effective &
		       CAP_TO_MASK(CAP_SYS_RESOURCE);
}

static bool project_is_on(int fd)
{
	struct fs_quota_stat st = { .qs_version = FS_QSTAT_VERSION };

	return !is_exempt(fd) &&
	       quotactl_project(fd, Q_XGETQSTAT, 0, &st) == 0 &&
	       st.qs_flags & FS_QUOTA_PDQ_ENFD;
}

/* The project of a volume's root; -EOPNOTSUPP if it is not one of ours. */
static int project_of(int root, uint32_t *ret)
{
	struct fsxattr attr;

	if (ioctl(root, FS_IOC_FSGETXATTR, &attr) < 0)
		return errno == ENOTTY ? -EOPNOTSUPP : -errno;
	if (attr.fsx_projid < PROJECT_FIRST ||
	    !(attr.fsx_xflags & FS_XFLAG_PROJINHERIT))
		return -EOPNOTSUPP;
	*ret = attr.fsx_projid;
	return 0;
}

static int enforced_project_of(int root, uint32_t *ret)
{
	int r = project_of(root, ret);

	return r == 0 && !project_is_on(root) ? -EOPNOTSUPP : r;
}

/* Another daemon with its state on this filesystem may have taken it. */
static bool is_free(int fd, uint32_t project)
{
	struct fs_disk_quota dq = { 0 };
	int r = quotactl_project(fd, Q_XGETQUOTA, project, &dq);

	if (r < 0)
		return r == -ENOENT || r == -ESRCH;
	return !dq.d_icount && !dq.d_bcount && !dq.d_blk_hardlimit &&
	       !dq.d_ino_hardlimit;
}

static int project_give(int root, uint32_t id)
{
	struct fsxattr attr;
	uint32_t project;

	if (project_of(root, &project) == 0)
		return 0;
	if (ioctl(root, FS_IOC_FSGETXATTR, &attr) < 0)
		return -errno;
	project = PROJECT_FIRST + id;
	for (unsigned i = 0; !is_free(root, project); i++, project++) {
		if (i == PROJECT_TRIES)
			return -EBUSY;
	}
	attr.fsx_projid = project;
	attr.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	return ioctl(root, FS_IOC_FSSETXATTR, &attr) < 0 ? -errno : 0;
}

static int project_make(int parent, const char *name, uint32_t id)
{
	cleanup_fd int fd = -1;

	if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(parent, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : project_give(fd, id);
}

static int project_set(int root, const struct volume_limits *limits)
{
	struct fs_disk_quota dq = {
		.d_version = FS_DQUOT_VERSION,
		.d_flags = FS_PROJ_QUOTA,
		.d_fieldmask =
			FS_DQ_BSOFT | FS_DQ_BHARD | FS_DQ_ISOFT | FS_DQ_IHARD,
	};
	uint32_t project;
	int r = enforced_project_of(root, &project);

	if (r < 0)
		return r;
	dq.d_id = project;
	/* Rounded down, but not to 0: that is no limit. */
	if (limits->bytes > 0)
		dq.d_blk_hardlimit = limits->bytes < BLOCK
					     ? 1
					     : (uint64_t)limits->bytes / BLOCK;
	if (limits->inodes > 0)
		dq.d_ino_hardlimit = (uint64_t)limits->inodes;
	return quotactl_project(root, Q_XSETQLIM, project, &dq);
}

static int project_get(int root, struct volume_kept *ret)
{
	struct fs_disk_quota dq = { 0 };
	uint32_t project;
	int r = enforced_project_of(root, &project);

	if (r == 0)
		r = quotactl_project(root, Q_XGETQUOTA, project, &dq);
	/* Nothing is recorded of a project that has nothing. */
	if (r < 0 && r != -ENOENT && r != -ESRCH)
		return r;
	ret->used_bytes = (int64_t)(dq.d_bcount * BLOCK);
	ret->limit_bytes = (int64_t)(dq.d_blk_hardlimit * BLOCK);
	return 0;
}

const struct kernel_quota kernel_quota_project = {
	.is_on = project_is_on,
	.make = project_make,
	.set = project_set,
	.get = project_get,
};
