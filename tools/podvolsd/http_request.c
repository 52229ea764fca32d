/* SPDX-License-Identifier: Apache-2.0 */
/* http_request.c - one HTTP request: its body as it comes in, and its answer */
#include "tools/podvolsd/http_request.h"

#include "store/base/cleanup.h"
#include "store/base/log.h"
#include "tools/podvolsd/api.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A body over the limit is read on to its end and thrown away, so that its
 * sender, who writes first and reads later, gets to see the answer; up to here.
 */
#define DISCARD_MAX (64u << 20)
#define BODY_FIRST  4096u

struct http_request {
	char *body;
	size_t len;  /* of the body so far, also if it is thrown away */
	size_t size; /* of the buffer */
	bool too_large;
	bool hopeless; /* too large to be thrown away, too */
	bool answered;
};

/* How long the body is to be; 0 if nobody says. */
static unsigned long long content_length(struct MHD_Connection *connection)
{
	const char *length = MHD_lookup_connection_value(
		connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return length ? strtoull(length, NULL, 10) : 0;
}

struct http_request *http_request_new(struct MHD_Connection *connection)
{
	struct http_request *request = calloc(1, sizeof(*request));
	unsigned long long len = content_length(connection);

	if (!request)
		return NULL;
	request->too_large = len > API_BODY_MAX;
	request->hopeless = len > DISCARD_MAX;
	return request;
}

void http_request_free(struct http_request *request)
{
	if (!request)
		return;
	free(request->body);
	free(request);
}

static bool grow(struct http_request *request, size_t need)
{
	size_t size = request->size ? request->size : BODY_FIRST;
	char *body;

	while (size < need)
		size *= 2;
	if (size == request->size)
		return true;
	body = realloc(request->body, size);
	if (!body)
		return false;
	request->body = body;
	request->size = size;
	return true;
}

enum MHD_Result http_request_append(struct http_request *request,
				    const char *data, size_t len)
{
	size_t old = request->len;

	request->len += len;
	if (request->len > DISCARD_MAX)
		return MHD_NO;
	if (request->len > API_BODY_MAX)
		request->too_large = true;
	if (request->too_large) {
		free(steal_pointer(&request->body));
		request->size = 0;
		return MHD_YES;
	}
	if (!grow(request, request->len))
		return MHD_NO;
	memcpy(request->body + old, data, len);
	return MHD_YES;
}

static enum MHD_Result collect_query(void *arg, enum MHD_ValueKind kind,
				     const char *key, const char *value)
{
	struct api_request *req = arg;

	(void)kind;
	if (req->n_query == API_QUERY_MAX)
		return MHD_NO;
	req->query[req->n_query++] =
		(struct api_query){ key, value ? value : "" };
	return MHD_YES;
}

static void ask(struct http_request *request, struct daemon *d,
		struct MHD_Connection *connection, struct api_request *req,
		struct api_response *res)
{
	int n;

	if (request->too_large) {
		api_refuse_too_large(res);
		return;
	}
	n = MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, NULL,
				      NULL);
	if (n > API_QUERY_MAX) {
		api_refuse_query(res);
		return;
	}
	MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND,
				  collect_query, req);
	req->content_type = MHD_lookup_connection_value(
		connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);
	req->body = request->body;
	req->body_len = request->len;
	api_handle(d, req, res);
}

static struct MHD_Response *make_response(struct api_response *res)
{
	static const char no_memory[] =
		"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},"
		"\"status\":\"Failure\",\"message\":\"out of memory\","
		"\"reason\":\"ServiceUnavailable\",\"code\":503}";

	if (!res->text) {
		res->code = 503;
		res->content_type = "application/json";
		return MHD_create_response_from_buffer(sizeof(no_memory) - 1,
						       (void *)no_memory,
						       MHD_RESPMEM_PERSISTENT);
	}
	return MHD_create_response_from_buffer(
		res->len, steal_pointer(&res->text), MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result queue(struct MHD_Connection *connection,
			     struct api_response *res)
{
	struct MHD_Response *response = make_response(res);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
				res->content_type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL,
				"no-cache, private");
	if (res->allow[0])
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW,
					res->allow);
	if (res->outcome)
		MHD_add_response_header(response, "Podvols-Outcome",
					res->outcome);
	result = MHD_queue_response(connection, res->code, response);
	MHD_destroy_response(response);
	return result;
}

enum MHD_Result http_request_answer(struct http_request *request,
				    struct daemon *d,
				    struct MHD_Connection *connection,
				    const char *method, const char *path)
{
	struct api_request req = { .method = method, .path = path };
	struct api_response res = { 0 };
	enum MHD_Result result;

	request->answered = true;
	ask(request, d, connection, &req, &res);
	log_debug("api: %s %s: %u", method, path, res.code);
	result = queue(connection, &res);
	response_done(&res);
	return result;
}

bool http_request_is_hopeless(const struct http_request *request)
{
	return request->hopeless;
}

bool http_request_is_answered(const struct http_request *request)
{
	return request->answered;
}
