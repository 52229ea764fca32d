/* SPDX-License-Identifier: Apache-2.0 */
/* state.h - what the parts of localfs know of each other */
#ifndef LOCALFS_STATE_H
#define LOCALFS_STATE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "store/localfs/localfs.h"
#include "store/localfs/realm.h"
#include "store/store.h"

struct fdcache;
struct held;
struct orphans;
struct watches;

struct localfs {
	atomic_uint_fast64_t own_dev; /* of the mount we serve; 0: none yet */
	int proc_fd;		      /* /proc/self/fd, O_PATH */
	struct realms *realms;
	struct fdcache *dirs;
	struct fdcache *files; /* of exclusive volumes, used lately */
	struct held *held;
	struct orphans *orphans;
	struct watches *watches;
};

struct local_store {
	struct store base; /* first */
	struct localfs *lfs;
	bool exclusive;
	bool limited;
	localfs_root_fn *root_fn;
	void *arg;
	void (*free_arg)(void *arg);
	struct realm_set realms;
};

struct store_file {
	int fd;
	bool writable;
};

static inline struct local_store *local_of(struct store *st)
{
	return (struct local_store *)st;
}

#define LOCAL_STATX_MASK (STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID)

#endif
