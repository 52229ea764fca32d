/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_quota.c - which filesystem keeps the limits of an emptyDir, if any */
#include "store/emptydir/kernel_quota.h"

#include <errno.h>
#include <stddef.h>

static const struct kernel_quota *const kinds[] = {
	&kernel_quota_btrfs,
	&kernel_quota_project,
	NULL,
};

int kernel_quota_make(int parent, const char *name, uint32_t id)
{
	for (size_t i = 0; kinds[i]; i++) {
		if (kinds[i]->is_on(parent))
			return kinds[i]->make(parent, name, id);
	}
	return -EOPNOTSUPP;
}

int kernel_quota_set(int root, const struct volume_limits *limits)
{
	int r = -EOPNOTSUPP;

	for (size_t i = 0; r == -EOPNOTSUPP && kinds[i]; i++)
		r = kinds[i]->set(root, limits);
	return r;
}

int kernel_quota_get(int root, struct volume_kept *ret)
{
	int r = -EOPNOTSUPP;

	for (size_t i = 0; r == -EOPNOTSUPP && kinds[i]; i++)
		r = kinds[i]->get(root, ret);
	return r;
}
