/* SPDX-License-Identifier: Apache-2.0 */
/* pod_annotations.c - what annotations of a Pod say to podvols */
#include "store/manifest/pod.h"
#include "store/manifest/pod_parts.h"
#include "store/manifest/quantity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define UID_KEY	   "podvols.io/uid"
#define GID_KEY	   "podvols.io/gid"
#define INODES_KEY "podvols.io/inode-limit"

static int64_t id_decode(const struct field *annotations, const json_t *map,
			 const char *key)
{
	const json_t *value = json_object_get(map, key);
	const char *text = json_string_value(value);
	struct field field = field_child(annotations, key);
	long long id;
	char *end;

	if (!text)
		return -1; /* a wrong type was told already */
	errno = 0;
	id = strtoll(text, &end, 10);
	if (strspn(text, "0123456789") == strlen(text) && *text && !errno &&
	    id <= ID_MAX)
		return id;
	field_invalid(&field, value,
		      "must be a number between 0 and 2147483647");
	return -1;
}

/* The number of inodes that an annotation gives, for all volumes or for one. */
static int64_t inodes_decode(const struct field *annotations, const json_t *map,
			     const char *key)
{
	const json_t *value = json_object_get(map, key);
	const char *text = json_string_value(value);
	struct field field = field_child(annotations, key);
	int64_t n;

	if (!text)
		return 0;
	if (quantity_parse(text, &n) == 0 && n >= 0)
		return n;
	field_invalid(
		&field, value,
		"must be a number of inodes, such as 10000 or 1M; 0 means "
		"no limit");
	return 0;
}

static bool has_volume(const struct pod *pod, const char *name)
{
	for (size_t i = 0; i < pod->n_volumes; i++) {
		if (strcmp(pod->volumes[i].name, name) == 0)
			return true;
	}
	return false;
}

static void inode_limits_check(const struct field *annotations,
			       const json_t *map, const struct pod *pod)
{
	const size_t len = strlen(INODES_KEY);
	struct field field;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)map, key, value)
	{
		if (strncmp(key, INODES_KEY, len) != 0)
			continue;
		inodes_decode(annotations, map, key);
		field = field_child(annotations, key);
		if (key[len] &&
		    (key[len] != '.' || !has_volume(pod, key + len + 1)))
			field_invalid(
				&field, value,
				"names no volume of the pod; the key is " INODES_KEY
				" or " INODES_KEY ".VOLUME");
	}
}

void pod_annotations_decode(const struct field *root, struct pod *pod)
{
	const json_t *metadata = json_object_get(pod->document, "metadata");
	const struct field field = field_child(root, "metadata");
	const struct field annotations = field_child(&field, "annotations");
	const json_t *map = json_object_get(metadata, "annotations");

	pod->owner_uid = id_decode(&annotations, map, UID_KEY);
	pod->owner_gid = id_decode(&annotations, map, GID_KEY);
	inode_limits_check(&annotations, map, pod);
}

int64_t pod_annotation_inodes(const struct pod *pod, const char *volume)
{
	const json_t *map = json_object_get(
		json_object_get(pod->document, "metadata"), "annotations");
	const char *text;
	const char *key;
	json_t *value;
	int64_t n = 0;

	text = json_string_value(json_object_get(map, INODES_KEY));
	json_object_foreach((json_t *)map, key, value)
	{
		if (strncmp(key, INODES_KEY ".", sizeof(INODES_KEY)) == 0 &&
		    strcmp(key + sizeof(INODES_KEY), volume) == 0)
			text = json_string_value(value);
	}
	return text && quantity_parse(text, &n) == 0 ? n : 0;
}
