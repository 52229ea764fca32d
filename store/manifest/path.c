/* SPDX-License-Identifier: Apache-2.0 */
/* path.c - checks of the paths in a manifest */
#include "store/manifest/path.h"

#include "store/base/path.h"

#include <limits.h>
#include <string.h>

bool path_check_length(const struct field *field, const json_t *value)
{
	const char *path = json_string_value(value);

	if (strlen(path) >= PATH_MAX) {
		field_invalid(field, value, "must have fewer than %d bytes",
			      PATH_MAX);
		return false;
	}
	while (*path) {
		size_t n = strcspn(path, "/");

		if (n > NAME_MAX) {
			field_invalid(field, value,
				      "a component of a path has at most %d "
				      "bytes",
				      NAME_MAX);
			return false;
		}
		path += n;
		path += strspn(path, "/");
	}
	return true;
}

bool path_check_dotdot(const struct field *field, const json_t *value)
{
	if (!path_has_dotdot(json_string_value(value)))
		return true;
	field_invalid(field, value, "must not contain '..'");
	return false;
}
