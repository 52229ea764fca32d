/* SPDX-License-Identifier: Apache-2.0 */
/* api_resize.c - another size for a volume of a pod, while it is in use */
#include "tools/podvolsd/api.h"

#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/node.h"
#include "tools/podvolsd/api_body.h"
#include "tools/podvolsd/daemon.h"

#include <errno.h>

/* "sizeLimit" of the body, a text or a number as in a manifest. */
static const json_t *size_of(struct api_call *call, const json_t *body)
{
	const json_t *size = json_object_get(body, "sizeLimit");

	if (json_is_string(size) || json_is_number(size))
		return size;
	api_fail(
		call, 422, "Invalid",
		"sizeLimit: %s: a body such as {\"sizeLimit\": \"64Mi\"} is wanted",
		size ? "Invalid value: must be a quantity" : "Required value");
	return NULL;
}

/* Only the pod's name is of interest in what api_body_invalid() tells. */
static void fail_invalid(struct api_call *call, const char *name,
			 const struct causes *causes)
{
	json_auto_t *document =
		json_pack("{s:{s:s}}", "metadata", "name", name);

	api_body_invalid(call, document, causes);
}

void api_volume_resize(struct api_call *call)
{
	json_auto_t *body = NULL;
	cleanup_causes struct causes causes;
	struct node_resize what = {
		.namespace = call->captures[0],
		.pod = call->captures[1],
		.volume = call->captures[2],
		.dry_run = call->dry_run,
	};
	enum node_outcome outcome = NODE_UNCHANGED;
	struct error err = { 0 };
	json_t *object = NULL;
	int r;

	causes_init(&causes);
	if (!api_check_pod_path(call))
		return;
	body = api_body_object(call);
	what.size = body ? size_of(call, body) : NULL;
	if (!what.size)
		return;
	r = node_volume_resize(call->daemon->node, &what, &outcome, &object,
			       &causes, &err);
	if (r < 0 && causes.n > 0) {
		fail_invalid(call, what.pod, &causes);
		return;
	}
	if (r < 0) {
		api_fail_pod(call, r, what.pod, &err);
		return;
	}
	response_object(call->res, 200, object);
	call->res->outcome = api_outcome_word(outcome);
}
