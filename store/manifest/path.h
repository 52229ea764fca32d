/* SPDX-License-Identifier: Apache-2.0 */
/* path.h - checks of the paths in a manifest */
#ifndef MANIFEST_PATH_H
#define MANIFEST_PATH_H

#include "store/manifest/field.h"

#include <stdbool.h>

/* Findings for ".." (unless it may be there) and for what no system call
 * takes: 4096 bytes, components of 256. */
bool path_check_length(const struct field *field, const json_t *value);
bool path_check_dotdot(const struct field *field, const json_t *value);

#endif
