/* SPDX-License-Identifier: Apache-2.0 */
/* names.h - the shapes that Kubernetes demands of names */
#ifndef MANIFEST_NAMES_H
#define MANIFEST_NAMES_H

#include <stdbool.h>

#define NAME_LABEL_TEXT                                                        \
	"a lowercase RFC 1123 label must consist of lower case alphanumeric "  \
	"characters or '-', must start and end with an alphanumeric "          \
	"character, and have at most 63 characters (such as 'my-name')"
#define NAME_SUBDOMAIN_TEXT                                                    \
	"a lowercase RFC 1123 subdomain must consist of lower case "           \
	"alphanumeric characters, '-' or '.', must start and end with an "     \
	"alphanumeric character, and have at most 253 characters (such as "    \
	"'example.com')"
#define NAME_QUALIFIED_TEXT                                                    \
	"a name must consist of alphanumeric characters, '-', '_' or '.', "    \
	"must start and end with an alphanumeric character, and have at most " \
	"63 characters; a DNS subdomain and '/' may stand before it (such as " \
	"'example.com/MyName')"
#define NAME_LABEL_VALUE_TEXT                                                  \
	"a label value must be empty or consist of alphanumeric characters, "  \
	"'-', '_' or '.', must start and end with an alphanumeric character, " \
	"and have at most 63 characters (such as 'MyValue')"

bool name_is_label(const char *name);
bool name_is_subdomain(const char *name);
/* Would name followed by random letters be a subdomain? */
bool name_is_subdomain_prefix(const char *name);
bool name_is_qualified(const char *name);
bool name_is_label_value(const char *value);
bool name_is_uuid(const char *text);

#endif
