/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inode.h - the inode table: what the kernel's node ids stand for
 *
 * One record of 64 bytes for each file that the kernel knows, in memory that
 * outlives the process, with indices instead of pointers.  A node id is the
 * record's generation and index: it is checked, and one that was forgotten is
 * never mistaken for its successor.  Records are found by volume and handle in
 * lock-striped hash tables that grow and shrink one bucket at a time (linear
 * hashing, W. Litwin, VLDB 1980); records that are forgotten give their memory
 * back.
 */
#ifndef FUSE_INODE_H
#define FUSE_INODE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/store.h"

struct inode_table;
struct state;
struct volume;

/* What a node id stands for, copied out of the table. */
struct inode {
	uint64_t nodeid;
	struct volume *volume; /* lives while the kernel knows the node id */
	struct store_handle handle;
	uint32_t volume_id;
	unsigned flags; /* enum inode_flag */
	bool is_open;
};

enum inode_flag {
	/* Opened for reading and writing once: a mapping may change it. */
	INODE_MAYBE_MAPPED = 1 << 0,
	/* Passthrough was refused for it: cached or direct for good. */
	INODE_NO_PASSTHROUGH = 1 << 1,
	/* The root of its volume. */
	INODE_VOLUME_ROOT = 1 << 2,
	/* Made by us, and nobody has given it file capabilities since. */
	INODE_NO_CAPABILITY = 1 << 3,
};

struct inode_stats {
	uint64_t inodes;
	uint64_t backing_ids;
	uint64_t bytes; /* memory in use */
};

/* Called for each record that goes, without a lock: its handle is let go. */
typedef void inode_gone_fn(void *arg, const struct inode *inode);
/* Ends a backing id. */
typedef void inode_unback_fn(void *arg, int32_t backing_id);

/* state: where the records are; may be NULL. */
int inode_table_new(struct state *state, inode_gone_fn *gone,
		    inode_unback_fn *unback, void *arg,
		    struct inode_table **ret);
void inode_table_free(struct inode_table *t);
void inode_table_stats(struct inode_table *t, struct inode_stats *ret);

/*
 * The node id of a file, made if the kernel does not know it yet, with its
 * lookup count raised by one.  Takes a reference of vol with each record.
 * -ENFILE when the table is full.
 */
int inode_remember(struct inode_table *t, struct volume *vol,
		   const struct store_handle *h, struct inode *ret);

/* Lower the lookup count; the record goes with the last one. */
void inode_forget(struct inode_table *t, uint64_t nodeid, uint64_t count);

/* -ESTALE for a node id that stands for nothing. */
int inode_get(struct inode_table *t, uint64_t nodeid, struct inode *ret);

/* Does the kernel know this file of a volume, and is it open? */
bool inode_is_known(struct inode_table *t, uint32_t volume_id,
		    const struct store_handle *h, bool *ret_is_open);

/* Set a flag; returns whether it was new. */
bool inode_set_flag(struct inode_table *t, uint64_t nodeid,
		    enum inode_flag flag);
void inode_clear_flag(struct inode_table *t, uint64_t nodeid,
		      enum inode_flag flag);

/*
 * Count one more open of the file.  For passthrough (make not NULL) the
 * inode's backing id is returned in *ret_backing, made by make() when this is
 * the first open: all opens of an inode share one.  make() runs under a lock
 * and must not wait; it returns an id, or -EAGAIN to have nothing counted and
 * -EAGAIN returned.  Any other failure of it sets INODE_NO_PASSTHROUGH, and
 * *ret_backing is 0 from then on.
 */
typedef int inode_back_fn(void *arg);
int inode_open(struct inode_table *t, uint64_t nodeid, inode_back_fn *make,
	       void *arg, int32_t *ret_backing);
/*
 * One open less; with the last one the backing id ends.  True if it was the
 * last one of a file that the kernel still knows.
 */
bool inode_close(struct inode_table *t, uint64_t nodeid);

/*
 * Take over the records that an earlier process left in the state, before the
 * first use.  volume() finds the volume of an id, with a reference for the
 * caller, or NULL: what was in it stands for nothing any more, as does what its
 * store does not adopt.  No file is open then: inode_open() counts each that
 * is, and inode_attached() ends the backing ids that are left over.
 */
typedef struct volume *inode_volume_fn(void *arg, uint32_t volume_id);
int inode_attach(struct inode_table *t, inode_volume_fn *volume, void *arg);
void inode_attached(struct inode_table *t);

/*
 * Call fn for each record of a table that nobody else uses yet, with no lock
 * held; ends early if it returns not 0.
 */
typedef int inode_each_fn(void *arg, const struct inode *inode);
int inode_each(struct inode_table *t, inode_each_fn *fn, void *arg);

#endif
