/* SPDX-License-Identifier: Apache-2.0 */
/*
 * realm.h - the filesystems (mounts) that volumes are on
 *
 * Handles are opened relative to a descriptor of their mount.  All volumes on
 * one mount share it, so that tens of thousands of volumes cost one.  A realm
 * lives while a store that has met it is open: its mount stays busy until then.
 *
 * The number of a realm is part of a handle.  So which mount has which number
 * outlives the process (state): in the next one each keeps its number until
 * realms_adopted(), and the handles of before are good where realm_adopt()
 * said so.
 */
#ifndef LOCALFS_REALM_H
#define LOCALFS_REALM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/localfs/mounts.h"

/* Mounts in use at most; over it lookups into new ones fail with -ENFILE. */
#define REALM_MAX 1024u

struct realms;
struct state;
struct statx;

/* Immutable but for the atomics while a store has it in its set. */
struct realm {
	struct mount_key mount;
	atomic_int mount_fd;	 /* an open directory (or file) on it, or -1 */
	atomic_bool has_handles; /* otherwise descriptors are held */
	/* A server has the attributes: what is cached of them may be old. */
	atomic_bool is_remote;
	/* Whoever changes a file does so through this kernel's own inode. */
	atomic_bool is_watchable;
};

/* The realms that a store has met: it holds a reference of each. */
struct realm_set {
	_Atomic uint64_t bits[REALM_MAX / 64];
};

/* no_handles: behave as if no filesystem had any. */
struct realms *realms_new(struct state *state, bool no_handles);
void realms_free(struct realms *t);
size_t realms_count(struct realms *t);

/* The realm of a handle, or NULL if the store never met it. */
struct realm *realm_get(struct realms *t, const struct realm_set *set,
			uint16_t index);

/* Find or make the realm of the object that fd (O_PATH) and attr are of. */
int realm_enter(struct realms *t, struct realm_set *set, int fd,
		const struct statx *attr, uint16_t *ret);

/*
 * The store has met the realm of that number in an earlier process: again it
 * has.  -ESTALE if there is no such mount any more; avoid as in mount_find().
 */
int realm_adopt(struct realms *t, struct realm_set *set, uint16_t index,
		dev_t avoid);
/* Numbers that no store adopted by now are for others. */
void realms_adopted(struct realms *t);

/* Let go of all in set; fn is told of each that ends, before it does. */
void realms_leave(struct realms *t, struct realm_set *set,
		  void (*fn)(void *arg, uint16_t index), void *arg);

#endif
