/* SPDX-License-Identifier: Apache-2.0 */
/* pod_metadata.c - names, labels and annotations of a Pod */
#include "store/manifest/names.h"
#include "store/manifest/pod.h"
#include "store/manifest/pod_parts.h"
#include "store/manifest/text.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define ANNOTATIONS_MAX 262144 /* bytes of all keys and values */

static const char *const used[] = { "name", "generateName", "namespace",
				    "uid",  "labels",	    "annotations",
				    NULL };
/* Not used, but real: nobody's typing error. */
static const char *const unused[] = {
	"selfLink",	     "resourceVersion",
	"generation",	     "creationTimestamp",
	"deletionTimestamp", "deletionGracePeriodSeconds",
	"ownerReferences",   "finalizers",
	"managedFields",     NULL
};

/* Copy of a text member; *ret stays NULL if there is none. */
static int copy_text(const char *text, char **ret)
{
	if (!text || !text[0])
		return 0;
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

static bool is_text_or_absent(const json_t *value)
{
	return !value || json_is_string(value);
}

static int name_decode(const struct field *metadata, const json_t *value,
		       struct pod *pod)
{
	struct field field;
	const char *text;
	int r;

	text = field_get_string(metadata, value, "name", &field);
	if (text && text[0] && !name_is_subdomain(text))
		field_invalid(&field, json_object_get(value, "name"),
			      NAME_SUBDOMAIN_TEXT);
	r = copy_text(text, &pod->name);
	if (r < 0)
		return r;
	text = field_get_string(metadata, value, "generateName", &field);
	if (text && text[0] && !name_is_subdomain_prefix(text))
		field_invalid(&field, json_object_get(value, "generateName"),
			      NAME_SUBDOMAIN_TEXT);
	r = copy_text(text, &pod->generate_name);
	/* One of a wrong type has been told already. */
	field = field_child(metadata, "name");
	if (!pod->name && !pod->generate_name && r == 0 &&
	    is_text_or_absent(json_object_get(value, "name")) &&
	    is_text_or_absent(json_object_get(value, "generateName")))
		field_required(&field, "name or generateName is required");
	return r;
}

static int namespace_decode(const struct field *metadata, json_t *value,
			    const char *default_namespace, struct pod *pod)
{
	struct field field;
	const char *text;
	json_t *json;

	text = field_get_string(metadata, value, "namespace", &field);
	if (!text || !text[0])
		text = default_namespace && default_namespace[0]
			       ? default_namespace
			       : "default";
	pod->namespace = strdup(text);
	json = json_string(text);
	if (!pod->namespace || !json) {
		json_decref(json);
		return -ENOMEM;
	}
	if (!name_is_label(text))
		field_invalid(&field, json, NAME_LABEL_TEXT);
	return json_object_set_new(value, "namespace", json) ? -ENOMEM : 0;
}

static int uid_decode(const struct field *metadata, json_t *value,
		      struct pod *pod)
{
	struct field field;
	const char *text;
	int r;

	text = field_get_string(metadata, value, "uid", &field);
	if (!text || !text[0])
		return 0;
	if (!name_is_uuid(text)) {
		field_invalid(&field, json_object_get(value, "uid"),
			      "must be a UUID, such as "
			      "'6f1b2c9a-3d4e-4f50-8a6b-7c8d9e0f1a2b'");
		return 0;
	}
	r = copy_text(text, &pod->uid);
	if (r < 0)
		return r;
	for (char *p = pod->uid; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return json_object_set_new(value, "uid", json_string(pod->uid))
		       ? -ENOMEM
		       : 0;
}

static void key_check(const struct field *field, const char *key, bool is_good)
{
	json_t *value;

	if (is_good)
		return;
	value = json_string(key);
	field_invalid(field, value, NAME_QUALIFIED_TEXT);
	json_decref(value);
}

static void labels_check(const struct field *metadata, const json_t *value)
{
	struct field field;
	struct field member;
	const char *key;
	json_t *labels;
	json_t *text;

	labels = field_get(metadata, value, "labels", FIELD_OBJECT, &field);
	json_object_foreach(labels, key, text)
	{
		member = field_child(&field, key);
		key_check(&member, key, name_is_qualified(key));
		if (field_has_type(&member, text, FIELD_STRING) &&
		    !name_is_label_value(json_string_value(text)))
			field_invalid(&member, text, NAME_LABEL_VALUE_TEXT);
	}
}

static bool annotation_key_is_good(const char *key)
{
	char lower[512];
	size_t len = strlen(key);

	if (len >= sizeof(lower))
		return false;
	for (size_t i = 0; i <= len; i++)
		lower[i] = (char)tolower((unsigned char)key[i]);
	return name_is_qualified(lower);
}

static void annotations_check(const struct field *metadata, const json_t *value)
{
	json_t *annotations;
	struct field member;
	struct field field;
	size_t size = 0;
	const char *key;
	json_t *text;

	annotations =
		field_get(metadata, value, "annotations", FIELD_OBJECT, &field);
	json_object_foreach(annotations, key, text)
	{
		member = field_child(&field, key);
		key_check(&member, key, annotation_key_is_good(key));
		field_has_type(&member, text, FIELD_STRING);
		size += strlen(key) + json_string_length(text);
	}
	if (size > ANNOTATIONS_MAX)
		field_invalid(&field, NULL,
			      "annotations have %zu bytes in total; at most %d "
			      "are allowed",
			      size, ANNOTATIONS_MAX);
}

/* A key that is no field of metadata but very near to one that we use. */
static void typos_check(const struct field *metadata, json_t *value)
{
	json_t *rest = json_copy(value);

	for (const char *const *name = unused; *name; name++)
		json_object_del(rest, *name);
	field_check_typos(metadata, rest, used);
	json_decref(rest);
}

int pod_metadata_decode(const struct field *root, json_t *document,
			const char *default_namespace, struct pod *pod)
{
	struct field member;
	struct field field;
	json_t *value;
	int r;

	value = field_get(root, document, "metadata", FIELD_OBJECT, &field);
	if (!value) {
		if (!json_object_get(document, "metadata"))
			field_required(&field, "a pod needs metadata.name");
		return 0;
	}
	typos_check(&field, value);
	/* A condition of the change: as a number it would not be looked at. */
	field_get_string(&field, value, "resourceVersion", &member);
	r = name_decode(&field, value, pod);
	if (r >= 0)
		r = namespace_decode(&field, value, default_namespace, pod);
	if (r >= 0)
		r = uid_decode(&field, value, pod);
	labels_check(&field, value);
	annotations_check(&field, value);
	return r;
}
