/* SPDX-License-Identifier: Apache-2.0 */
/*
 * response.h - answers of the API: objects, texts and Kubernetes Status errors
 */
#ifndef PODVOLSD_RESPONSE_H
#define PODVOLSD_RESPONSE_H

#include <jansson.h>
#include <stddef.h>

struct api_response {
	unsigned code; /* of HTTP */
	char *text;    /* malloc'd; NULL: there was no memory for it */
	size_t len;
	const char *content_type; /* static */
	const char *outcome;	  /* static: header Podvols-Outcome; or NULL */
	char allow[64];		  /* header Allow; empty: none */
};

void response_done(struct api_response *res);

/* Takes over object, which may be NULL for want of memory. */
void response_object(struct api_response *res, unsigned code, json_t *object);
/* Takes over text, which may be NULL for want of memory. */
void response_text(struct api_response *res, unsigned code, char *text);

/* What went wrong, with which object.  All but code and reason may be NULL. */
struct failure {
	unsigned code;
	const char *reason; /* of Status, such as "NotFound" */
	const char *kind;   /* details.kind */
	const char *name;   /* details.name */
	json_t *causes;	    /* details.causes, taken over */
};

void response_failure(struct api_response *res, const struct failure *failure,
		      const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The code and reason that stand for a negative errno of the engine. */
struct failure failure_from_errno(int r);

/* A JSON string of any bytes: what is not UTF-8 becomes '?'. */
json_t *json_of_bytes(const char *bytes);

#endif
