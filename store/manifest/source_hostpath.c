/* SPDX-License-Identifier: Apache-2.0 */
/* source_hostpath.c - what a hostPath may say */
#include "store/manifest/path.h"
#include "store/manifest/source.h"

#include <stddef.h>
#include <string.h>

static const char *const types[] = {
	"",	  "DirectoryOrCreate", "Directory",   "FileOrCreate", "File",
	"Socket", "CharDevice",	       "BlockDevice",
};

static void path_check(const struct field *field, const json_t *value)
{
	const char *path = json_string_value(value);

	if (!path[0])
		return; /* told already: it is required */
	if (path[0] != '/')
		field_invalid(field, value, "must be an absolute path");
	path_check_dotdot(field, value);
	path_check_length(field, value);
}

static void type_check(const struct field *field, const json_t *value)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(json_string_value(value), types[i]) == 0)
			return;
	}
	field_not_supported(field, value,
			    "supported values: \"\", \"BlockDevice\", "
			    "\"CharDevice\", \"Directory\", "
			    "\"DirectoryOrCreate\", \"File\", "
			    "\"FileOrCreate\", \"Socket\"");
}

void source_hostpath_check(const struct field *field, json_t *value)
{
	const json_t *path = json_object_get(value, "path");
	const json_t *type = json_object_get(value, "type");
	struct field member;

	member = field_child(field, "path");
	if (json_is_string(path))
		path_check(&member, path);
	member = field_child(field, "type");
	if (json_is_string(type))
		type_check(&member, type);
	if (!type)
		json_object_set_new(value, "type", json_string(""));
}
