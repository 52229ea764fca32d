/* SPDX-License-Identifier: Apache-2.0 */
/* response.c - answers of the API: objects, texts and Kubernetes Status errors
 */
#include "tools/podvolsd/response.h"

#include "store/base/cleanup.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void response_done(struct api_response *res)
{
	free(res->text);
	*res = (struct api_response){ 0 };
}

void response_text(struct api_response *res, unsigned code, char *text)
{
	free(res->text);
	res->code = code;
	res->text = text;
	res->len = text ? strlen(text) : 0;
	res->content_type = "text/plain; charset=utf-8";
}

void response_object(struct api_response *res, unsigned code, json_t *object)
{
	char *text = NULL;

	if (object)
		text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	response_text(res, code, text);
	res->content_type = "application/json";
}

json_t *json_of_bytes(const char *bytes)
{
	cleanup_free char *copy = NULL;
	json_t *string = json_string(bytes);

	if (string)
		return string;
	copy = strdup(bytes);
	if (!copy)
		return NULL;
	for (unsigned char *p = (unsigned char *)copy; *p; p++) {
		if (*p >= 0x80)
			*p = '?';
	}
	return json_string(copy);
}

static json_t *failure_details(const struct failure *failure)
{
	json_t *details = json_object();

	if (failure->name && *failure->name)
		json_object_set_new(details, "name",
				    json_of_bytes(failure->name));
	if (failure->kind)
		json_object_set_new(details, "kind",
				    json_string(failure->kind));
	if (failure->causes)
		json_object_set_new(details, "causes", failure->causes);
	return details;
}

void response_failure(struct api_response *res, const struct failure *failure,
		      const char *fmt, ...)
{
	cleanup_free char *message = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&message, fmt, ap) < 0)
		message = NULL;
	va_end(ap);
	response_object(res, failure->code,
			json_pack("{s:s, s:s, s:{}, s:s, s:o, s:s, s:o, s:i}",
				  "kind", "Status", "apiVersion", "v1",
				  "metadata", "status", "Failure", "message",
				  json_of_bytes(message ? message : ""),
				  "reason", failure->reason, "details",
				  failure_details(failure), "code",
				  (int)failure->code));
}

struct failure failure_from_errno(int r)
{
	static const struct {
		int r;
		unsigned code;
		const char *reason;
	} known[] = {
		{ -ENOENT, 404, "NotFound" },
		{ -EEXIST, 409, "AlreadyExists" },
		{ -EBUSY, 409, "Conflict" },
		{ -ESTALE, 409, "Conflict" },
		{ -EINVAL, 400, "BadRequest" },
		{ -E2BIG, 413, "RequestEntityTooLarge" },
		{ -ENOSPC, 507, "InsufficientStorage" },
		{ -EDQUOT, 507, "InsufficientStorage" },
		{ -EAGAIN, 503, "ServiceUnavailable" },
		{ -ENOMEM, 503, "ServiceUnavailable" },
		{ -ESHUTDOWN, 503, "ServiceUnavailable" },
		{ -ETIMEDOUT, 504, "Timeout" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].r == r)
			return (struct failure){ .code = known[i].code,
						 .reason = known[i].reason };
	}
	return (struct failure){ .code = 500, .reason = "InternalError" };
}
