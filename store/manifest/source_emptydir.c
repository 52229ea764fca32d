/* SPDX-License-Identifier: Apache-2.0 */
/* source_emptydir.c - what an emptyDir may say */
#include "store/manifest/quantity.h"
#include "store/manifest/source.h"

#include <errno.h>
#include <string.h>

#define MODE_MAX 01777

/* Media that the API knows.  Whether the pod has the huge pages that it needs
 * is seen when all of it is read. */
static void medium_check(const struct field *field, const json_t *value)
{
	const char *medium = json_string_value(value);
	int64_t size;

	if (!medium[0])
		return;
	if (strcmp(medium, "Memory") == 0 || strcmp(medium, "HugePages") == 0 ||
	    (strncmp(medium, "HugePages-", 10) == 0 &&
	     quantity_parse(medium + 10, &size) == 0 && size > 0))
		return;
	field_not_supported(field, value,
			    "supported values: \"\", \"Memory\", "
			    "\"HugePages\", \"HugePages-<size>\"");
}

static void size_limit_check(const struct field *field, const json_t *value)
{
	int64_t size;
	int r;

	r = quantity_from_json(value, &size);
	if (r == -ERANGE)
		field_invalid(field, value, "must be less than 8Ei");
	else if (r < 0)
		field_invalid(field, value,
			      "must be a valid resource quantity, such as "
			      "64Mi, 1G, 0.5Gi or 1e9");
	else if (size < 0)
		field_invalid(field, value,
			      "must be greater than or equal to 0");
}

static void mode_check(const struct field *field, const json_t *value)
{
	json_int_t mode = json_integer_value(value);

	if (mode < 0 || mode > MODE_MAX)
		field_invalid(field, value,
			      "must be a number between 0000 and 01777 (octal; "
			      "0 to 1023 in JSON)");
}

void source_emptydir_check(const struct field *field, json_t *value)
{
	const json_t *medium = json_object_get(value, "medium");
	const json_t *limit = json_object_get(value, "sizeLimit");
	const json_t *mode = json_object_get(value, "mode");
	struct field member;

	/* Wrong types have been told already. */
	member = field_child(field, "medium");
	if (json_is_string(medium))
		medium_check(&member, medium);
	member = field_child(field, "sizeLimit");
	if (json_is_string(limit) || json_is_number(limit))
		size_limit_check(&member, limit);
	member = field_child(field, "mode");
	if (json_is_integer(mode))
		mode_check(&member, mode);
}
