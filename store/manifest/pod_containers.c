/* SPDX-License-Identifier: Apache-2.0 */
/* pod_containers.c - containers of a Pod, of all three kinds */
#include "store/manifest/names.h"
#include "store/manifest/pod.h"
#include "store/manifest/pod_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ENV_MAX (4u << 20) /* bytes of all values of a pod, expanded */

const char *const container_lists[N_CONTAINER_KINDS] = {
	[CONTAINER_INIT] = "initContainers",
	[CONTAINER_MAIN] = "containers",
	[CONTAINER_EPHEMERAL] = "ephemeralContainers",
};

/* What is used of a container: a near miss of these is a typing error. */
static const char *const used[] = { "name", "volumeMounts", "volumeDevices",
				    "securityContext", NULL };

struct containers_decoder {
	const json_t *document;
	const json_t *volume_names;
	json_t *names;
	size_t env_budget;
};

static int name_decode(const struct field *container, const json_t *value,
		       json_t *names, struct pod_container *ret)
{
	const json_t *json = json_object_get(value, "name");
	struct field field;
	const char *name;

	name = field_get_string(container, value, "name", &field);
	if (!name || !name[0]) {
		if (!json || name)
			field_required(&field, "a container needs a name");
		name = "";
	} else if (json_object_get(names, name)) {
		field_duplicate(&field, json);
	} else if (!name_is_label(name)) {
		field_invalid(&field, json, NAME_LABEL_TEXT);
	}
	json_object_set_new(names, name, json_true());
	ret->name = strdup(name);
	return ret->name ? 0 : -ENOMEM;
}

static void devices_check(const struct field *container, const json_t *value)
{
	struct field field;
	json_t *devices;

	devices = field_get(container, value, "volumeDevices", FIELD_ARRAY,
			    &field);
	if (json_array_size(devices))
		field_not_supported(&field, NULL,
				    "a block device needs a "
				    "persistentVolumeClaim, which is not "
				    "served by this version of podvols");
}

static int container_decode(struct containers_decoder *d,
			    const struct field *field, json_t *value,
			    struct pod_container *ret)
{
	struct field context_field;
	struct field member;
	json_t *context;
	int r;

	field_check_typos(field, value, used);
	r = name_decode(field, value, d->names, ret);
	if (r < 0)
		return r;
	context = field_get(field, value, "securityContext", FIELD_OBJECT,
			    &context_field);
	ret->privileged =
		field_get_bool(&context_field, context, "privileged", &member);
	devices_check(field, value);
	r = pod_env_decode(field, value, d->document, &d->env_budget, ret);
	if (r < 0)
		return r;
	return pod_mounts_decode(field, value, d->volume_names, ret);
}

static int list_decode(struct containers_decoder *d, const struct field *field,
		       json_t *list, enum container_kind kind, struct pod *pod)
{
	struct pod_container *container;
	struct field item;
	json_t *value;
	int r;

	for (size_t i = 0; i < json_array_size(list); i++) {
		value = json_array_get(list, i);
		item = field_item(field, i);
		if (!field_has_type(&item, value, FIELD_OBJECT))
			continue;
		container = &pod->containers[pod->n_containers++];
		container->kind = kind;
		r = container_decode(d, &item, value, container);
		if (r < 0)
			return r;
	}
	return 0;
}

int pod_containers_decode(const struct field *spec, json_t *value,
			  const json_t *volume_names, struct pod *pod)
{
	struct containers_decoder d = {
		.document = pod->document,
		.volume_names = volume_names,
		.names = json_object(),
		.env_budget = ENV_MAX,
	};
	json_t *list[N_CONTAINER_KINDS];
	struct field field[N_CONTAINER_KINDS];
	size_t n = 1;
	int r = 0;

	for (size_t i = 0; i < N_CONTAINER_KINDS; i++) {
		list[i] = field_get(spec, value, container_lists[i],
				    FIELD_ARRAY, &field[i]);
		n += json_array_size(list[i]);
		if (i == CONTAINER_MAIN &&
		    (!json_object_get(value, container_lists[i]) ||
		     (list[i] && !json_array_size(list[i]))))
			field_required(&field[i],
				       "a pod needs at least one container");
	}
	pod->containers = calloc(n, sizeof(*pod->containers));
	if (!pod->containers || !d.names)
		r = -ENOMEM;
	for (size_t i = 0; r >= 0 && i < N_CONTAINER_KINDS; i++)
		r = list_decode(&d, &field[i], list[i], i, pod);
	json_decref(d.names);
	return r;
}

void pod_container_done(struct pod_container *container)
{
	for (size_t i = 0; i < container->n_env; i++) {
		free(container->env[i].name);
		free(container->env[i].value);
	}
	for (size_t i = 0; i < container->n_mounts; i++) {
		struct pod_mount *m = &container->mounts[i];

		free(m->volume);
		free(m->path);
		free(m->sub_path);
		free(m->sub_path_expr);
		free(m->propagation);
		free(m->recursive_read_only);
	}
	free(container->env);
	free(container->mounts);
	free(container->name);
}
