/* SPDX-License-Identifier: Apache-2.0 */
/* pod_volumes.c - spec.volumes of a Pod */
#include "store/manifest/names.h"
#include "store/manifest/pod.h"
#include "store/manifest/pod_parts.h"
#include "store/manifest/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Returns the name if it is good; every name goes into names. */
static const char *name_decode(const struct field *volume, const json_t *value,
			       json_t *names)
{
	const json_t *json = json_object_get(value, "name");
	struct field field;
	const char *name;

	name = field_get_string(volume, value, "name", &field);
	if (!name || !name[0]) {
		if (!json || name)
			field_required(&field, "a volume needs a name");
		return NULL;
	}
	if (json_object_get(names, name)) {
		field_duplicate(&field, json);
		return NULL;
	}
	json_object_set_new(names, name, json_true());
	if (name_is_label(name))
		return name;
	field_invalid(&field, json, NAME_LABEL_TEXT);
	return NULL;
}

/* The one source of a volume entry; findings if it is not exactly one. */
static const struct source *source_decode(const struct field *volume,
					  json_t *value, bool null_emptydir)
{
	const struct source *found = NULL;
	bool unknown = false;
	struct field field;
	const char *key;
	json_t *child;

	/* As if `emptyDir:` had an empty value behind it: Kubernetes fills in
	 * an emptyDir as well, though by another rule. */
	if (null_emptydir && json_object_size(value) <= 1)
		json_object_set_new(value, "emptyDir", json_object());
	json_object_foreach(value, key, child)
	{
		const struct source *source = source_find(key);

		if (strcmp(key, "name") == 0)
			continue;
		field = field_child(volume, key);
		if (!source) {
			source_unknown(volume, key);
			unknown = true;
		} else if (found) {
			field_forbidden(&field,
					"may not specify more than 1 "
					"volume type (there is '%s' "
					"already)",
					found->name);
		} else {
			found = source;
			source_check(source, &field, child);
		}
	}
	if (!found && !unknown)
		field_required(volume, "must specify a volume type, such as "
				       "'emptyDir: {}'");
	return found;
}

static int volume_decode(const struct field *field, json_t *value,
			 json_t *names, struct pod *pod)
{
	const struct source *source;
	struct pod_volume *volume;
	const json_t *emptydir;
	bool null_emptydir;
	const char *name;

	if (!field_has_type(field, value, FIELD_OBJECT))
		return 0;
	emptydir = json_object_get(value, "emptyDir");
	null_emptydir = json_is_null(emptydir);
	if (null_emptydir)
		json_object_del(value, "emptyDir");
	name = name_decode(field, value, names);
	source = source_decode(field, value, null_emptydir);
	if (!name || !source)
		return 0;
	volume = &pod->volumes[pod->n_volumes];
	volume->name = strdup(name);
	if (!volume->name)
		return -ENOMEM;
	volume->source = source->name;
	volume->spec = json_object_get(value, source->name);
	pod->n_volumes++;
	return 0;
}

int pod_volumes_decode(const struct field *spec, json_t *value, struct pod *pod,
		       json_t **ret_names)
{
	json_t *names = json_object();
	struct field field;
	struct field item;
	json_t *volumes;
	json_t *volume;
	size_t i;
	int r = 0;

	if (!names)
		return -ENOMEM;
	volumes = field_get(spec, value, "volumes", FIELD_ARRAY, &field);
	pod->volumes =
		calloc(json_array_size(volumes) + 1, sizeof(*pod->volumes));
	if (!pod->volumes)
		r = -ENOMEM;
	for (i = 0; r >= 0 && i < json_array_size(volumes); i++) {
		volume = json_array_get(volumes, i);
		item = field_item(&field, i);
		r = volume_decode(&item, volume, names, pod);
	}
	*ret_names = names;
	return r;
}
