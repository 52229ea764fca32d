/* SPDX-License-Identifier: Apache-2.0 */
/* api_pods.c - pods: list, get, create, apply, mounts */
#include "tools/podvolsd/api.h"

#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/node.h"
#include "tools/podvolsd/api_body.h"
#include "tools/podvolsd/daemon.h"
#include "tools/podvolsd/selector.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const selectable[] = {
	"metadata.name", "metadata.namespace", "metadata.uid",
	"status.phase",	 "spec.nodeName",      NULL,
};

/* A label of DNS, or several with dots between, as RFC 1123 has them. */
static bool is_dns_name(const char *name, size_t max, bool with_dots)
{
	static const char alnum[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	size_t len = strlen(name);

	if (len == 0 || len > max)
		return false;
	for (const char *p = name;; p++) {
		size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789-");

		if (n == 0 || !strchr(alnum, p[0]) || !strchr(alnum, p[n - 1]))
			return false;
		p += n;
		if (*p == '\0')
			return true;
		if (*p != '.' || !with_dots)
			return false;
	}
}

bool api_check_pod_path(struct api_call *call)
{
	const char *namespace = call->captures[0];
	const char *name = call->captures[1];

	if (!is_dns_name(namespace, 63, false)) {
		api_fail(
			call, 400, "BadRequest",
			"namespace: Invalid value: \"%s\": must be a lowercase RFC 1123 label: at most 63 of a-z, 0-9 and '-', no '-' at either end",
			namespace);
		return false;
	}
	if (*name && !is_dns_name(name, 253, true)) {
		api_fail(
			call, 400, "BadRequest",
			"name: Invalid value: \"%s\": must be a lowercase RFC 1123 subdomain: at most 253 of a-z, 0-9, '-' and '.', each part starting and ending with a letter or digit",
			name);
		return false;
	}
	return true;
}

static void fail_not_found(struct api_call *call, const char *name)
{
	struct failure failure = failure_from_errno(-ENOENT);

	failure.kind = "pods";
	failure.name = name;
	response_failure(call->res, &failure, "pods \"%s\" not found", name);
}

void api_fail_pod(struct api_call *call, int r, const char *name,
		  const struct error *err)
{
	struct failure failure = failure_from_errno(r);
	char unknown[128];
	const char *text = err->text;

	if (r == -ENOENT && !*text) {
		fail_not_found(call, name);
		return;
	}
	if (!*text) {
		errno = -r;
		snprintf(unknown, sizeof(unknown), "%m");
		text = unknown;
	}
	failure.kind = "pods";
	failure.name = name;
	if (r == -EEXIST)
		response_failure(call->res, &failure,
				 "pods \"%s\" already exists", name);
	else if (failure.code == 409)
		response_failure(
			call->res, &failure,
			"Operation cannot be fulfilled on pods \"%s\": %s",
			name, text);
	else if (failure.code == 500)
		response_failure(call->res, &failure,
				 "Internal error occurred: %s", text);
	else
		response_failure(call->res, &failure, "%s", text);
}

static bool parse_selectors(struct api_call *call, struct selector *ret)
{
	const struct api_request *req = call->req;
	const char *watch = api_query(req, "watch");
	struct error err = { 0 };
	int r;

	if (watch && strcmp(watch, "0") != 0 && strcmp(watch, "false") != 0) {
		api_fail(
			call, 400, "BadRequest",
			"watch: pods cannot be watched, list them again instead");
		return false;
	}
	r = selector_parse(api_query(req, "fieldSelector"),
			   api_query(req, "labelSelector"), selectable, ret,
			   &err);
	if (r < 0)
		api_fail_pod(call, r, "", &err);
	return r == 0;
}

json_t *api_pods_select(struct api_call *call, const char *namespace)
{
	cleanup_selector struct selector selector = { 0 };
	json_auto_t *list = NULL;
	struct error err = { 0 };
	int r;

	if (!parse_selectors(call, &selector))
		return NULL;
	r = node_pod_list(call->daemon->node, namespace, &list, &err);
	if (r == 0)
		r = selector_filter(&selector, list);
	if (r < 0) {
		api_fail_pod(call, r, "", &err);
		return NULL;
	}
	return steal_pointer(&list);
}

static void list_pods(struct api_call *call, const char *namespace)
{
	json_t *list = api_pods_select(call, namespace);

	if (list)
		response_object(call->res, 200, list);
}

void api_pods_list_all(struct api_call *call)
{
	list_pods(call, NULL);
}

void api_pods_list(struct api_call *call)
{
	if (api_check_pod_path(call))
		list_pods(call, call->captures[0]);
}

void api_pod_get(struct api_call *call)
{
	struct error err = { 0 };
	json_t *pod = NULL;
	int r;

	if (!api_check_pod_path(call))
		return;
	r = node_pod_get(call->daemon->node, call->captures[0],
			 call->captures[1], &pod, &err);
	if (r < 0)
		api_fail_pod(call, r, call->captures[1], &err);
	else
		response_object(call->res, 200, pod);
}

const char *api_outcome_word(enum node_outcome outcome)
{
	switch (outcome) {
	case NODE_CREATED:
		return "created";
	case NODE_CONFIGURED:
		return "configured";
	case NODE_UNCHANGED:
		return "unchanged";
	}
	return NULL;
}

/* Decode the body and hand it to the engine; name NULL: from the body. */
static void apply_body(struct api_call *call, const char *name, unsigned flags)
{
	cleanup_causes struct causes causes;
	cleanup_pod struct pod *pod = NULL;
	enum node_outcome outcome = NODE_UNCHANGED;
	struct error err = { 0 };
	json_t *object = NULL;
	int r;

	causes_init(&causes);
	pod = api_body_pod(call, call->captures[0], name);
	if (!pod)
		return;
	if (call->dry_run)
		flags |= NODE_APPLY_DRY_RUN;
	r = node_pod_apply(call->daemon->node, pod, flags, &outcome, &object,
			   &causes, &err);
	if (r < 0 && causes.n > 0) {
		api_body_invalid(call, pod->document, &causes);
		return;
	}
	if (r < 0) {
		api_fail_pod(call, r,
			     pod->name ? pod->name : pod->generate_name, &err);
		return;
	}
	response_object(call->res, outcome == NODE_CREATED ? 201 : 200, object);
	call->res->outcome = api_outcome_word(outcome);
}

void api_pods_create(struct api_call *call)
{
	if (api_check_pod_path(call))
		apply_body(call, NULL, NODE_APPLY_CREATE);
}

void api_pod_apply(struct api_call *call)
{
	if (api_check_pod_path(call))
		apply_body(call, call->captures[1], 0);
}

void api_pod_mounts(struct api_call *call)
{
	const char *container = api_query(call->req, "container");
	struct error err = { 0 };
	json_t *mounts = NULL;
	int r;

	if (!api_check_pod_path(call))
		return;
	if (call->dry_run) {
		api_fail(
			call, 400, "BadRequest",
			"dryRun: mounts are made ready by asking for them, there is no dry run");
		return;
	}
	r = node_pod_mounts(call->daemon->node, call->captures[0],
			    call->captures[1], container, &mounts, &err);
	/* What is in the way in a volume is not an error of ours. */
	if (r == -EXDEV || r == -ELOOP || r == -ENOTDIR)
		r = -EINVAL;
	if (r < 0)
		api_fail_pod(call, r, call->captures[1], &err);
	else
		response_object(call->res, 200, mounts);
}
