/* SPDX-License-Identifier: Apache-2.0 */
/* usage.h - how much a directory tree holds, found by a bounded walk */
#ifndef EMPTYDIR_USAGE_H
#define EMPTYDIR_USAGE_H

struct volume_usage;

/*
 * Count the allocated bytes and the inodes of the tree at dir_fd, itself
 * included, as du(1) does: hard links once, other filesystems not.  A tree
 * that is too large or too deep to walk while somebody waits counts as -1,
 * which is not a failure.
 */
int usage_of_tree(int dir_fd, struct volume_usage *ret);

#endif
