/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privileges.h - set-user-id and set-group-id bits that a change takes away
 *
 * With FUSE_HANDLE_KILLPRIV_V2 the kernel leaves to us what notify_change()
 * does for a local filesystem when somebody writes, truncates or gives away a
 * file.  It says so with a flag where it has one, and with a SETATTR that sets
 * nothing where it has none.
 */
#ifndef FUSE_PRIVILEGES_H
#define FUSE_PRIVILEGES_H

#include <sys/stat.h>

struct inode;
struct store_file;

/* The bits of a file as it is in st that the caller's change takes away. */
mode_t privileges_lost(const struct statx *st);

/* Take those bits away that st still has; brings st up to date. */
int privileges_kill(const struct inode *inode, struct store_file *file,
		    mode_t lost, struct statx *st);

#endif
