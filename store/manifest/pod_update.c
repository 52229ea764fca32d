/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_update.c - what may change on a live Pod: anything but its volumes, and
 * of those the sizeLimit
 */
#include "store/manifest/causes.h"
#include "store/manifest/field.h"
#include "store/manifest/pod.h"
#include "store/manifest/pod_parts.h"

#include <errno.h>
#include <string.h>

#define HINT "; delete the pod and apply it again"

/* Annotations that podvols itself keeps. */
#define INTERNAL_ANNOTATION "internal.podvols.io/"

static bool is_nothing(const json_t *value)
{
	return !value || json_is_null(value) || json_is_false(value) ||
	       (json_is_string(value) && !json_string_length(value));
}

/* Equal for whoever uses it: absent is empty. */
static bool is_same(const json_t *a, const json_t *b)
{
	return json_equal(a, b) || (is_nothing(a) && is_nothing(b));
}

static bool is_named(const struct field *field, const char *name)
{
	return field && field->name && strcmp(field->name, name) == 0;
}

/* The driver of the volume has the last word on whether it can. */
static bool may_change(const struct field *field)
{
	return is_named(field, "sizeLimit") &&
	       is_named(field->parent, "emptyDir");
}

/* A finding for each member that differs, as deep as can be said. */
static void compare(const struct field *field, const json_t *old,
		    const json_t *new)
{
	struct field member;
	const char *name;
	json_t *value;

	if (is_same(old, new) || may_change(field))
		return;
	if (!json_is_object(old) || !json_is_object(new)) {
		field_forbidden(field, "may not change while the pod "
				       "exists" HINT);
		return;
	}
	json_object_foreach((json_t *)new, name, value)
	{
		member = field_child(field, name);
		compare(&member, json_object_get(old, name), value);
	}
	json_object_foreach((json_t *)old, name, value)
	{
		member = field_child(field, name);
		if (!json_object_get(new, name))
			compare(&member, value, NULL);
	}
}

/* The entries of spec.volumes by name; borrowed values, new set. */
static json_t *volumes_by_name(const struct pod *pod)
{
	const json_t *spec = json_object_get(pod->document, "spec");
	json_t *set = json_object();
	json_t *volume;
	size_t i;

	json_array_foreach(json_object_get(spec, "volumes"), i, volume)
		json_object_set(
			set, json_string_value(json_object_get(volume, "name")),
			volume);
	return set;
}

static void compare_volumes(const struct field *spec, const struct pod *old,
			    const struct pod *new)
{
	struct field field = field_child(spec, "volumes");
	json_t *old_set = volumes_by_name(old);
	json_t *new_set = volumes_by_name(new);
	struct field item;
	const char *name;
	json_t *volume;

	for (size_t i = 0; i < new->n_volumes; i++) {
		name = new->volumes[i].name;
		volume = json_object_get(old_set, name);
		item = field_item(&field, i);
		if (volume)
			compare(&item, volume, json_object_get(new_set, name));
		else
			field_forbidden(&item,
					"volume '%s' may not be added "
					"while the pod exists" HINT,
					name);
	}
	json_object_foreach(old_set, name, volume)
	{
		if (!json_object_get(new_set, name))
			field_forbidden(&field,
					"volume '%s' may not be "
					"removed while the pod "
					"exists" HINT,
					name);
	}
	json_decref(old_set);
	json_decref(new_set);
}

static bool text_is_same(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static void compare_mount(const struct field *field, const struct pod_mount *a,
			  const struct pod_mount *b)
{
	const struct {
		const char *name;
		bool same;
	} members[] = {
		{ "name", text_is_same(a->volume, b->volume) },
		{ "mountPath", text_is_same(a->path, b->path) },
		{ "readOnly", a->read_only == b->read_only },
		{ "subPath", text_is_same(a->sub_path, b->sub_path) },
		{ "subPathExpr",
		  text_is_same(a->sub_path_expr, b->sub_path_expr) },
		{ "mountPropagation",
		  text_is_same(a->propagation, b->propagation) },
		{ "recursiveReadOnly", text_is_same(a->recursive_read_only,
						    b->recursive_read_only) },
	};
	struct field member;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		member = field_child(field, members[i].name);
		if (!members[i].same)
			field_forbidden(&member, "may not change while the pod "
						 "exists" HINT);
	}
}

static void compare_container(const struct field *field,
			      const struct pod_container *a,
			      const struct pod_container *b)
{
	struct field mounts = field_child(field, "volumeMounts");
	struct field member = field_child(field, "name");
	struct field item;

	if (strcmp(a->name, b->name) != 0) {
		field_forbidden(&member,
				"may not change while the pod exists "
				"(it was '%s')" HINT,
				a->name);
		return;
	}
	if (a->n_mounts != b->n_mounts) {
		field_forbidden(&mounts, "mounts may not be added or removed "
					 "while the pod exists" HINT);
		return;
	}
	for (size_t i = 0; i < a->n_mounts; i++) {
		item = field_item(&mounts, i);
		compare_mount(&item, &a->mounts[i], &b->mounts[i]);
	}
}

/* The containers of one kind: they follow each other in a pod. */
static const struct pod_container *of_kind(const struct pod *pod,
					   enum container_kind kind, size_t *n)
{
	size_t first = 0;

	while (first < pod->n_containers && pod->containers[first].kind != kind)
		first++;
	for (*n = 0; first + *n < pod->n_containers &&
		     pod->containers[first + *n].kind == kind;)
		++*n;
	return &pod->containers[first];
}

static void compare_containers(const struct field *spec, const struct pod *old,
			       const struct pod *new, enum container_kind kind)
{
	struct field field = field_child(spec, container_lists[kind]);
	const struct pod_container *a;
	const struct pod_container *b;
	struct field item;
	size_t n_a;
	size_t n_b;

	a = of_kind(old, kind, &n_a);
	b = of_kind(new, kind, &n_b);
	/* A debugger may join a pod at any time; nothing else may. */
	if (n_b < n_a || (n_b > n_a && kind != CONTAINER_EPHEMERAL))
		field_forbidden(&field, "pod updates may not add or remove "
					"containers" HINT);
	for (size_t i = 0; i < n_a && i < n_b; i++) {
		item = field_item(&field, i);
		compare_container(&item, &a[i], &b[i]);
	}
}

static void compare_id(const struct field *parent, const char *name,
		       int64_t old, int64_t new)
{
	struct field field = field_child(parent, name);

	if (old != new)
		field_forbidden(&field, "may not change while the pod "
					"exists" HINT);
}

/* What is asked of the kernel once, when the volumes are made. */
static void compare_owners(const struct field *root, const struct pod *old,
			   const struct pod *new)
{
	struct field metadata = field_child(root, "metadata");
	struct field annotations = field_child(&metadata, "annotations");
	struct field spec = field_child(root, "spec");
	struct field context = field_child(&spec, "securityContext");

	compare_id(&annotations, "podvols.io/uid", old->owner_uid,
		   new->owner_uid);
	compare_id(&annotations, "podvols.io/gid", old->owner_gid,
		   new->owner_gid);
	compare_id(&context, "fsGroup", old->fs_group, new->fs_group);
}

int pod_validate_update(const struct pod *old, const struct pod *new,
			struct causes *causes)
{
	const struct check check = { .causes = causes };
	const struct field root = field_root(&check);
	const struct field spec = field_child(&root, "spec");
	const struct field metadata = field_child(&root, "metadata");
	const struct field uid = field_child(&metadata, "uid");
	size_t found = causes->n_total;

	if (old->uid && new->uid && strcmp(old->uid, new->uid) != 0)
		field_invalid(&uid, NULL,
			      "field is immutable: the pod has '%s'", old->uid);
	compare_volumes(&spec, old, new);
	compare_owners(&root, old, new);
	for (size_t i = 0; i < N_CONTAINER_KINDS; i++)
		compare_containers(&spec, old, new, i);
	return causes->n_total > found ? -EINVAL : 0;
}

/* A new copy of metadata's map without what podvols keeps there. */
static json_t *own_map(const struct pod *pod, const char *name)
{
	const json_t *metadata = json_object_get(pod->document, "metadata");
	json_t *map = json_copy(json_object_get(metadata, name));
	const char *key;
	json_t *value;
	void *next;

	if (!map)
		return json_object();
	json_object_foreach_safe(map, next, key, value)
	{
		if (strncmp(key, INTERNAL_ANNOTATION,
			    strlen(INTERNAL_ANNOTATION)) == 0)
			json_object_del(map, key);
	}
	return map;
}

static bool map_is_same(const struct pod *a, const struct pod *b,
			const char *name)
{
	json_t *x = own_map(a, name);
	json_t *y = own_map(b, name);
	bool same = json_equal(x, y);

	json_decref(x);
	json_decref(y);
	return same;
}

bool pod_is_unchanged(const struct pod *old, const struct pod *new)
{
	if (old->uid && new->uid && strcmp(old->uid, new->uid) != 0)
		return false;
	return map_is_same(old, new, "labels") &&
	       map_is_same(old, new, "annotations") &&
	       json_equal(json_object_get(old->document, "spec"),
			  json_object_get(new->document, "spec"));
}
