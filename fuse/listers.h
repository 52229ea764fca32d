/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listers.h - who lists directories to look at what is in them
 *
 * The kernel asks for the first names of a directory with their attributes, as
 * `ls -l` wants them, and for the others too if somebody looked at one of the
 * first meanwhile.  An attribute costs several times as much as a name, so who
 * is not known gets a few only, and by what it looks at the kernel sees what it
 * wants.  A thread that looks at names after it has listed them (du(1), rm -r,
 * rsync(1)) gets all at once from then on.
 *
 * What is known of a thread is a hint: another takes its place in a table of
 * fixed size.
 */
#ifndef FUSE_LISTERS_H
#define FUSE_LISTERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define LISTERS 256u

/* Names with attributes that come first, for a thread that is not known. */
#define LISTERS_FIRST_NAMES 8u

struct listers {
	/* A thread's id, and whether it looks. */
	_Atomic uint64_t seen[LISTERS];
};

/* A thread begins to list a directory: does it look at what is in them? */
bool listers_list(struct listers *l, uint32_t tid);
/* A thread has looked up a name that is there. */
void listers_look(struct listers *l, uint32_t tid);

#endif
