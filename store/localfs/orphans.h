/* SPDX-License-Identifier: Apache-2.0 */
/*
 * orphans.h - descriptors that keep removed files there while they are known
 *
 * A handle of a file without a name is good only as long as somebody holds the
 * file.  Whoever stands in a removed directory, or has a removed file open
 * past us, still asks for its attributes: so what is removed is held until
 * its handle is forgotten.
 */
#ifndef LOCALFS_ORPHANS_H
#define LOCALFS_ORPHANS_H

#include <stddef.h>
#include <stdint.h>

/* More than this many are let go at once, as if nobody knew them. */
#define ORPHANS_MAX 512u

struct local_store;
struct orphans;
struct store_handle;

struct orphans *orphans_new(void);
void orphans_free(struct orphans *o);

/*
 * Before and after the removal of dirfd/name: watch returns an O_PATH
 * descriptor of it, or -1; keep takes *fd (which becomes -1) if that was the
 * last name.
 */
int orphans_watch(struct orphans *o, const struct store_handle *dir, int dirfd,
		  const char *name);
void orphans_keep(struct local_store *ls, const struct store_handle *dir,
		  int *fd);

void orphans_forget(struct orphans *o, const struct store_handle *h);
void orphans_drop_realm(struct orphans *o, uint16_t realm);
size_t orphans_count(struct orphans *o);

#endif
