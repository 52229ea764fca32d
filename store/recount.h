/* SPDX-License-Identifier: Apache-2.0 */
/* recount.h - count a volume anew whose stored total is not to be trusted */
#ifndef STORE_RECOUNT_H
#define STORE_RECOUNT_H

#include <stdatomic.h>
#include <stdbool.h>

struct usage;

/*
 * Walk the tree at dir_fd, the root of the volume of u, and make its usage
 * exact.  Changes of a volume without a limit go on meanwhile, and the count
 * is repeated; in the end they, too, have to wait for one walk.  -ECANCELED
 * when told to stop; the state is unknown again on failure.
 */
int recount_run(struct usage *u, int dir_fd, const atomic_bool *stop);

/*
 * The totals of a volume with nothing in it, without a walk: 0, or -ENOTEMPTY.
 */
struct usage_totals;
int recount_empty(int dir_fd, struct usage_totals *ret);

#endif
