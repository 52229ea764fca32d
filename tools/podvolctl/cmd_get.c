/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_get.c - podvolctl get: list pods or volumes */
#include "store/base/cleanup.h"
#include "tools/podvolctl/cmdline.h"
#include "tools/podvolctl/command.h"
#include "tools/podvolctl/fetch.h"
#include "tools/podvolctl/pod_view.h"
#include "tools/podvolctl/print.h"
#include "tools/podvolctl/report.h"
#include "tools/podvolctl/table.h"
#include "tools/podvolctl/volume_view.h"

#include <stdio.h>

static int add_volume_object(void *arg, const struct volume_view *view)
{
	return json_array_append_new(arg, volume_view_object(view));
}

struct row_arg {
	struct table *table;
	const struct cmdline *cmdline;
};

static int add_volume_row(void *arg, const struct volume_view *view)
{
	struct row_arg *row = arg;

	volume_view_row(row->table, view, row->cmdline->all_namespaces,
			print_is(row->cmdline, "wide"));
	return 0;
}

static int print_as_table(const struct cmdline *cmdline,
			  const struct selection *selection, const json_t *pods)
{
	cleanup_table struct table table;
	struct row_arg arg = { &table, cmdline };
	bool wide = print_is(cmdline, "wide");
	json_t *pod;
	size_t i;

	table_init(&table);
	if (selection->resource == RESOURCE_VOLUME) {
		volume_view_columns(&table, cmdline->all_namespaces, wide);
		volume_view_each(pods, selection, add_volume_row, &arg);
	} else {
		pod_view_columns(&table, cmdline->all_namespaces, wide);
		json_array_foreach(pods, i, pod) pod_view_row(
			&table, pod, cmdline->all_namespaces, wide);
	}
	if (table_n_rows(&table) == 0) /* what was named is missing */
		return STATUS_DONE;
	return print_table(cmdline, &table);
}

static int print_names(const struct selection *selection, json_t *objects)
{
	json_t *object;
	size_t i;

	json_array_foreach(objects, i, object) printf(
		"%s/%s\n",
		selection->resource == RESOURCE_POD ? "pod" : "volume",
		view_string(json_object_get(object, "metadata"), "name"));
	return STATUS_DONE;
}

/* One object that was asked for by its name stands alone, as kubectl does. */
static int print_objects(const struct cmdline *cmdline,
			 const struct selection *selection, json_t *pods)
{
	json_auto_t *objects = NULL;

	if (selection->resource == RESOURCE_POD) {
		objects = json_incref(pods);
	} else {
		objects = json_array();
		volume_view_each(pods, selection, add_volume_object, objects);
	}
	if (print_is(cmdline, "name"))
		return print_names(selection, objects);
	if (selection->n_names == 1 && json_array_size(objects) == 1)
		return print_object(cmdline, json_array_get(objects, 0));
	return print_list(cmdline, objects);
}

static bool is_empty(const struct selection *selection, const json_t *pods)
{
	const json_t *pod;
	size_t i;

	if (selection->resource == RESOURCE_POD)
		return json_array_size(pods) == 0;
	json_array_foreach(pods, i, pod)
	{
		struct pod_view view;

		pod_view_init(&view, pod);
		if (view.n_volumes > 0)
			return false;
	}
	return true;
}

int cmd_get(struct ctl *ctl)
{
	const struct cmdline *cmdline = ctl->cmdline;
	bool as_table = !cmdline->output || print_is(cmdline, "wide");
	cleanup_selection struct selection selection = { 0 };
	json_auto_t *pods = json_array();
	int status, printed;

	status = selection_parse(ctl, "get", &selection);
	if (status != STATUS_DONE)
		return status;
	status = fetch_selection(ctl, &selection, pods);
	if (status == STATUS_UNREACHABLE)
		return status;
	if (volume_view_tell_missing(pods, &selection) > 0 &&
	    !cmdline->ignore_not_found)
		status = STATUS_FAILED;
	if (selection.n_names > 0 && json_array_size(pods) == 0)
		return status;
	if (selection.n_names == 0 && status != STATUS_DONE)
		return status;
	if (as_table && is_empty(&selection, pods)) {
		fetch_tell_none(ctl);
		return status;
	}
	printed = as_table ? print_as_table(cmdline, &selection, pods)
			   : print_objects(cmdline, &selection, pods);
	return printed == STATUS_DONE ? status : printed;
}
