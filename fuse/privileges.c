/* SPDX-License-Identifier: Apache-2.0 */
/* privileges.c - set-user-id and set-group-id bits that a change takes away */
#include "fuse/privileges.h"

#include "fuse/caller.h"
#include "fuse/internal.h"
#include "store/volume.h"

/* As the kernel's setattr_should_drop_sgid(). */
static bool loses_sgid(const struct statx *st)
{
	struct caller caller;

	if (!(st->stx_mode & S_ISGID))
		return false;
	if (st->stx_mode & S_IXGRP)
		return true;
	caller_get(session_header()->pid, &caller);
	return !caller_has(&caller, CALLER_CAP_FSETID) &&
	       !caller_in_group(&caller, st->stx_gid);
}

mode_t privileges_lost(const struct statx *st)
{
	mode_t lost = st->stx_mode & S_ISUID;

	if (!S_ISREG(st->stx_mode))
		return 0;
	return loses_sgid(st) ? lost | S_ISGID : lost;
}

int privileges_kill(const struct inode *inode, struct store_file *file,
		    mode_t lost, struct statx *st)
{
	struct store_setattr set = { .set = STORE_SET_MODE };

	if (!(st->stx_mode & lost))
		return 0;
	set.mode = st->stx_mode & 07777 & ~lost;
	return store_setattr(inode->volume->store, &inode->handle, file, &set,
			     st);
}
