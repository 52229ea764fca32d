/* SPDX-License-Identifier: Apache-2.0 */
/* pod.c - a v1 Pod manifest as podvols sees it */
#include "store/manifest/pod.h"

#include "store/manifest/causes.h"
#include "store/manifest/field.h"
#include "store/manifest/manifest.h"
#include "store/manifest/pod_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const top_members[] = { "apiVersion", "kind",   "metadata",
					   "spec",	 "status", NULL };
/* What is used of a spec: a near miss of these is a typing error. */
static const char *const spec_members[] = { "volumes", "containers",
					    "initContainers",
					    "ephemeralContainers", NULL };

void pod_free(struct pod *pod)
{
	if (!pod)
		return;
	for (size_t i = 0; i < pod->n_volumes; i++)
		free(pod->volumes[i].name);
	for (size_t i = 0; i < pod->n_containers; i++)
		pod_container_done(&pod->containers[i]);
	free(pod->volumes);
	free(pod->containers);
	free(pod->namespace);
	free(pod->name);
	free(pod->generate_name);
	free(pod->uid);
	json_decref(pod->document);
	free(pod);
}

/*
 * A copy in which members that are null are absent, which is what they mean
 * everywhere but in `emptyDir:`.  NULL if out of memory or too deep.
 */
static json_t *copy_without_nulls(const json_t *value, unsigned depth)
{
	const char *key;
	json_t *child;
	json_t *copy;
	int r = 0;
	size_t i;

	if (!json_is_object(value) && !json_is_array(value))
		return json_deep_copy(value);
	copy = json_is_object(value) ? json_object() : json_array();
	if (!copy || depth > MANIFEST_DEPTH_MAX) {
		json_decref(copy);
		return NULL;
	}
	json_object_foreach((json_t *)value, key, child)
	{
		if (!json_is_null(child) || strcmp(key, "emptyDir") == 0)
			r |= json_object_set_new(
				copy, key,
				copy_without_nulls(child, depth + 1));
	}
	json_array_foreach(value, i, child) r |= json_array_append_new(
		copy, copy_without_nulls(child, depth + 1));
	if (!r)
		return copy;
	json_decref(copy);
	return NULL;
}

/* Is it a v1 Pod?  If not, there is no use in looking further. */
static bool check_kind(const struct field *root, const json_t *document)
{
	size_t found = root->check->causes->n_total;
	const char *version;
	const char *kind;
	struct field field;

	if (!field_has_type(root, document, FIELD_OBJECT))
		return false;
	kind = field_get_string(root, document, "kind", &field);
	if (!kind && !json_object_get(document, "kind"))
		field_required(&field, "podvols takes kind Pod");
	else if (kind && strcmp(kind, "Pod") != 0)
		field_not_supported(&field, json_object_get(document, "kind"),
				    "podvols takes kind Pod, apiVersion v1");
	version = field_get_string(root, document, "apiVersion", &field);
	if (!version && !json_object_get(document, "apiVersion"))
		field_required(&field, "podvols takes apiVersion v1");
	else if (version && strcmp(version, "v1") != 0)
		field_not_supported(&field,
				    json_object_get(document, "apiVersion"),
				    "supported values: \"v1\"");
	return found == root->check->causes->n_total;
}

static int spec_decode(const struct field *root, struct pod *pod)
{
	json_t *volume_names = NULL;
	struct field field;
	json_t *spec;
	int r;

	spec = field_get(root, pod->document, "spec", FIELD_OBJECT, &field);
	if (!spec) {
		if (!json_object_get(pod->document, "spec"))
			field_required(&field, "a pod needs a spec with "
					       "containers");
		return 0;
	}
	field_check_typos(&field, spec, spec_members);
	r = pod_volumes_decode(&field, spec, pod, &volume_names);
	if (r >= 0)
		r = pod_containers_decode(&field, spec, volume_names, pod);
	json_decref(volume_names);
	return r;
}

int pod_decode(const json_t *document, const char *default_namespace,
	       const struct manifest_lines *lines, struct pod **ret,
	       struct causes *causes)
{
	const struct check check = { causes, lines };
	const struct field root = field_root(&check);
	size_t found = causes->n_total;
	struct pod *pod;
	int r;

	if (!check_kind(&root, document))
		return -EINVAL;
	pod = calloc(1, sizeof(*pod));
	if (!pod)
		return -ENOMEM;
	pod->document = copy_without_nulls(document, 1);
	if (!pod->document) {
		field_invalid(
			&root, NULL,
			"nested too deeply: at most %d levels are allowed",
			MANIFEST_DEPTH_MAX);
		pod_free(pod);
		return -EINVAL;
	}
	/* Status is what we say about the pod, not what others say. */
	json_object_del(pod->document, "status");
	field_check_typos(&root, pod->document, top_members);
	r = pod_metadata_decode(&root, pod->document, default_namespace, pod);
	if (r >= 0)
		r = spec_decode(&root, pod);
	if (r >= 0) {
		pod_resources_decode(&root, pod->document, pod);
		pod_annotations_decode(&root, pod);
	}
	if (r >= 0 && causes->n_total > found)
		r = -EINVAL;
	if (r < 0) {
		pod_free(pod);
		return r;
	}
	*ret = pod;
	return 0;
}
