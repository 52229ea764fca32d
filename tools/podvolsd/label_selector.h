/* SPDX-License-Identifier: Apache-2.0 */
/*
 * label_selector.h - label selectors: app=web,tier in (front, back),!canary
 */
#ifndef PODVOLSD_LABEL_SELECTOR_H
#define PODVOLSD_LABEL_SELECTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct error;

#define LABEL_TERMS_MAX 32

enum label_op {
	LABEL_EXISTS,
	LABEL_MISSING,
	LABEL_IN, /* so is one of values */
	LABEL_NOT_IN,
	LABEL_GREATER, /* than the one value, a number */
	LABEL_LESS,
};

struct label_term {
	enum label_op op;
	char *key;
	json_t *values; /* an array of strings */
};

/* All zeroes selects everything. */
struct label_selector {
	struct label_term terms[LABEL_TERMS_MAX]; /* all of them must hold */
	size_t n;
};

/*
 * Parse text (NULL: select everything), as Kubernetes does and with its words
 * in err.  -EINVAL, -ENOMEM.  To be ended in each case.
 */
int label_selector_parse(const char *text, struct label_selector *ret,
			 struct error *err);
void label_selector_done(struct label_selector *selector);
#define cleanup_label_selector __attribute__((cleanup(label_selector_done)))

/* Do these labels, an object or NULL, match? */
bool label_selector_matches(const struct label_selector *selector,
			    const json_t *labels);

#endif
