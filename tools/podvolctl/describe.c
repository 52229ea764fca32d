/* SPDX-License-Identifier: Apache-2.0 */
/* describe.c - objects as paragraphs for reading */
#include "tools/podvolctl/describe.h"

#include "store/base/cleanup.h"
#include "tools/podvolctl/age.h"
#include "tools/podvolctl/pod_view.h"
#include "tools/podvolctl/report.h"
#include "tools/podvolctl/table.h"
#include "tools/podvolctl/volume_view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_WIDTH 14

/* "Label:        text", the label indented; NULL is <none>. */
static void line(FILE *out, unsigned indent, const char *label,
		 const char *text)
{
	cleanup_free char *clean = strdup(text && *text ? text : "<none>");
	int pad = LABEL_WIDTH - (int)strlen(label) - 1;

	fprintf(out, "%*s%s:%*s%s\n", (int)indent, "", label, pad > 1 ? pad : 1,
		"", clean ? report_clean(clean) : "");
}

static void describe_map(FILE *out, const char *label, const json_t *map)
{
	const char *key;
	json_t *value;
	bool first = true;

	if (json_object_size(map) == 0)
		line(out, 0, label, NULL);
	json_object_foreach((json_t *)map, key, value)
	{
		cleanup_free char *text = NULL;

		if (asprintf(&text, "%s=%s", key,
			     json_is_string(value) ? json_string_value(value)
						   : "") < 0)
			text = NULL;
		if (first)
			line(out, 0, label, text);
		else
			fprintf(out, "%*s%s\n", LABEL_WIDTH, "",
				text ? report_clean(text) : "");
		first = false;
	}
}

/* A field of the source: "Type: DirectoryOrCreate". */
static void describe_field(FILE *out, unsigned indent, const char *key,
			   const json_t *value)
{
	cleanup_free char *text = json_dumps(value, JSON_ENCODE_ANY);
	char label[64];

	snprintf(label, sizeof(label), "%s", key);
	if (*label >= 'a' && *label <= 'z')
		*label = (char)(*label - 'a' + 'A');
	line(out, indent, report_clean(label),
	     json_is_string(value) ? json_string_value(value) : text);
}

static void describe_source(FILE *out, const struct volume_view *view,
			    unsigned indent)
{
	const json_t *source = json_object_get(view->spec, view->source);
	const char *key;
	json_t *value;

	line(out, indent, "Source", view->source);
	json_object_foreach((json_t *)source, key, value)
		describe_field(out, indent + 2, key, value);
}

static void describe_volume_at(FILE *out, const struct volume_view *view,
			       unsigned indent)
{
	const char *message =
		json_string_value(json_object_get(view->status, "message"));
	char buf[BYTES_SIZE], age[AGE_SIZE];

	line(out, indent, "Status", view_string(view->status, "phase"));
	if (message)
		line(out, indent, "Message", message);
	describe_source(out, view, indent);
	line(out, indent, "Backend", view_string(view->status, "backend"));
	line(out, indent, "Path", view_string(view->status, "path"));
	line(out, indent, "Host Path",
	     json_string_value(json_object_get(view->status, "hostPath")));
	line(out, indent, "Used",
	     view->is_recounting ? "<recounting>"
				 : volume_view_bytes(view->used_bytes, buf));
	if (view->charged_bytes >= 0)
		line(out, indent, "Charged",
		     volume_view_bytes(view->charged_bytes, buf));
	if (view->counted)
		line(out, indent, "Counted", volume_view_counted(view, age));
	line(out, indent, "Enforced By",
	     view_string(view->status, "enforcement"));
	line(out, indent, "Cache", view_string(view->status, "cache"));
	if (view->used_inodes >= 0)
		snprintf(buf, sizeof(buf), "%" PRId64, view->used_inodes);
	else
		snprintf(buf, sizeof(buf), "<unknown>");
	line(out, indent, "Inodes", buf);
}

static int describe_nested_volume(void *arg, const struct volume_view *view)
{
	FILE *out = arg;
	cleanup_free char *name = strdup(view->name);

	fprintf(out, "  %s:\n", name ? report_clean(name) : "");
	describe_volume_at(out, view, 4);
	return 0;
}

static void describe_mount(FILE *out, const json_t *mount)
{
	const char *sub = json_string_value(json_object_get(mount, "subPath"));
	cleanup_free char *text = NULL;
	bool read_only = json_is_true(json_object_get(mount, "readOnly"));

	if (!sub)
		sub = json_string_value(json_object_get(mount, "subPathExpr"));
	if (asprintf(&text, "%s from %s%s%s (%s)",
		     view_string(mount, "mountPath"),
		     view_string(mount, "name"), sub ? "/" : "", sub ? sub : "",
		     read_only ? "ro" : "rw") < 0) {
		text = NULL;
		return;
	}
	fprintf(out, "      %s\n", report_clean(text));
}

static void describe_containers(FILE *out, const char *label,
				const json_t *containers)
{
	const json_t *container, *mount;
	size_t i, j;

	if (json_array_size(containers) == 0)
		return;
	fprintf(out, "%s:\n", label);
	json_array_foreach(containers, i, container)
	{
		const json_t *mounts =
			json_object_get(container, "volumeMounts");

		fprintf(out, "  %s:\n", view_string(container, "name"));
		fprintf(out, "    Mounts:%s\n",
			json_array_size(mounts) ? "" : "  <none>");
		json_array_foreach(mounts, j, mount) describe_mount(out, mount);
	}
}

static void describe_events(FILE *out, const json_t *events)
{
	static const char *const headers[] = { "Type", "Reason", "Age", "From",
					       "Message" };
	cleanup_table struct table table;
	const json_t *event;
	size_t i;

	if (json_array_size(events) == 0) {
		line(out, 0, "Events", events ? NULL : "<unknown>");
		return;
	}
	table_init(&table);
	for (i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		table_column(&table, headers[i]);
	json_array_foreach(events, i, event)
	{
		const char *when = json_string_value(
			json_object_get(event, "lastTimestamp"));
		char age[AGE_SIZE];

		if (!when)
			when = json_string_value(
				json_object_get(event, "eventTime"));
		table_cell(&table, view_string(event, "type"));
		table_cell(&table, view_string(event, "reason"));
		table_cell(&table, age_since(when, age));
		table_cell(&table, view_string(json_object_get(event, "source"),
					       "component"));
		table_cell(&table, view_string(event, "message"));
	}
	fputs("Events:\n", out);
	table_print(&table, out, true, 2);
}

void describe_pod(FILE *out, const json_t *pod, const json_t *events)
{
	static const char *const labels[] = { "Init Containers", "Containers",
					      "Ephemeral Containers" };
	static const char *const keys[] = { "initContainers", "containers",
					    "ephemeralContainers" };
	const json_t *metadata = json_object_get(pod, "metadata");
	const json_t *spec = json_object_get(pod, "spec");
	const char *message = json_string_value(
		json_object_get(json_object_get(pod, "status"), "message"));
	json_auto_t *one = json_pack("[O]", (json_t *)pod);
	struct pod_view view;

	pod_view_init(&view, pod);
	line(out, 0, "Name", view.name);
	line(out, 0, "Namespace", view.namespace);
	line(out, 0, "UID", view.uid);
	line(out, 0, "Created", view.created);
	describe_map(out, "Labels", json_object_get(metadata, "labels"));
	describe_map(out, "Annotations",
		     json_object_get(metadata, "annotations"));
	line(out, 0, "Status", view.phase);
	if (message)
		line(out, 0, "Message", message);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		describe_containers(out, labels[i],
				    json_object_get(spec, keys[i]));
	if (view.n_volumes > 0)
		fputs("Volumes:\n", out);
	else
		line(out, 0, "Volumes", NULL);
	volume_view_each(one, NULL, describe_nested_volume, out);
	describe_events(out, events);
}

void describe_volume(FILE *out, const struct volume_view *view)
{
	line(out, 0, "Name", view->name);
	line(out, 0, "Pod", view->pod);
	line(out, 0, "Namespace", view->namespace);
	line(out, 0, "Created", view->created);
	describe_volume_at(out, view, 0);
}
