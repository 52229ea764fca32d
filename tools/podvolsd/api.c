/* SPDX-License-Identifier: Apache-2.0 */
/* api.c - which handler answers which request */
#include "tools/podvolsd/api.h"

#include "store/base/cleanup.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMESPACE "/api/v1/namespaces/{}"

static const struct api_route routes[] = {
	{ "GET", "/api", api_versions },
	{ "GET", "/api/v1", api_resources },
	{ "GET", "/apis", api_groups },
	{ "GET", "/api/v1/pods", api_pods_list_all },
	{ "GET", NAMESPACE "/pods", api_pods_list },
	{ "POST", NAMESPACE "/pods", api_pods_create },
	{ "DELETE", NAMESPACE "/pods", api_pods_delete },
	{ "GET", NAMESPACE "/pods/{}", api_pod_get },
	{ "PUT", NAMESPACE "/pods/{}", api_pod_apply },
	{ "DELETE", NAMESPACE "/pods/{}", api_pod_delete },
	{ "POST", NAMESPACE "/pods/{}/mounts", api_pod_mounts },
	{ "POST", NAMESPACE "/pods/{}/volumes/{}/resize", api_volume_resize },
	{ "GET", "/api/v1/events", api_events_list_all },
	{ "GET", NAMESPACE "/events", api_events_list },
	{ "GET", "/healthz", api_health },
	{ "GET", "/livez", api_health },
	{ "GET", "/readyz", api_health },
	{ "GET", "/version", api_version },
	{ "GET", "/status", api_status },
};

#define ROUTES_N (sizeof(routes) / sizeof(routes[0]))

const char *api_query(const struct api_request *req, const char *key)
{
	for (size_t i = 0; i < req->n_query; i++) {
		if (strcmp(req->query[i].key, key) == 0)
			return req->query[i].value;
	}
	return NULL;
}

void api_fail(struct api_call *call, unsigned code, const char *reason,
	      const char *fmt, ...)
{
	struct failure failure = { .code = code, .reason = reason };
	cleanup_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	response_failure(call->res, &failure, "%s", text ? text : reason);
}

/* Copy the component that starts at path.  Its length; 0 if it cannot be. */
static size_t capture(const char *path, char *ret, size_t size)
{
	size_t n = strcspn(path, "/");

	if (n == 0 || n >= size)
		return 0;
	memcpy(ret, path, n);
	ret[n] = '\0';
	return n;
}

static bool route_matches(const struct api_route *route, const char *path,
			  struct api_call *call)
{
	const char *pattern = route->pattern;
	size_t n = 0;

	while (*pattern) {
		size_t len;

		if (*pattern != '{') {
			if (*pattern++ != *path++)
				return false;
			continue;
		}
		len = capture(path, call->captures[n],
			      sizeof(call->captures[n]));
		if (len == 0)
			return false;
		path += len;
		pattern += strlen("{}");
		n++;
	}
	return *path == '\0';
}

static void allow_method(struct api_response *res, const char *method)
{
	size_t n = strlen(res->allow);

	snprintf(res->allow + n, sizeof(res->allow) - n, "%s%s", n ? ", " : "",
		 method);
}

/* The route; otherwise NULL, and res->allow names what the path does take. */
static const struct api_route *find_route(struct api_call *call)
{
	const char *method = call->req->method;

	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	for (size_t i = 0; i < ROUTES_N; i++) {
		if (!route_matches(&routes[i], call->req->path, call))
			continue;
		if (strcmp(routes[i].method, method) == 0) {
			call->res->allow[0] = '\0';
			return &routes[i];
		}
		allow_method(call->res, routes[i].method);
	}
	return NULL;
}

static bool parse_dry_run(struct api_call *call)
{
	const char *value = api_query(call->req, "dryRun");

	if (!value)
		return true;
	if (strcmp(value, "All") != 0) {
		api_fail(
			call, 400, "BadRequest",
			"dryRun: Unsupported value: \"%s\": supported values: \"All\"",
			value);
		return false;
	}
	call->dry_run = true;
	return true;
}

void api_handle(struct daemon *d, const struct api_request *req,
		struct api_response *res)
{
	struct api_call call = { .daemon = d, .req = req, .res = res };
	const struct api_route *route;

	*res = (struct api_response){ 0 };
	route = find_route(&call);
	if (!route && res->allow[0]) {
		api_fail(
			&call, 405, "MethodNotAllowed",
			"the server does not allow this method on the requested resource");
		return;
	}
	if (!route) {
		api_fail(&call, 404, "NotFound",
			 "the server could not find the requested resource");
		return;
	}
	if (!parse_dry_run(&call))
		return;
	route->handler(&call);
}

void api_refuse_too_large(struct api_response *res)
{
	static const struct failure failure = {
		.code = 413,
		.reason = "RequestEntityTooLarge",
	};

	*res = (struct api_response){ 0 };
	response_failure(res, &failure,
			 "the body is larger than the limit of %u bytes",
			 API_BODY_MAX);
}

void api_refuse_query(struct api_response *res)
{
	static const struct failure failure = {
		.code = 400,
		.reason = "BadRequest",
	};

	*res = (struct api_response){ 0 };
	response_failure(res, &failure, "the query has more than %d parameters",
			 API_QUERY_MAX);
}
