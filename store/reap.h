/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reap.h - erase one tree of the trash, however deep, wide or hostile it is
 *
 * Unlinks by name below held descriptors only: no link is followed and no
 * mount point is crossed.  A tree deeper than the descriptors that are kept is
 * cut: what is below moves up to the trash as an entry of its own.
 */
#ifndef STORE_REAP_H
#define STORE_REAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define REAP_NAME_SIZE 17

struct reap {
	int trash_fd;
	const atomic_bool *stop;
	bool cut; /* set when a subtree moved up to the trash */
};

/*
 * Erase trash_fd/name.  0 when it is gone; -ECANCELED when told to stop;
 * -EBUSY where a mount point is in the way (all else is erased); -ENOTEMPTY
 * where somebody keeps filling it; or another -errno of what remains.
 */
int reap_tree(struct reap *reap, const char *name);

/* A name that no other entry of the trash has. */
void reap_unique_name(char ret[REAP_NAME_SIZE]);

/*
 * Take "immutable" and "append only" from dir_fd and from dir_fd/name, where
 * they are set; true if anything changed.
 */
bool reap_unprotect(int dir_fd, const char *name);

#endif
