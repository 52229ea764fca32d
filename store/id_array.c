/* SPDX-License-Identifier: Apache-2.0 */
/* id_array.c - objects sorted by id, for listings that go on behind a cookie */
#include "store/id_array.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

size_t id_array_find(const struct id_array *array, uint64_t id)
{
	size_t low = 0;
	size_t high = array->n;

	/* Ids grow: the newest is mostly the one to come. */
	if (high > 0 && array->entries[high - 1].id < id)
		return high;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (array->entries[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void *id_array_get(const struct id_array *array, uint64_t id)
{
	size_t i = id_array_find(array, id);

	if (i == array->n || array->entries[i].id != id)
		return NULL;
	return array->entries[i].object;
}

int id_array_reserve(struct id_array *array)
{
	size_t room = array->room ? 2 * array->room : 8;
	struct id_entry *bigger;

	if (array->n < array->room)
		return 0;
	bigger = reallocarray(array->entries, room, sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	array->entries = bigger;
	array->room = room;
	return 0;
}

void id_array_add(struct id_array *array, uint64_t id, void *object)
{
	size_t i = id_array_find(array, id);

	assert(array->n < array->room);
	memmove(&array->entries[i + 1], &array->entries[i],
		(array->n - i) * sizeof(array->entries[0]));
	array->entries[i] = (struct id_entry){ .id = id, .object = object };
	array->n++;
}

void id_array_remove(struct id_array *array, uint64_t id)
{
	size_t i = id_array_find(array, id);

	assert(i < array->n && array->entries[i].id == id);
	array->n--;
	memmove(&array->entries[i], &array->entries[i + 1],
		(array->n - i) * sizeof(array->entries[0]));
}
