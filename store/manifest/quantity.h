/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quantity.h - resource quantities: 64Mi, 1G, 0.5Gi, 1e3, 100m
 *
 * Grammar: k8s.io/apimachinery resource.Quantity.  A value is rounded up to a
 * whole number, as Kubernetes' Value() does.
 */
#ifndef MANIFEST_QUANTITY_H
#define MANIFEST_QUANTITY_H

#include <stddef.h>
#include <stdint.h>

/* 0, -EINVAL for what is no quantity, -ERANGE beyond int64_t. */
int quantity_parse(const char *text, int64_t *ret);

/* The same of a JSON value: text or a number; -EINVAL for anything else. */
struct json_t;
int quantity_from_json(const struct json_t *value, int64_t *ret);

/* Shortest exact form with a binary suffix: 64Mi, 1536, 3Gi.  buf >= 24. */
const char *quantity_format(int64_t value, char *buf, size_t size);

#endif
