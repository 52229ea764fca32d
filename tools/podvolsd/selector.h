/* SPDX-License-Identifier: Apache-2.0 */
/*
 * selector.h - which objects of a list are meant, by fields and by labels
 *
 * By fields: involvedObject.name=web,type!=Normal.
 */
#ifndef PODVOLSD_SELECTOR_H
#define PODVOLSD_SELECTOR_H

#include <jansson.h>
#include <stdbool.h>

#include "tools/podvolsd/label_selector.h"

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
	struct label_selector labels;
};

/*
 * Parse both texts (NULL: select everything).  fields is a list of those that
 * are supported, ended by NULL.  -EINVAL with err, in the words of Kubernetes,
 * for others and bad syntax.  To be ended in each case.
 */
int selector_parse(const char *by_field, const char *by_label,
		   const char *const *fields, struct selector *ret,
		   struct error *err);
void selector_done(struct selector *selector);
#define cleanup_selector __attribute__((cleanup(selector_done)))

/* The value that an object's field must have, or NULL if any will do. */
const char *selector_value(const struct selector *selector, const char *field);

/* Does the object have these values?  A field that is missing equals "". */
bool selector_matches(const struct selector *selector, const json_t *object);

/* Take out of list.items what does not match; 0 or -ENOMEM. */
int selector_filter(const struct selector *selector, json_t *list);

#endif
