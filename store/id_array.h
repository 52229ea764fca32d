/* SPDX-License-Identifier: Apache-2.0 */
/*
 * id_array.h - objects sorted by id, for listings that go on behind a cookie
 *
 * All zeroes is an empty one; whoever ends it frees entries.  Ids mostly come
 * in growing order, and then adding is cheap.
 */
#ifndef STORE_ID_ARRAY_H
#define STORE_ID_ARRAY_H

#include <stddef.h>
#include <stdint.h>

struct id_entry {
	uint64_t id;
	void *object;
};

struct id_array {
	struct id_entry *entries;
	size_t n;
	size_t room;
};

/* Index of the first entry whose id is at least id. */
size_t id_array_find(const struct id_array *array, uint64_t id);
/* The object of this id, or NULL. */
void *id_array_get(const struct id_array *array, uint64_t id);
/* Room for one more, so that id_array_add() cannot fail; -ENOMEM. */
int id_array_reserve(struct id_array *array);
void id_array_add(struct id_array *array, uint64_t id, void *object);
/* It must be there. */
void id_array_remove(struct id_array *array, uint64_t id);

#endif
