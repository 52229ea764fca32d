/* SPDX-License-Identifier: Apache-2.0 */
/* fetch.c - the pods that a command line names */
#include "tools/podvolctl/fetch.h"

#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/suggest.h"
#include "tools/podvolctl/client.h"
#include "tools/podvolctl/cmdline.h"
#include "tools/podvolctl/command.h"
#include "tools/podvolctl/pod_view.h"
#include "tools/podvolctl/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *word;
	enum resource resource;
} resource_words[] = {
	{ "pods", RESOURCE_POD },      { "pod", RESOURCE_POD },
	{ "po", RESOURCE_POD },	       { "volumes", RESOURCE_VOLUME },
	{ "volume", RESOURCE_VOLUME }, { "vol", RESOURCE_VOLUME },
};

#define N_RESOURCE_WORDS (sizeof(resource_words) / sizeof(*resource_words))

static int resource_find(const char *word, size_t len, enum resource *ret)
{
	for (size_t i = 0; i < N_RESOURCE_WORDS; i++) {
		if (strlen(resource_words[i].word) != len ||
		    strncmp(resource_words[i].word, word, len) != 0)
			continue;
		*ret = resource_words[i].resource;
		return 0;
	}
	return -ENOENT;
}

static int unknown_resource(const char *verb, const char *word, size_t len)
{
	const char *words[N_RESOURCE_WORDS + 1] = { NULL };
	const char *nearest;

	for (size_t i = 0; i < N_RESOURCE_WORDS; i++)
		words[i] = resource_words[i].word;
	nearest = suggest_nearest(word, len, words);
	if (nearest)
		return report_usage(verb,
				    "unknown type '%.*s'; did you mean '%s'?",
				    (int)len, word, nearest);
	return report_usage(verb,
			    "unknown type '%.*s': must be pods or volumes",
			    (int)len, word);
}

/* "TYPE/NAME TYPE/NAME...": all of one type. */
static int parse_pairs(const struct cmdline *cmdline, const char *verb,
		       struct selection *ret)
{
	for (size_t i = 0; i < cmdline->n_args; i++) {
		char *arg = cmdline->args[i];
		char *slash = strchr(arg, '/');
		enum resource resource;

		if (!slash)
			return report_usage(
				verb,
				"'%s' is no TYPE/NAME, as the words before it",
				arg);
		if (resource_find(arg, slash - arg, &resource) < 0)
			return unknown_resource(verb, arg, slash - arg);
		if (i > 0 && resource != ret->resource)
			return report_usage(verb,
					    "'%s' is of another type than '%s'",
					    arg, cmdline->args[0]);
		ret->resource = resource;
		ret->names[ret->n_names++] = slash + 1;
	}
	return STATUS_DONE;
}

static int check_names(const struct cmdline *cmdline, const char *verb,
		       const struct selection *selection)
{
	for (size_t i = 0; i < selection->n_names; i++) {
		const char *name = selection->names[i];

		if (!name || !*name)
			return report_usage(verb, "a name is empty");
	}
	if ((cmdline->selector || cmdline->field_selector) &&
	    selection->n_names > 0)
		return report_usage(
			verb,
			"name cannot be provided when a selector is specified");
	if (cmdline->all_namespaces && selection->n_names > 0)
		return report_usage(
			verb,
			"a name cannot be looked up in all namespaces: use -n");
	return STATUS_DONE;
}

int selection_parse(const struct ctl *ctl, const char *verb,
		    struct selection *ret)
{
	const struct cmdline *cmdline = ctl->cmdline;
	const char *type;

	*ret = (struct selection){ 0 };
	if (cmdline->n_args == 0)
		return report_usage(verb, "say what to %s: pods or volumes",
				    verb);
	ret->names = calloc(cmdline->n_args, sizeof(*ret->names));
	if (!ret->names)
		return report_error("out of memory");
	type = cmdline->args[0];
	if (strchr(type, '/')) {
		int status = parse_pairs(cmdline, verb, ret);

		if (status != STATUS_DONE)
			return status;
		return check_names(cmdline, verb, ret);
	}
	if (resource_find(type, strlen(type), &ret->resource) < 0)
		return unknown_resource(verb, type, strlen(type));
	for (size_t i = 1; i < cmdline->n_args; i++)
		ret->names[ret->n_names++] = cmdline->args[i];
	return check_names(cmdline, verb, ret);
}

void selection_done(struct selection *selection)
{
	free(selection->names);
	selection->names = NULL;
}

/* kubectl prints these for each object, also for those out of a list. */
static int set_type(json_t *pod)
{
	if (json_object_set_new(pod, "apiVersion", json_string("v1")) < 0 ||
	    json_object_set_new(pod, "kind", json_string("Pod")) < 0)
		return report_error("the daemon sent a pod that is no object");
	return STATUS_DONE;
}

int fetch_pod(const struct ctl *ctl, const char *name, json_t **ret)
{
	cleanup_free char *path =
		client_pods_path(ctl->cmdline->namespace, name, "");
	cleanup_reply struct reply reply = { 0 };
	struct error err;
	int r, status;

	if (!path)
		return report_error("out of memory");
	r = client_request(ctl->client, "GET", path, NULL, &reply, &err);
	if (r < 0)
		return report_transport(r, &err);
	if (reply.code == 404 && ctl->cmdline->ignore_not_found) {
		*ret = NULL;
		return STATUS_DONE;
	}
	if (reply.code != 200)
		return report_status(&reply, NULL, NULL, NULL);
	status = set_type(reply.body);
	if (status != STATUS_DONE)
		return status;
	*ret = steal_pointer(&reply.body);
	return STATUS_DONE;
}

struct entry {
	struct pod_view view;
	json_t *pod;
};

static int by_name(const void *a, const void *b)
{
	const struct pod_view *x = &((const struct entry *)a)->view;
	const struct pod_view *y = &((const struct entry *)b)->view;
	int order = strcmp(x->namespace, y->namespace);

	return order ? order : strcmp(x->name, y->name);
}

/* The daemon lists in the order of creation; kubectl's users see names. */
static int append_sorted(json_t *items, const json_t *found)
{
	size_t n = json_array_size(found);
	cleanup_free struct entry *entries = calloc(n + 1, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		entries[i].pod = json_array_get(found, i);
		pod_view_init(&entries[i].view, entries[i].pod);
	}
	qsort(entries, n, sizeof(*entries), by_name);
	for (size_t i = 0; i < n; i++)
		if (json_array_append(items, entries[i].pod) < 0)
			return -ENOMEM;
	return 0;
}

/* Of all pods, those that the selectors choose; NULL when out of memory. */
static char *list_path(const struct cmdline *cmdline)
{
	const char *labels = cmdline->selector;
	const char *fields = cmdline->field_selector;
	cleanup_free char *by_label =
		client_query("labelSelector", labels ? labels : "");
	cleanup_free char *by_field =
		client_query("fieldSelector", fields ? fields : "");
	cleanup_free char *query = NULL;

	if (!by_label || !by_field ||
	    asprintf(&query, "?%s&%s", by_label, by_field) < 0) {
		query = NULL;
		return NULL;
	}
	return client_pods_path(cmdline->all_namespaces ? NULL
							: cmdline->namespace,
				NULL, labels || fields ? query : "");
}

static int fetch_all(const struct ctl *ctl, json_t *items)
{
	cleanup_free char *path = list_path(ctl->cmdline);
	cleanup_reply struct reply reply = { 0 };
	json_t *found, *pod;
	struct error err;
	size_t i;
	int r;

	if (!path)
		return report_error("out of memory");
	r = client_request(ctl->client, "GET", path, NULL, &reply, &err);
	if (r < 0)
		return report_transport(r, &err);
	if (reply.code != 200)
		return report_status(&reply, NULL, NULL, NULL);
	found = json_object_get(reply.body, "items");
	if (!json_is_array(found))
		return report_error("the daemon sent a list without items");
	json_array_foreach(found, i, pod)
	{
		int status = set_type(pod);

		if (status != STATUS_DONE)
			return status;
	}
	return append_sorted(items, found) < 0 ? report_error("out of memory")
					       : STATUS_DONE;
}

/* Two volumes of one pod ask for it once. */
static bool is_repeated(const struct selection *selection, size_t n)
{
	size_t len = strcspn(selection->names[n], "/");

	if (selection->resource != RESOURCE_VOLUME)
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *name = selection->names[i];

		if (strcspn(name, "/") == len &&
		    strncmp(name, selection->names[n], len) == 0)
			return true;
	}
	return false;
}

int fetch_selection(const struct ctl *ctl, const struct selection *selection,
		    json_t *items)
{
	int worst = STATUS_DONE;

	if (selection->n_names == 0)
		return fetch_all(ctl, items);
	for (size_t i = 0; i < selection->n_names; i++) {
		cleanup_free char *name = strdup(selection->names[i]);
		json_t *pod = NULL;
		int status;

		if (!name)
			return report_error("out of memory");
		if (is_repeated(selection, i))
			continue;
		if (selection->resource == RESOURCE_VOLUME)
			name[strcspn(name, "/")] = '\0';
		status = fetch_pod(ctl, name, &pod);
		if (status == STATUS_UNREACHABLE)
			return status;
		if (status != STATUS_DONE)
			worst = status;
		if (pod && json_array_append_new(items, pod) < 0)
			return report_error("out of memory");
	}
	return worst;
}

void fetch_tell_none(const struct ctl *ctl)
{
	fflush(stdout);
	if (ctl->cmdline->all_namespaces)
		fputs("No resources found\n", stderr);
	else
		fprintf(stderr, "No resources found in %s namespace.\n",
			ctl->cmdline->namespace);
}
