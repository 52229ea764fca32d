/* SPDX-License-Identifier: Apache-2.0 */
/* pod_case.h - decode a manifest and say what is expected of it */
#ifndef UNIT_POD_CASE_H
#define UNIT_POD_CASE_H

#include "store/base/error.h"
#include "store/manifest/causes.h"
#include "store/manifest/manifest.h"
#include "store/manifest/pod.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* eq(str) takes no pointer to const. */
#define expect_text(got, want) cr_expect(eq(str, (char *)(got), (char *)(want)))

/* The first document of text. */
static inline int decode(const char *text, struct pod **ret,
			 struct causes *causes)
{
	struct error err = { "" };
	struct manifest m;
	int r;

	r = manifest_parse(text, strlen(text), &m, &err);
	cr_assert(eq(int, r, 0), "%s: %s", text, err.text);
	cr_assert(gt(sz, m.n_documents, 0));
	causes_init(causes);
	r = pod_decode(m.documents[0].value, "here", m.documents[0].lines, ret,
		       causes);
	manifest_done(&m);
	return r;
}

static inline void show(const struct causes *causes)
{
	for (size_t i = 0; i < causes->n; i++)
		fprintf(stderr, "line %u: %s: %s (%s)\n", causes->list[i].line,
			causes->list[i].field, causes->list[i].message,
			causes->list[i].reason);
}

static inline struct pod *good(const char *text)
{
	struct causes causes;
	struct pod *pod = NULL;
	int r = decode(text, &pod, &causes);

	show(&causes);
	cr_assert(eq(int, r, 0), "%s", text);
	cr_expect(eq(sz, causes.n_total, 0));
	causes_done(&causes);
	return pod;
}

static inline void accept(const char *text)
{
	pod_free(good(text));
}

static inline bool has(const struct causes *causes, const char *reason,
		       const char *field, const char *part)
{
	for (size_t i = 0; i < causes->n; i++) {
		const struct cause *c = &causes->list[i];

		if (strcmp(c->field, field) == 0 &&
		    strcmp(c->reason, reason) == 0 && strstr(c->message, part))
			return true;
	}
	return false;
}

/* text must be refused for exactly one reason: this. */
static inline void refuse(const char *text, const char *reason,
			  const char *field, const char *part)
{
	struct pod *pod = (struct pod *)-1;
	struct causes causes;

	cr_assert(eq(int, decode(text, &pod, &causes), -EINVAL), "%s", text);
	cr_expect(pod == (struct pod *)-1, "ret must be untouched on failure");
	if (causes.n_total != 1 || !has(&causes, reason, field, part)) {
		show(&causes);
		cr_expect(false, "%s must be refused with %s: %s: %s", text,
			  reason, field, part);
	}
	causes_done(&causes);
}

#define HEAD "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: "
#define BOX  "containers: [{name: c}]"

static inline const char *with_volume(const char *volume)
{
	static char text[4096];

	snprintf(text, sizeof(text),
		 HEAD "{volumes: [{name: v, %s}], " BOX "}}", volume);
	return text;
}

static inline const char *with_mount(const char *mount)
{
	static char text[16384];

	snprintf(text, sizeof(text),
		 HEAD "{volumes: [{name: v, emptyDir: {}}], containers: "
		      "[{name: c, volumeMounts: [%s]}]}}",
		 mount);
	return text;
}

static inline const char *with_metadata(const char *metadata)
{
	static char text[8192];

	snprintf(text, sizeof(text),
		 "{apiVersion: v1, kind: Pod, metadata: {%s}, spec: {" BOX "}}",
		 metadata);
	return text;
}

#define INVALID	      "FieldValueInvalid"
#define REQUIRED      "FieldValueRequired"
#define NOT_SUPPORTED "FieldValueNotSupported"
#define FORBIDDEN     "FieldValueForbidden"
#define DUPLICATE     "FieldValueDuplicate"
#define NOT_FOUND     "FieldValueNotFound"

#endif
