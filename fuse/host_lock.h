/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_lock.h - the locks of the mount on the files themselves
 *
 * Where others use the same files, each owner's locks are also taken on the
 * file, through a descriptor of the owner's own, as OFD or flock locks: both
 * sides conflict then.  They end with the descriptor, so with the process.
 */
#ifndef FUSE_HOST_LOCK_H
#define FUSE_HOST_LOCK_H

#include "fuse/locks.h"
#include "store/store.h"

struct host_lock;

/* Of one file; embedded. */
struct host_locks {
	struct store *store;
	struct store_handle handle;
	struct host_lock *first;
};

void host_locks_done(struct host_locks *h);

/*
 * Set or clear a lock (F_UNLCK).  -EAGAIN when a process of the host has a
 * conflicting one.
 */
int host_locks_set(struct host_locks *h, enum lock_space space,
		   const struct lock *lock);

/* The owner has no lock any more: close its descriptor, if there is one. */
void host_locks_drop(struct host_locks *h, enum lock_space space,
		     uint64_t owner);

/*
 * F_GETLK of the host.  The owner's own locks are no conflict; the locks of
 * other owners must not be in the way.
 */
int host_locks_test(struct host_locks *h, struct lock *lock);

#endif
