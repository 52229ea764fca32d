/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_describe.c - podvolctl describe: everything about pods or volumes */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "tools/podvolctl/age.h"
#include "tools/podvolctl/client.h"
#include "tools/podvolctl/cmdline.h"
#include "tools/podvolctl/command.h"
#include "tools/podvolctl/describe.h"
#include "tools/podvolctl/fetch.h"
#include "tools/podvolctl/pod_view.h"
#include "tools/podvolctl/report.h"
#include "tools/podvolctl/volume_view.h"

#include <stdio.h>

/* New reference, an array; NULL after having told why. */
static json_t *fetch_events(const struct ctl *ctl, const struct pod_view *pod,
			    int *ret_status)
{
	cleanup_reply struct reply reply = { 0 };
	cleanup_free char *selector = NULL;
	cleanup_free char *query = NULL;
	cleanup_free char *path = NULL;
	struct error err;
	int r;

	*ret_status = STATUS_FAILED;
	if (asprintf(&selector, "involvedObject.uid=%s", pod->uid) < 0)
		selector = NULL;
	query = selector ? client_query("fieldSelector", selector) : NULL;
	if (!query || asprintf(&path, "/api/v1/events?%s", query) < 0) {
		path = NULL;
		report_error("out of memory");
		return NULL;
	}
	r = client_request(ctl->client, "GET", path, NULL, &reply, &err);
	if (r < 0) {
		*ret_status = report_transport(r, &err);
		return NULL;
	}
	if (reply.code != 200) {
		*ret_status =
			report_status(&reply, "reading events", NULL, NULL);
		return NULL;
	}
	*ret_status = STATUS_DONE;
	return json_incref(json_object_get(reply.body, "items"));
}

static int describe_pods(const struct ctl *ctl, const json_t *pods)
{
	int worst = STATUS_DONE;
	const json_t *pod;
	size_t i;

	json_array_foreach(pods, i, pod)
	{
		struct pod_view view;
		json_auto_t *events = NULL;
		int status;

		pod_view_init(&view, pod);
		events = fetch_events(ctl, &view, &status);
		if (status == STATUS_UNREACHABLE)
			return status;
		if (status != STATUS_DONE)
			worst = status;
		if (i > 0)
			fputs("\n\n", stdout);
		describe_pod(stdout, pod, events);
	}
	return worst;
}

struct volume_arg {
	size_t n;
};

static int describe_one_volume(void *arg, const struct volume_view *view)
{
	struct volume_arg *state = arg;

	if (state->n++ > 0)
		fputs("\n\n", stdout);
	describe_volume(stdout, view);
	return 0;
}

int cmd_describe(struct ctl *ctl)
{
	cleanup_selection struct selection selection = { 0 };
	json_auto_t *pods = json_array();
	struct volume_arg arg = { 0 };
	int status, r;

	status = selection_parse(ctl, "describe", &selection);
	if (status != STATUS_DONE)
		return status;
	status = fetch_selection(ctl, &selection, pods);
	if (status == STATUS_UNREACHABLE)
		return status;
	if (selection.n_names == 0 && status == STATUS_DONE &&
	    json_array_size(pods) == 0) {
		fetch_tell_none(ctl);
		return STATUS_DONE;
	}
	if (selection.resource == RESOURCE_POD) {
		r = describe_pods(ctl, pods);
		return r == STATUS_DONE ? status : r;
	}
	if (volume_view_tell_missing(pods, &selection) > 0)
		status = STATUS_FAILED;
	volume_view_each(pods, &selection, describe_one_volume, &arg);
	if (arg.n == 0 && status == STATUS_DONE)
		fetch_tell_none(ctl);
	return status;
}
