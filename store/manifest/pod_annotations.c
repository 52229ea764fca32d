/* SPDX-License-Identifier: Apache-2.0 */
/* pod_annotations.c - what annotations of a Pod say to podvols */
#include "store/manifest/pod.h"
#include "store/manifest/pod_parts.h"
#include "store/manifest/quantity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UID_KEY	   "podvols.io/uid"
#define GID_KEY	   "podvols.io/gid"
#define INODES_KEY "podvols.io/inode-limit"
#define USAGE_KEY  "podvols.io/usage"
#define CACHE_KEY  "podvols.io/host-cache"
#define KEY_SIZE   128

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

static void inodes_check(const struct field *field, const json_t *value)
{
	const char *text = json_string_value(value);
	int64_t n;

	if (quantity_parse(text, &n) < 0 || n < 0)
		field_invalid(
			field, value,
			"must be a number of inodes, such as 10000 or 1M; "
			"0 means no limit");
}

static void usage_check(const struct field *field, const json_t *value)
{
	const char *text = json_string_value(value);

	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		field_invalid(field, value, "must be \"true\" or \"false\"");
}

static void cache_check(const struct field *field, const json_t *value)
{
	const char *text = json_string_value(value);

	if (strcmp(text, "watch") != 0 && strcmp(text, "none") != 0)
		field_invalid(field, value, "must be \"watch\" or \"none\"");
}

/* Of all volumes, or with ".VOLUME" behind the key of one. */
static const struct of_volume {
	const char *key;
	void (*check)(const struct field *field, const json_t *value);
} of_volumes[] = {
	{ INODES_KEY, inodes_check },
	{ USAGE_KEY, usage_check },
	{ CACHE_KEY, cache_check },
};

#define N_OF_VOLUMES (sizeof(of_volumes) / sizeof(of_volumes[0]))

static bool has_volume(const struct pod *pod, const char *name)
{
	for (size_t i = 0; i < pod->n_volumes; i++) {
		if (strcmp(pod->volumes[i].name, name) == 0)
			return true;
	}
	return false;
}

static void of_volume_check(const struct of_volume *o, const char *key,
			    const struct field *field, const json_t *value,
			    const struct pod *pod)
{
	const size_t len = strlen(o->key);

	if (strncmp(key, o->key, len) != 0)
		return;
	/* A wrong type was told already. */
	if (json_is_string(value))
		o->check(field, value);
	if (key[len] && (key[len] != '.' || !has_volume(pod, key + len + 1)))
		field_invalid(field, value,
			      "names no volume of the pod; the key is %s or "
			      "%s.VOLUME",
			      o->key, o->key);
}

void pod_annotations_decode(const struct field *root, struct pod *pod)
{
	const json_t *metadata = json_object_get(pod->document, "metadata");
	const struct field field = field_child(root, "metadata");
	const struct field annotations = field_child(&field, "annotations");
	json_t *map = json_object_get(metadata, "annotations");
	struct field annotation;
	const char *key;
	json_t *value;

	pod->owner_uid = id_decode(&annotations, map, UID_KEY);
	pod->owner_gid = id_decode(&annotations, map, GID_KEY);
	json_object_foreach(map, key, value)
	{
		annotation = field_child(&annotations, key);
		for (size_t i = 0; i < N_OF_VOLUMES; i++)
			of_volume_check(&of_volumes[i], key, &annotation, value,
					pod);
	}
}

/* What is said for one volume before what is said for all; or NULL. */
static const char *for_volume(const struct pod *pod, const char *key,
			      const char *volume)
{
	const json_t *map = json_object_get(
		json_object_get(pod->document, "metadata"), "annotations");
	char own_key[KEY_SIZE];
	const char *text;

	snprintf(own_key, sizeof(own_key), "%s.%s", key, volume);
	text = json_string_value(json_object_get(map, own_key));
	return text ? text : json_string_value(json_object_get(map, key));
}

int64_t pod_annotation_inodes(const struct pod *pod, const char *volume)
{
	const char *text = for_volume(pod, INODES_KEY, volume);
	int64_t n = 0;

	return text && quantity_parse(text, &n) == 0 ? n : 0;
}

bool pod_annotation_usage(const struct pod *pod, const char *volume)
{
	const char *text = for_volume(pod, USAGE_KEY, volume);

	return text && strcmp(text, "true") == 0;
}

bool pod_annotation_watch(const struct pod *pod, const char *volume)
{
	const char *text = for_volume(pod, CACHE_KEY, volume);

	return text && strcmp(text, "watch") == 0;
}
