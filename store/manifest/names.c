/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - the shapes that Kubernetes demands of names */
#include "store/manifest/names.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define LABEL_MAX     63
#define SUBDOMAIN_MAX 253

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
	return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

static bool is_dns(const char *name, size_t len)
{
	if (!len || !is_lower_alnum(name[0]) || !is_lower_alnum(name[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_lower_alnum(name[i]) && name[i] != '-')
			return false;
	}
	return true;
}

bool name_is_label(const char *name)
{
	size_t len = strlen(name);

	return len <= LABEL_MAX && is_dns(name, len);
}

static bool is_subdomain(const char *name, size_t len)
{
	const char *end = name + len;

	if (len > SUBDOMAIN_MAX)
		return false;
	for (;;) {
		const char *dot = memchr(name, '.', (size_t)(end - name));
		const char *stop = dot ? dot : end;

		if (!is_dns(name, (size_t)(stop - name)))
			return false;
		if (!dot)
			return true;
		name = dot + 1;
	}
}

bool name_is_subdomain(const char *name)
{
	return is_subdomain(name, strlen(name));
}

bool name_is_subdomain_prefix(const char *name)
{
	char whole[SUBDOMAIN_MAX + 2];
	int len;

	/* A long prefix is cut before the letters are appended. */
	if (strlen(name) > SUBDOMAIN_MAX)
		return false;
	len = snprintf(whole, sizeof(whole), "%sx", name);
	return is_subdomain(whole,
			    len > SUBDOMAIN_MAX ? SUBDOMAIN_MAX : (size_t)len);
}

static bool is_qualified_part(const char *name)
{
	size_t len = strlen(name);

	if (!len || len > LABEL_MAX || !is_alnum(name[0]) ||
	    !is_alnum(name[len - 1]))
		return false;
	for (; *name; name++) {
		if (!is_alnum(*name) && !strchr("-_.", *name))
			return false;
	}
	return true;
}

bool name_is_qualified(const char *name)
{
	const char *slash = strchr(name, '/');

	if (!slash)
		return is_qualified_part(name);
	return is_subdomain(name, (size_t)(slash - name)) &&
	       is_qualified_part(slash + 1);
}

bool name_is_label_value(const char *value)
{
	return !*value || is_qualified_part(value);
}

bool name_is_uuid(const char *text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(text) != strlen(form))
		return false;
	for (size_t i = 0; form[i]; i++) {
		if (form[i] == '-' ? text[i] != '-'
				   : !isxdigit((unsigned char)text[i]))
			return false;
	}
	return true;
}
