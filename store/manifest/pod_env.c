/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_env.c - environment of a container, and $(NAME) in subPathExpr
 *
 * As the kubelet does, values are expanded in order, by the variables before
 * them.  What only a cluster knows (configMapKeyRef, status.podIP) has no
 * value here.
 */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/manifest/pod.h"
#include "store/manifest/pod_parts.h"
#include "store/manifest/text.h"

#include <errno.h>
#include <string.h>

/* Where the names of variables are looked up. */
struct scope {
	const struct pod_container *container;
	const json_t *index; /* name -> index; NULL: search */
};

enum lookup {
	LOOKUP_UNKNOWN,	 /* no such variable */
	LOOKUP_NO_VALUE, /* there is one, whose value we cannot know */
	LOOKUP_FOUND,
};

static enum lookup scope_lookup(const struct scope *scope, const char *name,
				size_t len, const char **ret)
{
	const struct pod_container *c = scope->container;
	const json_t *index;
	size_t i = c->n_env;

	if (scope->index) {
		index = json_object_getn(scope->index, name, len);
		if (!index)
			return LOOKUP_UNKNOWN;
		i = (size_t)json_integer_value(index) + 1;
	} else {
		/* The last one of a name counts. */
		while (i && (strncmp(c->env[i - 1].name, name, len) != 0 ||
			     c->env[i - 1].name[len]))
			i--;
	}
	if (!i)
		return LOOKUP_UNKNOWN;
	*ret = c->env[i - 1].value;
	return *ret ? LOOKUP_FOUND : LOOKUP_NO_VALUE;
}

/* A variable that cannot be replaced; takes its name. */
typedef int unresolved_fn(FILE *out, enum lookup what, const char *name,
			  size_t len, void *arg);

/* Replaces the reference or escape at p, which is '$'; advances *p. */
static int expand_one(const struct scope *scope, const char **p, FILE *out,
		      unresolved_fn *unresolved, void *arg)
{
	const char *name = *p + 2;
	const char *value = NULL;
	enum lookup found;
	const char *end;

	if ((*p)[1] == '$') {
		fputc('$', out);
		*p += 2;
		return 0;
	}
	end = (*p)[1] == '(' ? strchr(name, ')') : NULL;
	if (!end) {
		fputc('$', out);
		*p += 1;
		return 0;
	}
	*p = end + 1;
	found = scope_lookup(scope, name, (size_t)(end - name), &value);
	if (found != LOOKUP_FOUND)
		return unresolved(out, found, name, (size_t)(end - name), arg);
	fputs(value, out);
	return 0;
}

/* -E2BIG past max bytes. */
static int expand(const struct scope *scope, const char *expr, size_t max,
		  unresolved_fn *unresolved, void *arg, char **ret)
{
	cleanup_free char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	bool failed;
	int r = 0;

	if (!out)
		return -ENOMEM;
	while (r >= 0 && *expr) {
		size_t n = strcspn(expr, "$");

		fwrite(expr, 1, n, out);
		expr += n;
		if (*expr)
			r = expand_one(scope, &expr, out, unresolved, arg);
		if (r >= 0 && ftell(out) > (long)max)
			r = -E2BIG;
	}
	failed = ferror(out);
	if (fclose(out) || failed)
		return -ENOMEM;
	if (r < 0)
		return r;
	*ret = steal_pointer(&text);
	return 0;
}

/* In a value: a name that nobody has stays as it is written. */
static int keep_unknown(FILE *out, enum lookup what, const char *name,
			size_t len, void *arg)
{
	const bool *more_elsewhere = arg;

	if (what == LOOKUP_NO_VALUE || *more_elsewhere)
		return -ENODATA;
	fprintf(out, "$(%.*s)", (int)len, name);
	return 0;
}

/* Text between ['...'] behind prefix, or NULL. */
static char *subscript(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);
	size_t len = strlen(path);

	if (strncmp(path, prefix, n) != 0 || len < n + 4 ||
	    memcmp(path + n, "['", 2) != 0 ||
	    memcmp(path + len - 2, "']", 2) != 0)
		return NULL;
	return strndup(path + n + 2, len - n - 4);
}

/* What a fieldPath names in this document; NULL: not known here. */
static const char *field_path_value(const char *path, const json_t *document)
{
	const json_t *metadata = json_object_get(document, "metadata");
	const json_t *spec = json_object_get(document, "spec");
	cleanup_free char *key = NULL;
	const char *value;
	const char *map = "labels";

	if (strcmp(path, "metadata.name") == 0 ||
	    strcmp(path, "metadata.namespace") == 0 ||
	    strcmp(path, "metadata.uid") == 0)
		return json_string_value(
			json_object_get(metadata, strchr(path, '.') + 1));
	if (strcmp(path, "spec.nodeName") == 0 ||
	    strcmp(path, "spec.serviceAccountName") == 0)
		return json_string_value(
			json_object_get(spec, strchr(path, '.') + 1));
	key = subscript(path, "metadata.labels");
	if (!key) {
		map = "annotations";
		key = subscript(path, "metadata.annotations");
	}
	if (!key)
		return NULL;
	/* A label that is not there is empty, as Kubernetes has it. */
	value = json_string_value(
		json_object_get(json_object_get(metadata, map), key));
	return value ? value : "";
}

struct env_decoder {
	const json_t *document;
	struct pod_container *container;
	json_t *index; /* name -> index in container->env */
	size_t *budget;
	bool has_env_from;
};

static int value_expand(struct env_decoder *d, const struct field *field,
			const char *text, char **ret)
{
	struct scope scope = { d->container, d->index };
	struct field member = field_child(field, "value");
	int r;

	r = expand(&scope, text, *d->budget, keep_unknown, &d->has_env_from,
		   ret);
	if (r == -E2BIG) {
		field_invalid(&member, NULL,
			      "the environment of this pod is too long once "
			      "its $(NAME) are replaced");
		return 0;
	}
	if (r < 0)
		return r == -ENODATA ? 0 : r;
	*d->budget -= strlen(*ret);
	return 0;
}

static int value_decode(struct env_decoder *d, const struct field *field,
			const json_t *value, struct pod_env *env)
{
	const char *path = NULL;
	struct field from_field;
	struct field ref_field;
	struct field member;
	const char *text;
	json_t *from;
	json_t *ref;

	text = field_get_string(field, value, "value", &member);
	from = field_get(field, value, "valueFrom", FIELD_OBJECT, &from_field);
	if (!from)
		return value_expand(d, field, text ? text : "", &env->value);
	if (text && text[0])
		field_invalid(&from_field, NULL,
			      "may not be specified when `value` is not empty");
	ref = field_get(&from_field, from, "fieldRef", FIELD_OBJECT,
			&ref_field);
	path = field_get_string(&ref_field, ref, "fieldPath", &member);
	text = path ? field_path_value(path, d->document) : NULL;
	if (!text)
		return 0;
	env->value = strdup(text);
	return env->value ? 0 : -ENOMEM;
}

static int variable_decode(struct env_decoder *d, const struct field *field,
			   const json_t *value)
{
	struct pod_container *c = d->container;
	struct field member;
	const char *name;
	int r;

	if (!field_has_type(field, value, FIELD_OBJECT))
		return 0;
	name = field_get_string(field, value, "name", &member);
	if (!name || !name[0]) {
		if (!json_object_get(value, "name") || name)
			field_required(&member, "a variable needs a name");
		return 0;
	}
	r = value_decode(d, field, value, &c->env[c->n_env]);
	c->env[c->n_env].name = strdup(name);
	if (r < 0 || !c->env[c->n_env].name) {
		free(c->env[c->n_env].name);
		free(c->env[c->n_env].value);
		return -ENOMEM;
	}
	return json_object_set_new(d->index, name,
				   json_integer((json_int_t)c->n_env++))
		       ? -ENOMEM
		       : 0;
}

int pod_env_decode(const struct field *container, json_t *value,
		   const json_t *document, size_t *budget,
		   struct pod_container *ret)
{
	struct env_decoder d = {
		.document = document,
		.container = ret,
		.budget = budget,
		.index = json_object(),
	};
	struct field field;
	struct field item;
	json_t *list;
	int r = 0;

	list = field_get(container, value, "envFrom", FIELD_ARRAY, &field);
	d.has_env_from = json_array_size(list) > 0;
	list = field_get(container, value, "env", FIELD_ARRAY, &field);
	ret->env = calloc(json_array_size(list) + 1, sizeof(*ret->env));
	if (!ret->env || !d.index)
		r = -ENOMEM;
	for (size_t i = 0; r >= 0 && i < json_array_size(list); i++) {
		item = field_item(&field, i);
		r = variable_decode(&d, &item, json_array_get(list, i));
	}
	json_decref(d.index);
	return r;
}

struct complaint {
	const struct pod_container *container;
	struct error *err;
};

static int refuse_unresolved(FILE *out, enum lookup what, const char *name,
			     size_t len, void *arg)
{
	const struct complaint *complaint = arg;
	char shown[TEXT_QUOTE_MAX];

	(void)out;
	text_quote(name, len, shown, sizeof(shown));
	return error_set(
		complaint->err, -EINVAL,
		what == LOOKUP_UNKNOWN
			? "container '%s' has no variable '%s' in its "
			  "env"
			: "container '%s': podvols cannot know the value "
			  "of variable '%s'",
		complaint->container->name, shown);
}

int pod_expand(const struct pod_container *container, const char *expr,
	       char **ret, struct error *err)
{
	struct complaint complaint = { container, err };
	struct scope scope = { container, NULL };
	int r;

	r = expand(&scope, expr, 1 << 20, refuse_unresolved, &complaint, ret);
	if (r == -E2BIG)
		return error_set(err, -EINVAL,
				 "'%.64s' expands to more than "
				 "a path can be",
				 expr);
	if (r == -ENOMEM)
		return error_set(err, r, "out of memory");
	return r;
}
