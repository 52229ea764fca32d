/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caller.h - what the kernel knows of the thread that a request comes from
 *
 * A request carries no supplementary groups and no capabilities (and, but for
 * creations, no ids on idmapped mounts).  Where the answer hangs on them, /proc
 * is asked: the thread waits for us and cannot change meanwhile.  Slow, and
 * only for cases that are rare.
 */
#ifndef FUSE_CALLER_H
#define FUSE_CALLER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Numbers of <linux/capability.h>. */
enum caller_cap {
	CALLER_CAP_FOWNER = 3,
	CALLER_CAP_FSETID = 4,
	CALLER_CAP_SYS_ADMIN = 21,
};

struct caller {
	uint64_t caps; /* effective */
	uid_t fsuid;
	gid_t fsgid;
	pid_t tid;
};

/* What is not to be had (the thread is in another pid namespace) is nothing. */
void caller_get(uint32_t tid, struct caller *ret);

static inline bool caller_has(const struct caller *c, enum caller_cap cap)
{
	return c->caps >> cap & 1;
}

bool caller_in_group(const struct caller *c, gid_t gid);

/* Is it in chown(2) or one of its kin? */
bool caller_is_in_chown(const struct caller *c);

#endif
