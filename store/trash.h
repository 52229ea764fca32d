/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trash.h - trees that are no longer anybody's, and the reaper that erases them
 *
 * A tree goes to the trash with one rename; the reaper erases in the
 * background at idle priority, follows no link, crosses no mount point (such
 * an entry is left where it is and logged), and goes on after a restart.
 * Bounded memory and descriptors whatever the depth and width of a tree.
 */
#ifndef STORE_TRASH_H
#define STORE_TRASH_H

#include <stddef.h>
#include <stdint.h>

struct error;
struct trash;

/* The directory "trash" below state_fd is made if missing. */
int trash_open(int state_fd, struct trash **ret, struct error *err);
/* Stops the reaper where it is. */
void trash_close(struct trash *trash);

/* Move dir_fd/name to the trash; 0 if there is none.  Wakes the reaper. */
int trash_put(struct trash *trash, int dir_fd, const char *name,
	      struct error *err);
/* Without a struct trash at hand: the same rename, for drivers. */
int trash_put_at(int state_fd, int dir_fd, const char *name, struct error *err);
void trash_wake(struct trash *trash);
uint64_t trash_count(struct trash *trash);

#endif
