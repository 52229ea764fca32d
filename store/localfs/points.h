/* SPDX-License-Identifier: Apache-2.0 */
/*
 * points.h - where on watched mounts other mounts begin
 *
 * That a mount comes or goes on a name is no event of the directory, but the
 * name leads elsewhere from then on.
 */
#ifndef LOCALFS_POINTS_H
#define LOCALFS_POINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/localfs/realm.h"
#include "store/store.h"

struct point {
	struct store_handle dir;
	struct point *next;
	char name[];
};

struct points {
	uint64_t mounts[REALM_MAX]; /* ids of those that are watched */
	size_t n_mounts;
	struct point *first;
};

/* Watch a mount; true if it was not yet. */
bool points_add_mount(struct points *points, uint64_t mount_id);
/* Find them anew; returns those of before, for points_free(). */
struct point *points_read(struct points *points);
void points_free(struct point *first);

#endif
