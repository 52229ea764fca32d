/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_body.h - bodies of requests: manifests and delete options
 *
 * These answer the call themselves where the body is wrong.
 */
#ifndef PODVOLSD_API_BODY_H
#define PODVOLSD_API_BODY_H

#include <jansson.h>
#include <stdbool.h>

#include "store/manifest/causes.h"
#include "store/manifest/pod.h"

struct api_call;

#define cleanup_causes __attribute__((cleanup(causes_done)))
#define cleanup_pod    __attribute__((cleanup(pod_freep)))

static inline void pod_freep(struct pod **pod)
{
	pod_free(*pod);
}

/*
 * The pod in the body, which must be of this namespace and, unless name is
 * NULL, of this name; the caller ends it with pod_free().  NULL: answered.
 */
struct pod *api_body_pod(struct api_call *call, const char *namespace,
			 const char *name);

/* The object in the body, whatever it holds; NULL: answered. */
json_t *api_body_object(struct api_call *call);

/* Answer that the pod of document is invalid for these causes. */
void api_body_invalid(struct api_call *call, const json_t *document,
		      const struct causes *causes);

struct api_delete_options {
	bool force;
	/* Preconditions; empty: none. */
	char uid[64];
	char resource_version[64];
};

/* From query and body; dryRun goes to the call.  False: answered. */
bool api_body_delete_options(struct api_call *call,
			     struct api_delete_options *ret);

#endif
