/* SPDX-License-Identifier: Apache-2.0 */
/*
 * selector.h - field selectors: involvedObject.name=web,type!=Normal
 */
#ifndef PODVOLSD_SELECTOR_H
#define PODVOLSD_SELECTOR_H

#include <jansson.h>
#include <stdbool.h>

struct error;

#define SELECTOR_TERMS_MAX 8

struct selector_term {
	const char *field; /* one of those that are supported */
	char value[256];
	bool negated;
};

struct selector {
	struct selector_term terms[SELECTOR_TERMS_MAX];
	size_t n;
};

/*
 * Parse text (NULL: select everything).  fields is a list of those that are
 * supported, ended by NULL.  -EINVAL with err for others and bad syntax.
 */
int selector_parse(const char *text, const char *const *fields,
		   struct selector *ret, struct error *err);

/* The value that an object's field must have, or NULL if any will do. */
const char *selector_value(const struct selector *selector, const char *field);

/* Does the object have these values?  A field that is missing equals "". */
bool selector_matches(const struct selector *selector, const json_t *object);

/* Take out of list.items what does not match; 0 or -ENOMEM. */
int selector_filter(const struct selector *selector, json_t *list);

#endif
