/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_request.h - one HTTP request: its body as it comes in, and its answer
 */
#ifndef PODVOLSD_HTTP_REQUEST_H
#define PODVOLSD_HTTP_REQUEST_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

struct daemon;
struct http_request;

struct http_request *http_request_new(struct MHD_Connection *connection);
void http_request_free(struct http_request *request);

/* A piece of the body.  MHD_NO ends the connection. */
enum MHD_Result http_request_append(struct http_request *request,
				    const char *data, size_t len);

/* The body is complete: ask the API and queue what it says. */
enum MHD_Result http_request_answer(struct http_request *request,
				    struct daemon *d,
				    struct MHD_Connection *connection,
				    const char *method, const char *path);

/* Is it to be answered at once, without its body? */
bool http_request_is_hopeless(const struct http_request *request);

/* Was http_request_answer() called? */
bool http_request_is_answered(const struct http_request *request);

#endif
