/* SPDX-License-Identifier: Apache-2.0 */
/*
 * charge.h - what a request adds to the usage of its volume, or takes from it
 *
 * Each change of a counted volume stands between a call here that reserves
 * what it may need and one that says what it was.  The kernel holds the locks
 * of the directories and files concerned meanwhile, so that what is looked at
 * before is what is changed.
 */
#ifndef FUSE_CHARGE_H
#define FUSE_CHARGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "store/store.h"

struct account;
struct fs;
struct inode;
struct usage;

struct charge {
	struct fs *fs;
	struct usage *usage; /* NULL: the volume is not counted */
	int64_t reserved;
	bool has_inode; /* one is reserved */
	bool has_victim;
	bool removes; /* usage_remove_begin() was called */
	unsigned tries;
	unsigned n_dirs;
	const struct inode *dirs[2];
	int64_t dir_before[2];
	struct store_handle victim_handle;
	struct statx victim;
	struct account *account;
};

enum charge_made {
	CHARGE_OBJECT,	/* with its name */
	CHARGE_TMPFILE, /* something without a name: dir does not change */
	CHARGE_LINK,	/* a name of what is there already */
};

/* Something is made in dir; st is what it was, NULL for a link. */
int charge_make(struct fs *fs, const struct inode *dir, enum charge_made made,
		struct charge *c);
/* It failed with r: is it worth doing once more? */
bool charge_again(struct charge *c, int r);
void charge_made(struct charge *c, int r, const struct statx *st);

int charge_remove(struct fs *fs, const struct inode *dir, const char *name,
		  struct charge *c);
void charge_removed(struct charge *c, int r);

int charge_rename(struct fs *fs, const struct inode *dir,
		  const struct inode *newdir, const char *newname,
		  unsigned flags, struct charge *c);
void charge_renamed(struct charge *c, int r, const char *name, unsigned flags);

/*
 * A change of one file, of at most more bytes beyond what it has (xattrs), or
 * to size bytes altogether.  The file is locked against other changes of its
 * size until charge_file_done(), which looks what it came to.
 */
int charge_file(struct fs *fs, const struct inode *inode, int64_t size,
		int64_t more, struct charge *c);
void charge_file_done(struct charge *c);

/* fallocate(2) under a limit, or without one. */
int charge_fallocate(struct fs *fs, const struct inode *inode,
		     struct store_file *file, int mode, uint64_t off,
		     uint64_t len);

/* An open for writing: the account to keep in the open file, or NULL. */
int charge_open(struct fs *fs, const struct inode *inode,
		const struct statx *known, struct account **ret);
void charge_release(const struct inode *inode, struct account *account);
/*
 * It was open before this process took over: as charge_open() if it was for
 * writing.  Before the volume is counted, without a wait for that.
 */
int charge_reopen(const struct inode *inode, bool writes, struct account **ret);
/* The inode is being closed; its last open ended. */
void charge_flushed(const struct inode *inode);
void charge_closed(const struct inode *inode);

/* Do writes of this volume have to come to us? */
bool charge_wants_writes(const struct inode *inode);
/*
 * Before a write through account, at most *len bytes: fewer where room ends,
 * -ENOSPC if there is none.  *ret_end: charge_wrote() is to be called.
 */
int charge_write(struct fs *fs, const struct inode *inode,
		 struct account *account, uint64_t off, size_t *len,
		 bool *ret_end);
void charge_wrote(const struct inode *inode, struct account *account);

/* Put the limit of the volume in place of the disk's. */
void charge_statfs(struct fs *fs, const struct inode *inode,
		   struct statvfs *st);

#endif
