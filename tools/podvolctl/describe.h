/* SPDX-License-Identifier: Apache-2.0 */
/* describe.h - objects as paragraphs for reading */
#ifndef PODVOLCTL_DESCRIBE_H
#define PODVOLCTL_DESCRIBE_H

#include <jansson.h>
#include <stdio.h>

struct volume_view;

/* events: an array of Event objects, or NULL when they are not known. */
void describe_pod(FILE *out, const json_t *pod, const json_t *events);
void describe_volume(FILE *out, const struct volume_view *view);

#endif
