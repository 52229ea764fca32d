/* SPDX-License-Identifier: Apache-2.0 */
/* pod_mounts.c - volumeMounts of a container */
#include "store/manifest/path.h"
#include "store/manifest/pod.h"
#include "store/manifest/pod_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const known[] = {
	"name",	       "readOnly",	   "recursiveReadOnly",
	"mountPath",   "subPath",	   "mountPropagation",
	"subPathExpr", "bindMountOptions", NULL,
};

static const char *const propagations[] = { "None", "HostToContainer",
					    "Bidirectional", NULL };
static const char *const recursions[] = { "Disabled", "IfPossible", "Enabled",
					  NULL };

static int copy(const char *text, char **ret)
{
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

static int volume_decode(const struct field *mount, const json_t *value,
			 const json_t *volume_names, struct pod_mount *ret)
{
	const json_t *json = json_object_get(value, "name");
	struct field field;
	const char *name;

	name = field_get_string(mount, value, "name", &field);
	if (!name || !name[0]) {
		if (!json || name)
			field_required(&field, "the name of one of the "
					       "spec.volumes");
		return 0;
	}
	if (!json_object_get(volume_names, name))
		field_not_found(&field, json,
				"there is no volume of this name in "
				"spec.volumes");
	return copy(name, &ret->volume);
}

static int path_decode(const struct field *mount, const json_t *value,
		       json_t *paths, struct pod_mount *ret)
{
	const json_t *json = json_object_get(value, "mountPath");
	struct field field;
	const char *path;

	path = field_get_string(mount, value, "mountPath", &field);
	if (!path || !path[0]) {
		if (!json || path)
			field_required(&field, "the path in the container");
		return 0;
	}
	if (strchr(path, ':'))
		field_invalid(&field, json, "must not contain ':'");
	path_check_length(&field, json);
	if (asprintf(&ret->path, "%s%s", path[0] == '/' ? "" : "/", path) < 0) {
		ret->path = NULL;
		return -ENOMEM;
	}
	if (json_object_get(paths, ret->path))
		field_invalid(&field, json, "must be unique");
	return json_object_set_new(paths, ret->path, json_true()) ? -ENOMEM : 0;
}

/* subPath or subPathExpr; an empty one is none. */
static int sub_path_decode(const struct field *mount, const json_t *value,
			   const char *name, enum container_kind kind,
			   char **ret)
{
	const json_t *json = json_object_get(value, name);
	struct field field;
	const char *path;

	path = field_get_string(mount, value, name, &field);
	if (!path || !path[0])
		return 0;
	if (kind == CONTAINER_EPHEMERAL)
		field_forbidden(&field,
				"cannot be set for an Ephemeral Container");
	if (path[0] == '/')
		field_invalid(&field, json, "must be a relative path");
	path_check_dotdot(&field, json);
	path_check_length(&field, json);
	return copy(path, ret);
}

/* A member that is one of names; the first is the default. */
static int choice_decode(const struct field *mount, const json_t *value,
			 const char *name, const char *const *names, char **ret)
{
	struct field field;
	const char *text;

	text = field_get_string(mount, value, name, &field);
	if (!text)
		return copy(names[0], ret);
	for (const char *const *n = names; *n; n++) {
		if (strcmp(text, *n) == 0)
			return copy(text, ret);
	}
	field_not_supported(&field, json_object_get(value, name),
			    "supported values: \"%s\", \"%s\", \"%s\"",
			    names[0], names[1], names[2]);
	return copy(names[0], ret);
}

static void flags_check(const struct field *mount, const json_t *value,
			const struct pod_container *container,
			const struct pod_mount *m)
{
	struct field field;

	field = field_child(mount, "mountPropagation");
	if (strcmp(m->propagation, "Bidirectional") == 0 &&
	    !container->privileged)
		field_forbidden(&field, "Bidirectional mount propagation is "
					"available only to privileged "
					"containers");
	field = field_child(mount, "recursiveReadOnly");
	if (strcmp(m->recursive_read_only, "Disabled") != 0) {
		if (!m->read_only)
			field_forbidden(&field, "may only be specified when "
						"readOnly is true");
		if (strcmp(m->propagation, "None") != 0)
			field_forbidden(&field, "may only be specified when "
						"mountPropagation is None or "
						"not specified");
	}
	field = field_child(mount, "subPathExpr");
	if (m->sub_path && m->sub_path_expr)
		field_invalid(&field, json_object_get(value, "subPathExpr"),
			      "subPathExpr and subPath are mutually exclusive");
	/* A security option is not one to accept and not to apply. */
	field = field_child(mount, "bindMountOptions");
	if (json_array_size(json_object_get(value, "bindMountOptions")))
		field_not_supported(&field, NULL,
				    "bindMountOptions are not served by this "
				    "version of podvols");
}

static int mount_decode(const struct field *field, const json_t *value,
			const json_t *volume_names, json_t *paths,
			struct pod_container *container)
{
	struct pod_mount *m = &container->mounts[container->n_mounts];
	struct field member;
	int r;

	if (!field_has_type(field, value, FIELD_OBJECT))
		return 0;
	container->n_mounts++;
	field_check_known(field, value, known);
	r = volume_decode(field, value, volume_names, m);
	if (r >= 0)
		r = path_decode(field, value, paths, m);
	m->read_only = field_get_bool(field, value, "readOnly", &member);
	if (r >= 0)
		r = sub_path_decode(field, value, "subPath", container->kind,
				    &m->sub_path);
	if (r >= 0)
		r = sub_path_decode(field, value, "subPathExpr",
				    container->kind, &m->sub_path_expr);
	if (r >= 0)
		r = choice_decode(field, value, "mountPropagation",
				  propagations, &m->propagation);
	if (r >= 0)
		r = choice_decode(field, value, "recursiveReadOnly", recursions,
				  &m->recursive_read_only);
	if (r >= 0)
		flags_check(field, value, container, m);
	return r;
}

int pod_mounts_decode(const struct field *container, json_t *value,
		      const json_t *volume_names, struct pod_container *ret)
{
	json_t *paths = json_object();
	struct field field;
	struct field item;
	json_t *mounts;
	int r = 0;

	mounts = field_get(container, value, "volumeMounts", FIELD_ARRAY,
			   &field);
	ret->mounts = calloc(json_array_size(mounts) + 1, sizeof(*ret->mounts));
	if (!paths || !ret->mounts)
		r = -ENOMEM;
	for (size_t i = 0; r >= 0 && i < json_array_size(mounts); i++) {
		item = field_item(&field, i);
		r = mount_decode(&item, json_array_get(mounts, i), volume_names,
				 paths, ret);
	}
	json_decref(paths);
	return r;
}
