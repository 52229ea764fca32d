/* SPDX-License-Identifier: Apache-2.0 */
/*
 * orphans.h - what keeps removed files known until they are forgotten
 *
 * A handle of a file without a name is good only as long as somebody holds the
 * file.  Whoever stands in a removed directory, or has a removed file open
 * past us, still asks for its attributes: so what is removed is held until
 * its handle is forgotten, by a descriptor.
 *
 * Where the filesystem keeps a limit (LOCALFS_LIMITED), a file so held would
 * keep its room until a while after its removal was answered.  There a regular
 * file that nobody has open goes at once, and only its attributes are kept.
 */
#ifndef LOCALFS_ORPHANS_H
#define LOCALFS_ORPHANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More than this many are let go at once, as if nobody knew them. */
#define ORPHANS_MAX 512u

struct local_store;
struct orphans;
struct statx;
struct store_handle;

struct orphans *orphans_new(void);
void orphans_free(struct orphans *o);

/*
 * Before and after the removal of dirfd/name: watch returns an O_PATH
 * descriptor of it, or -1; if that was the last name, keep takes *fd, which is
 * the caller's to close or -1 after it.
 */
int orphans_watch(struct local_store *ls, const struct store_handle *dir,
		  int dirfd, const char *name);
void orphans_keep(struct local_store *ls, const struct store_handle *dir,
		  int *fd);

/* The attributes of a file that is gone, as they were when it went. */
bool orphans_attr(struct local_store *ls, const struct store_handle *h,
		  struct statx *ret);

void orphans_forget(struct orphans *o, const struct store_handle *h);
void orphans_drop_realm(struct orphans *o, uint16_t realm);
/* Descriptors in use. */
size_t orphans_count(struct orphans *o);

#endif
