/* SPDX-License-Identifier: Apache-2.0 */
/* api_body.c - bodies of requests: manifests and delete options */
#include "tools/podvolsd/api_body.h"

#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/manifest/manifest.h"
#include "tools/podvolsd/api.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define cleanup_manifest __attribute__((cleanup(manifest_done)))

static bool is_content_type_known(const char *type)
{
	static const char *const known[] = {
		"application/json", "application/yaml", "application/x-yaml",
		"text/yaml",	    "text/json",
	};
	size_t len;

	if (!type || !*type)
		return true;
	len = strcspn(type, "; \t");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strlen(known[i]) == len &&
		    strncasecmp(known[i], type, len) == 0)
			return true;
	}
	return false;
}

/* Read the one document of the body.  False: answered. */
static bool parse_body(struct api_call *call, struct manifest *ret)
{
	const struct api_request *req = call->req;
	struct error err = { 0 };
	int r;

	if (!is_content_type_known(req->content_type)) {
		api_fail(
			call, 415, "UnsupportedMediaType",
			"Content-Type: \"%s\" is not supported: send application/json or application/yaml",
			req->content_type);
		return false;
	}
	r = manifest_parse(req->body ? req->body : "", req->body_len, ret,
			   &err);
	if (r < 0) {
		struct failure failure = failure_from_errno(r);

		api_fail(call, failure.code, failure.reason,
			 "cannot read the body: %s", err.text);
		return false;
	}
	if (ret->n_documents != 1) {
		api_fail(call, 400, "BadRequest",
			 "the body must contain one object, not %zu",
			 ret->n_documents);
		return false;
	}
	return true;
}

/* A metadata field must be absent, or what the path says. */
static bool agrees(struct api_call *call, const json_t *metadata,
		   const char *field, const char *want)
{
	struct failure failure = { .code = 400, .reason = "BadRequest" };
	const char *has = json_string_value(json_object_get(metadata, field));
	char path[64];

	if (!has || !*has || strcmp(has, want) == 0)
		return true;
	snprintf(path, sizeof(path), "metadata.%s", field);
	failure.kind = "pods";
	failure.causes =
		json_pack("[{s:s, s:s, s:o}]", "reason", "FieldValueInvalid",
			  "field", path, "message", json_of_bytes(has));
	response_failure(
		call->res, &failure,
		"the %s of the provided object does not match the %s sent on the request (%s: \"%s\" in the object, \"%s\" in the path)",
		field, field, path, has, want);
	return false;
}

/* Make the document one of this namespace and name.  False: answered. */
static bool settle_names(struct api_call *call, json_t *document,
			 const char *namespace, const char *name)
{
	json_t *metadata = json_object_get(document, "metadata");
	const char *has;

	if (!json_is_object(metadata))
		return true; /* validation will say so */
	if (!agrees(call, metadata, "namespace", namespace))
		return false;
	if (!name)
		return true;
	if (!agrees(call, metadata, "name", name))
		return false;
	has = json_string_value(json_object_get(metadata, "name"));
	if ((!json_object_get(metadata, "name") || (has && !*has)) &&
	    json_object_set_new(metadata, "name", json_string(name)) < 0) {
		api_fail(call, 503, "ServiceUnavailable", "out of memory");
		return false;
	}
	return true;
}

json_t *api_body_object(struct api_call *call)
{
	cleanup_manifest struct manifest manifest = { 0 };
	json_t *value;

	if (!parse_body(call, &manifest))
		return NULL;
	value = manifest.documents[0].value;
	if (json_is_object(value))
		return json_incref(value);
	api_fail(call, 400, "BadRequest", "the body must be an object");
	return NULL;
}

struct pod *api_body_pod(struct api_call *call, const char *namespace,
			 const char *name)
{
	cleanup_manifest struct manifest manifest = { 0 };
	cleanup_causes struct causes causes;
	struct manifest_document *document;
	struct pod *pod = NULL;
	int r;

	causes_init(&causes);
	if (!parse_body(call, &manifest))
		return NULL;
	document = &manifest.documents[0];
	if (!settle_names(call, document->value, namespace, name))
		return NULL;
	r = pod_decode(document->value, namespace, document->lines, &pod,
		       &causes);
	if (r < 0 && (r != -EINVAL || causes.n == 0)) {
		errno = -r;
		api_fail(call, 500, "InternalError",
			 "Internal error occurred: cannot decode the pod: %m");
		return NULL;
	}
	if (r < 0) {
		api_body_invalid(call, document->value, &causes);
		return NULL;
	}
	return pod;
}

static void print_cause(FILE *out, const struct cause *cause)
{
	/* The message may name the line already. */
	if (cause->line && strncmp(cause->message, "line ", 5) != 0)
		fprintf(out, "line %u: ", cause->line);
	if (cause->field && *cause->field)
		fprintf(out, "%s: ", cause->field);
	fputs(cause->message ? cause->message : cause->reason, out);
}

/* One cause as it is, several as [a, b]. */
static char *causes_text(const struct causes *causes)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	if (causes->n_total != 1)
		fputc('[', out);
	for (size_t i = 0; i < causes->n; i++) {
		if (i > 0)
			fputs(", ", out);
		print_cause(out, &causes->list[i]);
	}
	if (causes->n_total > causes->n)
		fprintf(out, ", and %zu more", causes->n_total - causes->n);
	if (causes->n_total != 1)
		fputc(']', out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

void api_body_invalid(struct api_call *call, const json_t *document,
		      const struct causes *causes)
{
	const json_t *metadata = json_object_get(document, "metadata");
	const char *name = json_string_value(json_object_get(metadata, "name"));
	cleanup_free char *text = causes_text(causes);
	struct failure failure = { .code = 422, .reason = "Invalid" };

	if (!name)
		name = json_string_value(
			json_object_get(metadata, "generateName"));
	failure.kind = "Pod";
	failure.name = name;
	failure.causes = causes_to_json(causes);
	response_failure(call->res, &failure, "Pod \"%s\" is invalid: %s",
			 name ? name : "", text ? text : "out of memory");
}

static bool parse_force(struct api_call *call, struct api_delete_options *ret)
{
	const char *value = api_query(call->req, "force");

	if (!value || strcmp(value, "false") == 0)
		return true;
	if (*value && strcmp(value, "true") != 0) {
		api_fail(call, 400, "BadRequest",
			 "force: Invalid value: \"%s\": must be true or false",
			 value);
		return false;
	}
	ret->force = true;
	return true;
}

/* name: "uid" or "resourceVersion"; ret has room for 64 bytes. */
static bool set_condition(struct api_call *call, const char *name,
			  const char *value, char ret[64])
{
	if (!value)
		return true;
	if (!*value || strlen(value) >= 64) {
		api_fail(
			call, 400, "BadRequest",
			"preconditions.%s: Invalid value: \"%.80s\": must be as metadata.%s of the pod",
			name, value, name);
		return false;
	}
	snprintf(ret, 64, "%s", value);
	return true;
}

static bool set_dry_run(struct api_call *call, const json_t *values)
{
	const json_t *value;
	size_t i;

	json_array_foreach(values, i, value)
	{
		const char *text = json_string_value(value);

		if (!text || strcmp(text, "All") != 0) {
			api_fail(
				call, 400, "BadRequest",
				"dryRun[%zu]: Unsupported value: \"%s\": supported values: \"All\"",
				i, text ? text : "");
			return false;
		}
		call->dry_run = true;
	}
	return true;
}

static bool read_conditions(struct api_call *call, const json_t *conditions,
			    struct api_delete_options *ret)
{
	const json_t *uid = json_object_get(conditions, "uid");
	const json_t *version = json_object_get(conditions, "resourceVersion");

	/* One that is not looked at would be no condition. */
	if ((conditions && !json_is_object(conditions)) ||
	    (uid && !json_is_string(uid)) ||
	    (version && !json_is_string(version))) {
		api_fail(
			call, 400, "BadRequest",
			"preconditions: must be an object with uid (string), resourceVersion (string)");
		return false;
	}
	return set_condition(call, "uid", json_string_value(uid), ret->uid) &&
	       set_condition(call, "resourceVersion",
			     json_string_value(version), ret->resource_version);
}

static bool read_delete_body(struct api_call *call, const json_t *body,
			     struct api_delete_options *ret)
{
	const json_t *force = json_object_get(body, "force");
	const json_t *dry_run = json_object_get(body, "dryRun");

	if (!json_is_object(body) || (force && !json_is_boolean(force)) ||
	    (dry_run && !json_is_array(dry_run))) {
		api_fail(
			call, 400, "BadRequest",
			"the body must be DeleteOptions: an object with preconditions, force (boolean), dryRun (list)");
		return false;
	}
	if (force && json_is_true(force))
		ret->force = true;
	return read_conditions(call, json_object_get(body, "preconditions"),
			       ret) &&
	       set_dry_run(call, dry_run);
}

bool api_body_delete_options(struct api_call *call,
			     struct api_delete_options *ret)
{
	cleanup_manifest struct manifest manifest = { 0 };
	const struct api_request *req = call->req;

	if (!parse_force(call, ret) ||
	    !set_condition(call, "uid", api_query(req, "preconditions.uid"),
			   ret->uid) ||
	    !set_condition(call, "resourceVersion",
			   api_query(req, "preconditions.resourceVersion"),
			   ret->resource_version))
		return false;
	if (req->body_len == 0)
		return true;
	if (!parse_body(call, &manifest))
		return false;
	return read_delete_body(call, manifest.documents[0].value, ret);
}
