/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel_quota.h - limits of an emptyDir on disk that its filesystem keeps
 *
 * Where the filesystem of the state directory enforces quotas of subvolumes
 * (btrfs) or projects (ext4, xfs), the root of a volume is made so that it has
 * one of its own, with a limit or not yet.  What a root is can be seen at it:
 * nothing else is recorded, and a plain directory of earlier times stays one.
 */
#ifndef EMPTYDIR_KERNEL_QUOTA_H
#define EMPTYDIR_KERNEL_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "store/backend.h"
#include "store/volume.h"

struct kernel_quota {
	/* Does the filesystem that fd is on enforce such quotas, so that a new
	 * volume should have one? */
	bool (*is_on)(int fd);
	/*
	 * Make the directory parent/name with a quota of its own, mode 0700.
	 * One that a crash left behind is as good.  id is of no other volume.
	 */
	int (*make)(int parent, const char *name, uint32_t id);
	/*
	 * -EOPNOTSUPP if root is not such a directory, or its limits are not
	 * enforced any more: they are for somebody else to keep.
	 */
	int (*set)(int root, const struct volume_limits *limits);
	int (*get)(int root, struct volume_kept *ret);
};

extern const struct kernel_quota kernel_quota_btrfs;
extern const struct kernel_quota kernel_quota_project;

/* As in struct kernel_quota; -EOPNOTSUPP where no filesystem can. */
int kernel_quota_make(int parent, const char *name, uint32_t id);
int kernel_quota_set(int root, const struct volume_limits *limits);
int kernel_quota_get(int root, struct volume_kept *ret);

#endif
