/* SPDX-License-Identifier: Apache-2.0 */
/* pod_view.c - what is read out of a pod object of the API */
#include "tools/podvolctl/pod_view.h"

#include "tools/podvolctl/age.h"
#include "tools/podvolctl/table.h"

#include <string.h>

const char *view_string(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "<unknown>";
}

void pod_view_init(struct pod_view *view, const json_t *pod)
{
	const json_t *metadata = json_object_get(pod, "metadata");
	const json_t *status = json_object_get(pod, "status");
	const json_t *volume;
	size_t i;

	*view = (struct pod_view){
		.name = view_string(metadata, "name"),
		.namespace = view_string(metadata, "namespace"),
		.uid = view_string(metadata, "uid"),
		.created = view_string(metadata, "creationTimestamp"),
		.phase = view_string(status, "phase"),
		.volumes = json_object_get(json_object_get(pod, "spec"),
					   "volumes"),
		.statuses = json_object_get(status, "volumes"),
	};
	if (json_object_get(metadata, "deletionTimestamp"))
		view->phase = "Terminating";
	view->n_volumes = json_array_size(view->volumes);
	json_array_foreach(view->statuses, i, volume) view->n_ready +=
		strcmp(view_string(volume, "phase"), "Ready") == 0;
}

void pod_view_columns(struct table *table, bool namespaces, bool wide)
{
	if (namespaces)
		table_column(table, "NAMESPACE");
	table_column(table, "NAME");
	table_column(table, "VOLUMES");
	table_column(table, "STATUS");
	table_column(table, "AGE");
	if (wide)
		table_column(table, "UID");
}

void pod_view_row(struct table *table, const json_t *pod, bool namespaces,
		  bool wide)
{
	struct pod_view view;
	char age[AGE_SIZE];

	pod_view_init(&view, pod);
	if (namespaces)
		table_cell(table, view.namespace);
	table_cell(table, view.name);
	table_cellf(table, "%zu/%zu", view.n_ready, view.n_volumes);
	table_cell(table, view.phase);
	table_cell(table, age_since(view.created, age));
	if (wide)
		table_cell(table, view.uid);
}
