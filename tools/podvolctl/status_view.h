/* SPDX-License-Identifier: Apache-2.0 */
/* status_view.h - the daemon's status as lines for reading */
#ifndef PODVOLCTL_STATUS_VIEW_H
#define PODVOLCTL_STATUS_VIEW_H

#include <jansson.h>
#include <stdio.h>

/*
 * "Label: value" for each member of the answer, whichever the daemon has:
 * camelCase becomes words, an object an indented section, an object of objects
 * a table.
 */
void status_view(FILE *out, const json_t *status);

#endif
