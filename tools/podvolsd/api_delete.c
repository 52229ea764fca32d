/* SPDX-License-Identifier: Apache-2.0 */
/* api_delete.c - pods: delete one, or all that a query selects */
#include "tools/podvolsd/api.h"

#include "store/base/error.h"
#include "store/node.h"
#include "tools/podvolsd/api_body.h"
#include "tools/podvolsd/daemon.h"

#include <errno.h>
#include <string.h>

/* Delete a pod of this UID, NULL: of any, as far as the options let it. */
static int delete_pod(struct api_call *call, const char *name, const char *uid,
		      const struct api_delete_options *options,
		      json_t **ret_object, struct error *err)
{
	const char *version = options->resource_version;
	struct node_preconditions conditions = {
		.uid = *options->uid ? options->uid : uid,
		.resource_version = *version ? version : NULL,
	};
	unsigned flags = 0;

	if (options->force)
		flags |= NODE_DELETE_FORCE;
	if (call->dry_run)
		flags |= NODE_DELETE_DRY_RUN;
	return node_pod_delete(call->daemon->node, call->captures[0], name,
			       &conditions, flags, ret_object, err);
}

static void answer_deleted(struct api_call *call, const json_t *object)
{
	const json_t *metadata = json_object_get(object, "metadata");
	const char *uid = json_string_value(json_object_get(metadata, "uid"));

	response_object(call->res, 200,
			json_pack("{s:s, s:s, s:{}, s:s, s:{s:s, s:s, s:s*}}",
				  "kind", "Status", "apiVersion", "v1",
				  "metadata", "status", "Success", "details",
				  "name", call->captures[1], "kind", "pods",
				  "uid", uid));
}

void api_pod_delete(struct api_call *call)
{
	struct api_delete_options options = { 0 };
	json_auto_t *object = NULL;
	struct error err = { 0 };
	int r;

	if (!api_check_pod_path(call) ||
	    !api_body_delete_options(call, &options))
		return;
	r = delete_pod(call, call->captures[1], NULL, &options, &object, &err);
	if (r == -ENOENT)
		err.text[0] = '\0';
	if (r < 0)
		api_fail_pod(call, r, call->captures[1], &err);
	else
		answer_deleted(call, object);
}

/*
 * A client that says how many at most, or as of when, must not lose the others.
 */
static bool refuse_parts(struct api_call *call)
{
	static const char *const parts[] = { "limit", "continue",
					     "resourceVersionMatch" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const char *value = api_query(call->req, parts[i]);

		if (!value || !*value || strcmp(value, "0") == 0)
			continue;
		api_fail(
			call, 400, "BadRequest",
			"%s: a collection is deleted as a whole: use labelSelector or fieldSelector",
			parts[i]);
		return false;
	}
	return true;
}

/* The first pod that stays, and why. */
struct kept {
	int r;
	const char *name;
	struct error err;
};

/*
 * Delete the pods of the list, and take those out of it that are gone already,
 * be there others of their names or not.  One that stays keeps none of the
 * others.
 */
static void delete_listed(struct api_call *call, json_t *items,
			  const struct api_delete_options *options,
			  struct kept *ret)
{
	size_t i = 0;

	while (i < json_array_size(items)) {
		const json_t *metadata =
			json_object_get(json_array_get(items, i), "metadata");
		const char *name =
			json_string_value(json_object_get(metadata, "name"));
		const char *uid =
			json_string_value(json_object_get(metadata, "uid"));
		json_auto_t *object = NULL;
		struct error err = { 0 };
		int r;

		r = delete_pod(call, name, uid, options, &object, &err);
		if (r == -ENOENT || (r == -ESTALE && !*options->uid &&
				     !*options->resource_version)) {
			json_array_remove(items, i);
			continue;
		}
		if (r < 0 && ret->r == 0)
			*ret = (struct kept){ r, name, err };
		i++;
	}
}

void api_pods_delete(struct api_call *call)
{
	struct api_delete_options options = { 0 };
	json_auto_t *list = NULL;
	struct kept kept = { 0 };

	if (!api_check_pod_path(call) || !refuse_parts(call) ||
	    !api_body_delete_options(call, &options))
		return;
	list = api_pods_select(call, call->captures[0]);
	if (!list)
		return;
	delete_listed(call, json_object_get(list, "items"), &options, &kept);
	if (kept.r < 0)
		api_fail_pod(call, kept.r, kept.name, &kept.err);
	else
		response_object(call->res, 200, json_incref(list));
}
