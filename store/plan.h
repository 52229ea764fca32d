/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - what the volumes of a pod are about to make on the host
 *
 * Whoever looks whether a volume can be made sees nothing of what those before
 * it will have made by then: it is noted here, by the directory that is there
 * and what is missing below it.  All zeroes is an empty plan.
 */
#ifndef STORE_PLAN_H
#define STORE_PLAN_H

#include <stddef.h>
#include <sys/types.h>

struct plan_entry;

struct plan {
	struct plan_entry *entries;
	size_t n;
};

#define cleanup_plan __attribute__((cleanup(plan_done)))

void plan_done(struct plan *plan);

/*
 * Something of this format (S_IFDIR, S_IFREG) will be made at rest below the
 * directory, and all directories above it.
 */
int plan_add(struct plan *plan, int dir_fd, const char *rest, mode_t format);

/*
 * How much of rest will be there: the part that is missing even then, "" for
 * none.  What it is missing in, or else rest itself, is of the format *ret.
 */
const char *plan_reach(const struct plan *plan, int dir_fd, const char *rest,
		       mode_t *ret);

#endif
