/* SPDX-License-Identifier: Apache-2.0 */
/* volume_view.c - the volumes of a pod object, one by one */
#include "tools/podvolctl/volume_view.h"

#include "tools/podvolctl/age.h"
#include "tools/podvolctl/fetch.h"
#include "tools/podvolctl/pod_view.h"
#include "tools/podvolctl/report.h"
#include "tools/podvolctl/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *volume_view_bytes(int64_t bytes, char *buf)
{
	static const char *const units[] = { "",   "Ki", "Mi", "Gi",
					     "Ti", "Pi", "Ei" };
	double value = (double)bytes;
	size_t i = 0;
	int tenths;

	if (bytes < 0) {
		snprintf(buf, BYTES_SIZE, "<unknown>");
		return buf;
	}
	while (value >= 1023.5 && i + 1 < sizeof(units) / sizeof(*units)) {
		value /= 1024;
		i++;
	}
	tenths = (int)(value * 10 + 0.5);
	if (tenths < 100 && tenths % 10)
		snprintf(buf, BYTES_SIZE, "%d.%d%s", tenths / 10, tenths % 10,
			 units[i]);
	else
		snprintf(buf, BYTES_SIZE, "%.0f%s", value, units[i]);
	return buf;
}

const char *volume_view_counted(const struct volume_view *view, char *buf)
{
	if (view->used_bytes < 0)
		return "<none>";
	return view->counted ? age_since(view->counted, buf) : "now";
}

static const json_t *status_of(const struct pod_view *pod, const char *name)
{
	const json_t *status;
	size_t i;

	json_array_foreach(pod->statuses, i,
			   status) if (strcmp(view_string(status, "name"),
					      name) == 0) return status;
	return NULL;
}

/* An entry of spec.volumes has a name and one source. */
static const char *source_of(const json_t *spec)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)spec, key,
			    value) if (strcmp(key, "name") != 0 &&
				       !json_is_null(value)) return key;
	return "<unknown>";
}

static int64_t number_of(const json_t *status, const char *key)
{
	const json_t *value = json_object_get(status, key);

	return json_is_integer(value) ? json_integer_value(value) : -1;
}

/* A quantity may be a number too, as in `sizeLimit: 1000`. */
static const char *limit_of(const json_t *spec, char *buf, size_t size)
{
	const json_t *limit =
		json_object_get(json_object_get(spec, "emptyDir"), "sizeLimit");

	if (json_is_string(limit))
		return json_string_value(limit);
	if (json_is_integer(limit))
		snprintf(buf, size, "%" JSON_INTEGER_FORMAT,
			 json_integer_value(limit));
	else if (json_is_real(limit))
		snprintf(buf, size, "%.15g", json_real_value(limit));
	else
		return NULL;
	return buf;
}

static bool is_selected(const struct selection *selection,
			const struct volume_view *view)
{
	size_t len = strlen(view->pod);

	if (!selection || selection->n_names == 0)
		return true;
	for (size_t i = 0; i < selection->n_names; i++) {
		const char *name = selection->names[i];

		if (strncmp(name, view->pod, len) != 0)
			continue;
		if (!name[len] || (name[len] == '/' &&
				   strcmp(name + len + 1, view->name) == 0))
			return true;
	}
	return false;
}

static size_t each_of_pod(const json_t *pod, const struct selection *selection,
			  volume_view_fn *fn, void *arg)
{
	struct pod_view owner;
	const json_t *spec;
	size_t i, n = 0;

	pod_view_init(&owner, pod);
	json_array_foreach(owner.volumes, i, spec)
	{
		char limit[32];
		struct volume_view view = {
			.pod = owner.name,
			.namespace = owner.namespace,
			.created = owner.created,
			.name = view_string(spec, "name"),
			.source = source_of(spec),
			.spec = spec,
			.limit = limit_of(spec, limit, sizeof(limit)),
		};

		if (!is_selected(selection, &view))
			continue;
		view.status = status_of(&owner, view.name);
		view.used_bytes = number_of(view.status, "usedBytes");
		view.charged_bytes = number_of(view.status, "chargedBytes");
		view.used_inodes = number_of(view.status, "usedInodes");
		view.counted = json_string_value(
			json_object_get(view.status, "usageTime"));
		view.is_recounting = json_is_true(
			json_object_get(view.status, "recounting"));
		n++;
		if (fn(arg, &view) < 0)
			break;
	}
	return n;
}

size_t volume_view_each(const json_t *pods, const struct selection *selection,
			volume_view_fn *fn, void *arg)
{
	const json_t *pod;
	size_t i, n = 0;

	json_array_foreach(pods, i, pod) n +=
		each_of_pod(pod, selection, fn, arg);
	return n;
}

static bool has_pod(const json_t *pods, const char *name)
{
	size_t len = strcspn(name, "/");
	const json_t *pod;
	size_t i;

	json_array_foreach(pods, i, pod)
	{
		struct pod_view view;

		pod_view_init(&view, pod);
		if (strlen(view.name) == len &&
		    strncmp(view.name, name, len) == 0)
			return true;
	}
	return false;
}

static int ignore(void *arg, const struct volume_view *view)
{
	(void)arg;
	(void)view;
	return 0;
}

size_t volume_view_tell_missing(const json_t *pods,
				const struct selection *selection)
{
	size_t n = 0;

	for (size_t i = 0; i < selection->n_names; i++) {
		struct selection one = *selection;

		one.names = selection->names + i;
		one.n_names = 1;
		if (!strchr(one.names[0], '/') || !has_pod(pods, one.names[0]))
			continue;
		if (volume_view_each(pods, &one, ignore, NULL) > 0)
			continue;
		report_error("volumes \"%s\" not found", one.names[0]);
		n++;
	}
	return n;
}

void volume_view_columns(struct table *table, bool namespaces, bool wide)
{
	static const char *const headers[] = { "NAME", "SOURCE", "STATUS",
					       "USED", "LIMIT",	 "INODES",
					       "AGE" };

	if (namespaces)
		table_column(table, "NAMESPACE");
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		table_column(table, headers[i]);
	if (!wide)
		return;
	table_column(table, "CHARGED");
	table_column(table, "COUNTED");
	table_column(table, "ENFORCED-BY");
	table_column(table, "CACHE");
	table_column(table, "BACKEND");
	table_column(table, "PATH");
	table_column(table, "HOST-PATH");
}

void volume_view_row(struct table *table, const struct volume_view *view,
		     bool namespaces, bool wide)
{
	char buf[BYTES_SIZE], age[AGE_SIZE];

	if (namespaces)
		table_cell(table, view->namespace);
	table_cellf(table, "%s/%s", view->pod, view->name);
	table_cell(table, view->source);
	table_cell(table, view_string(view->status, "phase"));
	if (view->is_recounting)
		table_cell(table, "<recounting>");
	else
		table_cell(table, volume_view_bytes(view->used_bytes, buf));
	table_cell(table, view->limit);
	if (view->used_inodes < 0)
		table_cell(table, "<unknown>");
	else
		table_cellf(table, "%" PRId64, view->used_inodes);
	table_cell(table, age_since(view->created, age));
	if (!wide)
		return;
	table_cell(table, volume_view_bytes(view->charged_bytes, buf));
	table_cell(table, volume_view_counted(view, age));
	table_cell(table, view_string(view->status, "enforcement"));
	table_cell(table, view_string(view->status, "cache"));
	table_cell(table, view_string(view->status, "backend"));
	table_cell(table, view_string(view->status, "path"));
	table_cell(table, json_string_value(
				  json_object_get(view->status, "hostPath")));
}

json_t *volume_view_object(const struct volume_view *view)
{
	json_auto_t *name = json_sprintf("%s/%s", view->pod, view->name);

	if (!name)
		return NULL;
	return json_pack("{s:s, s:s, s:{s:O, s:s, s:s}, s:O, s:O*}",
			 "apiVersion", "podvols.io/v1", "kind", "Volume",
			 "metadata", "name", name, "namespace", view->namespace,
			 "creationTimestamp", view->created, "spec",
			 (json_t *)view->spec, "status",
			 (json_t *)view->status);
}
