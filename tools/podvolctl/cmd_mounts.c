/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_mounts.c - podvolctl mounts: what to pass to a container runtime */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "tools/podvolctl/client.h"
#include "tools/podvolctl/cmdline.h"
#include "tools/podvolctl/command.h"
#include "tools/podvolctl/pod_view.h"
#include "tools/podvolctl/print.h"
#include "tools/podvolctl/report.h"
#include "tools/podvolctl/runtime.h"

#include <stdio.h>
#include <string.h>

static int malformed(void)
{
	return report_error("the daemon sent mounts that cannot be read");
}

/* The array of items; new reference, NULL after having told why. */
static json_t *fetch_mounts(const struct ctl *ctl, const char *pod,
			    const char *container, int *ret_status)
{
	cleanup_free char *query =
		client_query("?container", container ? container : "");
	cleanup_free char *suffix = NULL;
	cleanup_free char *path = NULL;
	cleanup_reply struct reply reply = { 0 };
	struct error err;
	int r;

	*ret_status = STATUS_FAILED;
	if (!query ||
	    asprintf(&suffix, "/mounts%s", container ? query : "") < 0)
		suffix = NULL;
	path = suffix ? client_pods_path(ctl->cmdline->namespace, pod, suffix)
		      : NULL;
	if (!path) {
		report_error("out of memory");
		return NULL;
	}
	r = client_request(ctl->client, "POST", path, NULL, &reply, &err);
	if (r < 0) {
		*ret_status = report_transport(r, &err);
		return NULL;
	}
	if (reply.code != 200 && reply.code != 201) {
		*ret_status = report_status(&reply, NULL, NULL, NULL);
		return NULL;
	}
	if (!json_is_array(json_object_get(reply.body, "items"))) {
		malformed();
		return NULL;
	}
	*ret_status = STATUS_DONE;
	return json_incref(json_object_get(reply.body, "items"));
}

static const json_t *mounts_of(const json_t *item)
{
	return json_object_get(item, "mounts");
}

/* docker and podman: a line a container, under its name if there are several */
static int print_lines(const struct cmdline *cmdline, const json_t *items)
{
	bool podman = print_is(cmdline, "podman");
	const json_t *item;
	size_t i;

	json_array_foreach(items, i, item)
	{
		int r;

		if (json_array_size(items) > 1)
			printf("# container %s\n",
			       view_string(item, "container"));
		r = podman ? runtime_podman(stdout, mounts_of(item))
			   : runtime_docker(stdout, mounts_of(item));
		if (r < 0)
			return malformed();
	}
	return STATUS_DONE;
}

static int print_oci(const struct cmdline *cmdline, const json_t *items)
{
	json_auto_t *all = json_object();
	const json_t *item;
	size_t i;

	json_array_foreach(items, i, item)
	{
		json_t *mounts = runtime_oci(mounts_of(item));

		if (json_object_set_new(all, view_string(item, "container"),
					mounts) < 0)
			return malformed();
		if (json_array_size(items) == 1)
			return print_object(cmdline, mounts);
	}
	return print_object(cmdline, all);
}

int cmd_mounts(struct ctl *ctl)
{
	const struct cmdline *cmdline = ctl->cmdline;
	json_auto_t *items = NULL;
	char *pod, *slash;
	int status;

	if (cmdline->n_args < 1 || cmdline->n_args > 2)
		return report_usage("mounts", "wants POD [CONTAINER]");
	pod = cmdline->args[0];
	slash = strchr(pod, '/');
	if (slash &&
	    (strncmp(pod, "pod/", 4) == 0 || strncmp(pod, "pods/", 5) == 0))
		pod = slash + 1;
	items = fetch_mounts(ctl, pod,
			     cmdline->n_args == 2 ? cmdline->args[1] : NULL,
			     &status);
	if (!items)
		return status;
	if (print_is(cmdline, "oci"))
		return print_oci(cmdline, items);
	if (print_is(cmdline, "json") || print_is(cmdline, "yaml"))
		return print_object(cmdline, items);
	return print_lines(cmdline, items);
}
