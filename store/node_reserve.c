/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_reserve.c - room kept for starting, and deleting pods, on a full disk
 *
 * A deletion has to be written down before it gives anything back, and a start
 * comes before all deletions.  So a file holds some room, which is given up
 * when one of them finds none, and taken again once there is some.
 */
#include "store/base/cleanup.h"
#include "store/node_private.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define RESERVE_NAME "reserve"
/* Many transactions' worth of write-ahead log. */
#define RESERVE_SIZE (4 << 20)

void node_reserve_fill(struct node *node)
{
	cleanup_fd int fd = -1;

	if (faccessat(node->env.state_fd, RESERVE_NAME, F_OK,
		      AT_SYMLINK_NOFOLLOW) == 0)
		return;
	fd = openat(node->env.state_fd, RESERVE_NAME,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && fallocate(fd, 0, 0, RESERVE_SIZE) < 0)
		unlinkat(node->env.state_fd, RESERVE_NAME, 0);
}

bool node_reserve_spend(struct node *node, int r)
{
	if (r != -ENOSPC && r != -EDQUOT)
		return false;
	/* Somebody else may just have spent it: worth another try, too. */
	unlinkat(node->env.state_fd, RESERVE_NAME, 0);
	return true;
}
