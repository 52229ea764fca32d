/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h - memory that outlives the process that uses it
 *
 * Made by the holder (tools/podvolsd/holder.h), which does nothing with it but
 * keep it; the worker, and each that follows one that was killed, maps the same
 * parts.  What is in them are plain records with indices instead of pointers,
 * and whoever writes them may be killed between any two stores: a record says
 * by one field, written last, whether it is in use, and all that links records
 * is made anew by the successor.
 */
#ifndef BASE_STATE_H
#define BASE_STATE_H

#include <stddef.h>

enum state_part {
	STATE_SESSION, /* fuse/session.c: the greeting of the kernel */
	STATE_INODES,  /* fuse/inode.c */
	STATE_FILES,   /* fuse/file.c */
	STATE_LOCKS,   /* fuse/ranges.c */
	STATE_JOURNAL, /* fuse/journal.c: requests under way */
	STATE_REALMS,  /* store/localfs/realm.c */
	STATE_RINGS,   /* fuse/ring_relay.c: requests that were handed over */
	STATE_N_PARTS,
};

struct state;

int state_new(struct state **ret);
void state_free(struct state *s);

/*
 * Map a part: size bytes, the same in every process, which take memory only
 * where they were written to; zero at first.  The caller unmaps it.  Without a
 * state (NULL) it is memory that ends with this process.
 */
int state_map(struct state *s, enum state_part part, size_t size, void **ret);

#endif
