/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_quota.c - which filesystem keeps the limits of an emptyDir, if any */
#include "store/emptydir/kernel_quota.h"

#include <errno.h>
#include <stddef.h>

static const struct kernel_quota *find(int fd)
{
	static const struct kernel_quota *const all[] = {
		&kernel_quota_btrfs,
		&kernel_quota_project,
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i]->is_on(fd))
			return all[i];
	}
	return NULL;
}

int kernel_quota_make(int parent, const char *name, uint32_t id)
{
	const struct kernel_quota *kind = find(parent);

	return kind ? kind->make(parent, name, id) : -EOPNOTSUPP;
}

int kernel_quota_set(int root, const struct volume_limits *limits)
{
	const struct kernel_quota *kind = find(root);

	return kind ? kind->set(root, limits) : -EOPNOTSUPP;
}

int kernel_quota_get(int root, struct volume_kept *ret)
{
	const struct kernel_quota *kind = find(root);

	return kind ? kind->get(root, ret) : -EOPNOTSUPP;
}
