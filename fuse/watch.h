/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.h - what the kernel may believe of files that others change, too
 *
 * In a volume that is watched (struct volume, cache) the kernel is told to keep
 * names and attributes for WATCH_VALID_S seconds, and to forget them when the
 * store tells of a change.  Both are promises, made here and broken here:
 *
 * Attributes, by the answer to GETATTR alone, of a file whose own inode is
 * watched before it is looked at.  They are taken back by notify_attr(), which
 * takes no lock; and what is under way to the kernel then, the kernel drops, as
 * it knows the order of requests and notifications (attr_version) for an inode
 * that it has, which is why a LOOKUP, which may be for a new one, promises
 * none.  A change of attributes by the mount itself (SETATTR) promises none.
 *
 * A name, by the answer to LOOKUP, in a directory that is watched before it is
 * looked into, if no name of the directory was told of since.  It cannot be
 * taken back by a notification: that takes the lock of the directory, which
 * whoever waits for our answer may hold, and a daemon that is killed meanwhile
 * would never end (notify.h).  So an errand of the helper tries to make a link
 * of that name from another filesystem: the kernel then looks the name up with
 * the directory locked, believes nothing that it knows of it, drops what is not
 * so any more, and refuses the link (EXDEV).  Any answer that was under way was
 * processed before the errand had the lock.  Until the errand is done the name
 * is in doubt and nothing is promised of it.  To be able to doubt all of them
 * when changes were missed, promised names are remembered here: one for each
 * file (other links are looked up each time), and one file for each name.
 *
 * Never promised: that a name is missing; listings; the root of a volume, as
 * the path to it may change unseen; attributes of what was once open for
 * reading and writing through the mount, as a mapping is written unseen.
 *
 * A promise ends by itself, so that what could not be seen does not stay for
 * ever: a mapping of the host's, or blocks allocated late.
 */
#ifndef FUSE_WATCH_H
#define FUSE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct fs;
struct inode;
struct watch;

/* Seconds that a promise lasts. */
#define WATCH_VALID_S 60
/* Files about which something is promised at most. */
#define WATCH_FILES_MAX 65536u

int watch_new(struct fs *fs, struct watch **ret);
/* Promise nothing from now on, and wait for errands under way. */
void watch_stop(struct watch *w);
/* No request is handled any more. */
void watch_free(struct watch *w);

/* A look into a directory, from before it to the answer. */
struct watch_look {
	bool watched;
	uint64_t changes;
};

void watch_look_begin(struct fs *fs, const struct inode *dir,
		      struct watch_look *ret);
/* How long may the kernel believe that name leads to inode?  In seconds. */
uint64_t watch_look_end(struct fs *fs, const struct inode *dir,
			const struct watch_look *look, const char *name,
			const struct inode *inode);

/*
 * Before the attributes of a file are looked at: how long may the kernel
 * believe the answer?
 */
uint64_t watch_attr(struct fs *fs, const struct inode *inode);

/* The mount itself took a name away, or moved it: the kernel knows. */
void watch_removed(struct fs *fs, const struct inode *dir, const char *name);
void watch_renamed(struct fs *fs, const struct inode *dir, const char *name,
		   const struct inode *newdir, const char *newname,
		   bool exchange);

/* The kernel forgot the file. */
void watch_forget(struct fs *fs, const struct inode *inode);

#endif
