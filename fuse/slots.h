/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slots.h - the volumes of the inode table's records, by id
 *
 * A record has the id of its volume, which lives for as long as there is one:
 * a slot counts them.  Slots are never moved, and looked at without a lock.
 */
#ifndef FUSE_SLOTS_H
#define FUSE_SLOTS_H

#include <stdint.h>

struct slots;
struct volume;

int slots_new(struct slots **ret);
void slots_free(struct slots *s);

/* The volume of this id, borrowed; NULL if there is no record of it. */
struct volume *slots_volume(struct slots *s, uint32_t id);

/* Count one more record of vol, which the caller keeps alive meanwhile. */
int slots_take(struct slots *s, struct volume *vol);
/* One record less. */
void slots_drop(struct slots *s, uint32_t id);

#endif
