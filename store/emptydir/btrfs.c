/* SPDX-License-Identifier: Apache-2.0 */
/*
 * btrfs.c - an emptyDir that is a btrfs subvolume, limited by its qgroup
 *
 * Only where the administrator has enabled quotas: they cost, and concern the
 * whole filesystem.  The numbers of a qgroup are read where the kernel shows
 * them in sysfs, as those on disk are of the last commit.
 */
#include "store/emptydir/kernel_quota.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "store/base/cleanup.h"

#define NUMBER_SIZE 32
#define DIR_SIZE    64 /* of "/sys/fs/btrfs/<uuid>/qgroups" */

/* The directory in sysfs of the qgroups of the filesystem that fd is on. */
static int qgroups_dir(int fd, char ret[DIR_SIZE])
{
	struct btrfs_ioctl_fs_info_args info = { 0 };
	const uint8_t *id = info.fsid;
	struct statfs st;

	if (fstatfs(fd, &st) < 0)
		return -errno;
	if (st.f_type != BTRFS_SUPER_MAGIC)
		return -EOPNOTSUPP;
	if (ioctl(fd, BTRFS_IOC_FS_INFO, &info) < 0)
		return -errno;
	snprintf(ret, DIR_SIZE,
		 "/sys/fs/btrfs/%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
		 "%02x%02x%02x%02x%02x%02x/qgroups",
		 id[0], id[1], id[2], id[3], id[4], id[5], id[6], id[7], id[8],
		 id[9], id[10], id[11], id[12], id[13], id[14], id[15]);
	return 0;
}

static int read_number(int dir, const char *name, uint64_t *ret)
{
	cleanup_fd int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	char text[NUMBER_SIZE];
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return n < 0 ? -errno : -EIO;
	text[n] = '\0';
	*ret = strtoull(text, NULL, 10);
	return 0;
}

/* Numbers that are wrong until a rescan would refuse, or allow, too much. */
static bool btrfs_is_on(int fd)
{
	cleanup_fd int dir = -1;
	char path[DIR_SIZE];
	uint64_t is_enabled = 0;
	uint64_t is_wrong = 1;

	if (qgroups_dir(fd, path) < 0)
		return false;
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return dir >= 0 && read_number(dir, "enabled", &is_enabled) == 0 &&
	       is_enabled && read_number(dir, "inconsistent", &is_wrong) == 0 &&
	       !is_wrong;
}

static int check_subvolume(int root)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(root, &fs) < 0 || fstat(root, &st) < 0)
		return -errno;
	return fs.f_type == BTRFS_SUPER_MAGIC &&
			       st.st_ino == BTRFS_FIRST_FREE_OBJECTID
		       ? 0
		       : -EOPNOTSUPP;
}

static int btrfs_make(int parent, const char *name, uint32_t id)
{
	struct btrfs_ioctl_vol_args args = { 0 };

	(void)id;
	if (strlen(name) > BTRFS_PATH_NAME_MAX)
		return -ENAMETOOLONG;
	snprintf(args.name, sizeof(args.name), "%s", name);
	if (ioctl(parent, BTRFS_IOC_SUBVOL_CREATE, &args) < 0 &&
	    errno != EEXIST)
		return -errno;
	return 0;
}

static int btrfs_set(int root, const struct volume_limits *limits)
{
	struct btrfs_ioctl_qgroup_limit_args args = {
		.lim = { .flags = BTRFS_QGROUP_LIMIT_MAX_RFER },
	};
	int r = check_subvolume(root);

	if (r < 0)
		return r;
	/* The qgroup 0 is that of the subvolume; all bits set: no limit. */
	args.lim.max_rfer =
		limits->bytes > 0 ? (uint64_t)limits->bytes : UINT64_MAX;
	if (ioctl(root, BTRFS_IOC_QGROUP_LIMIT, &args) == 0)
		return 0;
	/* Quotas were disabled, or enabled after the volume was made. */
	return errno == ENOTCONN || errno == ENOENT ? -EOPNOTSUPP : -errno;
}

/* The directory in sysfs of the qgroup of a subvolume. */
static int open_qgroup(int root)
{
	struct btrfs_ioctl_ino_lookup_args args = {
		.objectid = BTRFS_FIRST_FREE_OBJECTID,
	};
	char path[DIR_SIZE + NUMBER_SIZE];
	char dir[DIR_SIZE];
	int fd;
	int r = check_subvolume(root);

	if (r == 0)
		r = qgroups_dir(root, dir);
	if (r < 0)
		return r;
	if (ioctl(root, BTRFS_IOC_INO_LOOKUP, &args) < 0)
		return -errno;
	snprintf(path, sizeof(path), "%s/0_%" PRIu64, dir,
		 (uint64_t)args.treeid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -EOPNOTSUPP : fd;
}

/* What is reserved counts against the limit before it is on disk. */
static int btrfs_get(int root, struct volume_kept *ret)
{
	static const char *const counts[] = {
		"referenced",
		"rsv_data",
		"rsv_meta_pertrans",
		"rsv_meta_prealloc",
	};
	cleanup_fd int dir = open_qgroup(root);
	uint64_t used = 0;
	uint64_t limit = 0;
	uint64_t flags = 0;
	int r = dir < 0 ? dir : 0;

	for (size_t i = 0; r == 0 && i < sizeof(counts) / sizeof(counts[0]);
	     i++) {
		uint64_t n = 0;

		r = read_number(dir, counts[i], &n);
		used += n;
	}
	if (r == 0)
		r = read_number(dir, "limit_flags", &flags);
	if (r == 0)
		r = read_number(dir, "max_referenced", &limit);
	if (r < 0)
		return r;
	ret->used_bytes = (int64_t)used;
	ret->limit_bytes =
		flags & BTRFS_QGROUP_LIMIT_MAX_RFER ? (int64_t)limit : 0;
	return 0;
}

const struct kernel_quota kernel_quota_btrfs = {
	.is_on = btrfs_is_on,
	.make = btrfs_make,
	.set = btrfs_set,
	.get = btrfs_get,
};
