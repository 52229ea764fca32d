/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api.h - the API, shaped as that of Kubernetes: one request in, one answer out
 *
 * Knows nothing of sockets, so that tests and the fuzzer can drive it.
 */
#ifndef PODVOLSD_API_H
#define PODVOLSD_API_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "store/node.h"
#include "tools/podvolsd/response.h"

struct daemon;
struct error;

#define API_BODY_MAX	 (4u << 20)
#define API_QUERY_MAX	 32
#define API_CAPTURES_MAX 3

struct api_query {
	const char *key;
	const char *value; /* "" when there is none */
};

struct api_request {
	const char *method;
	const char *path; /* decoded */
	struct api_query query[API_QUERY_MAX];
	size_t n_query;
	const char *content_type; /* NULL: none given */
	const char *body;
	size_t body_len;
};

/* Answer a request.  The caller ends *res with response_done(). */
void api_handle(struct daemon *d, const struct api_request *req,
		struct api_response *res);

/* A request whose body is more than API_BODY_MAX. */
void api_refuse_too_large(struct api_response *res);
/* A request with more than API_QUERY_MAX parameters. */
void api_refuse_query(struct api_response *res);

/* One call, as a handler sees it. */
struct api_call {
	struct daemon *daemon;
	const struct api_request *req;
	struct api_response *res;
	/* What the {...} of the pattern stand for, in their order. */
	char captures[API_CAPTURES_MAX][256];
	bool dry_run;
};

typedef void api_handler_fn(struct api_call *call);

struct api_route {
	const char *method;
	const char *pattern; /* "/api/v1/namespaces/{}/pods" */
	api_handler_fn *handler;
};

/* The value of a query parameter, or NULL. */
const char *api_query(const struct api_request *req, const char *key);

/* Answer with a failure of this code and reason. */
void api_fail(struct api_call *call, unsigned code, const char *reason,
	      const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* api_pods.c; the first capture is the namespace, the second the name. */
api_handler_fn api_pods_list_all;
api_handler_fn api_pods_list;
api_handler_fn api_pods_create;
api_handler_fn api_pod_get;
api_handler_fn api_pod_apply;
api_handler_fn api_pod_mounts;

/* The PodList that the query selects, of all namespaces for NULL; the caller's.
 * NULL: answered. */
json_t *api_pods_select(struct api_call *call, const char *namespace);

/* Are the names in the path such as can be?  Answers if not. */
bool api_check_pod_path(struct api_call *call);
/* Answer for what the engine refused of a pod. */
void api_fail_pod(struct api_call *call, int r, const char *name,
		  const struct error *err);
/* The header Podvols-Outcome: "created". */
const char *api_outcome_word(enum node_outcome outcome);

/* api_delete.c */
api_handler_fn api_pod_delete;
api_handler_fn api_pods_delete;

/* api_resize.c; the third capture is the volume. */
api_handler_fn api_volume_resize;

/* api_events.c */
api_handler_fn api_events_list_all;
api_handler_fn api_events_list;

/* api_meta.c */
api_handler_fn api_health;
api_handler_fn api_version;
api_handler_fn api_versions;
api_handler_fn api_groups;
api_handler_fn api_resources;
api_handler_fn api_status;

#endif
