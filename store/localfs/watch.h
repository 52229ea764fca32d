/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.h - being told of changes that others make, by fanotify
 *
 * Each watched file has an inode mark of its own: a mark of the directory alone
 * would not see what is done to a file by another of its names, by a handle, or
 * to its link count.  A file's mark goes with the first event, so that one who
 * writes all day costs one event for each time that somebody looks.  Never is a
 * mount or filesystem marked, which would tell of everybody's files.
 *
 * Other mounts that come and go on watched directories are no event; the table
 * of mounts is watched for that, and stands for a change of everything.
 */
#ifndef LOCALFS_WATCH_H
#define LOCALFS_WATCH_H

#include <stddef.h>

struct watches;

/* max: files at most, each of which stays in memory; 0: the default. */
struct watches *watches_new(size_t max);
void watches_free(struct watches *t);
size_t watches_count(struct watches *t);

#endif
