/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk.h - what a tree holds, found by walking all of it
 *
 * As du(1) counts: each inode once, whatever number of names it has, and
 * nothing of other filesystems.  What is mounted below is not even asked: its
 * server may be dead.  Memory is bounded: where more files have several names
 * than may be remembered, the tree is walked again for the rest of them.
 */
#ifndef STORE_WALK_H
#define STORE_WALK_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct usage_totals;
struct walk;

/* Files of several names to remember at once, of 16 bytes each. */
#define WALK_LINKS_MAX (1u << 19)

/* stop, if not NULL, is looked at all the time; NULL when out of memory. */
struct walk *walk_new(size_t links_max, const atomic_bool *stop);
void walk_free(struct walk *w);

/* Leave an inode out; 0 or -ENOMEM. */
int walk_skip(struct walk *w, uint64_t ino);

/*
 * Count what is at root_fd (any descriptor, also O_PATH), which may be no
 * directory.  *ret is set on success only.  -ECANCELED when told to stop;
 * -EAGAIN if the tree was moved about so that the count is worth nothing;
 * -ELOOP if it is too deep.
 */
int walk_count(struct walk *w, int root_fd, struct usage_totals *ret);

#endif
