/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ramfs.h - files and directories in memory: names and attributes, no bytes
 *
 * Functions about inodes and names are called with the lock.  There are no hard
 * links, and all times are 0.  A lack of memory ends the program.
 */
#ifndef BENCH_RAMFS_H
#define BENCH_RAMFS_H

#include <linux/fuse.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

struct fuse_lowlevel_ops;

#define RAMFS_BUCKETS	16384u
#define RAMFS_MAX_WRITE (1u << 20)

struct inode {
	struct fuse_attr attr; /* ino: its number; the root's: FUSE_ROOT_ID */
	uint64_t lookups;      /* of the kernel */
	struct inode *parent;  /* NULL: has no name (any more) */
	char *name;
	struct inode *next; /* with the same hash, or free as well */
	char *target;	    /* of a symbolic link */
	struct xattr {
		struct xattr *next;
		const char *name; /* behind the value */
		size_t len;
		char value[];
	} * xattrs;
	/* Of a directory: NULL in the place of what was removed. */
	struct inode **slots;
	size_t n_slots;
	size_t n_names;
	size_t slot; /* its own, in its directory */
};

struct ramfs {
	pthread_mutex_t lock; /* all */
	struct inode *buckets[RAMFS_BUCKETS];
	struct inode **inodes; /* by number less 1; used and free ones */
	size_t n_inodes;
	struct inode *free;
	int32_t backing_id; /* of the file that has the bytes of all */
};

void ramfs_init(struct ramfs *fs);
void ramfs_done(struct ramfs *fs);

void ramfs_lock(struct ramfs *fs);
/* Unless this thread has done so already. */
void ramfs_unlock(struct ramfs *fs);

/*
 * The handlers, with a struct ramfs as libfuse's userdata.  To be called with
 * the lock; they give it back before they answer.
 */
extern const struct fuse_lowlevel_ops ramfs_ops;

/* NULL: no such number. */
struct inode *inode_get(const struct ramfs *fs, uint64_t ino);
struct inode *inode_new(struct ramfs *fs, uint32_t mode);
/* It goes, unless it has a name or the kernel knows it. */
void inode_put(struct ramfs *fs, struct inode *inode);

/* Where a name leads to the inode, or would: then *result is NULL. */
struct inode **name_find(struct ramfs *fs, const struct inode *dir,
			 const char *name);
void name_add(struct ramfs *fs, struct inode *dir, const char *name,
	      struct inode *inode);
void name_remove(struct inode **found);

/* The same for extended attributes. */
struct xattr **xattr_find(struct inode *inode, const char *name);
void xattr_set(struct inode *inode, const char *name, const void *value,
	       size_t len);

#endif
