/* SPDX-License-Identifier: Apache-2.0 */
/* age.c - how long ago something was, as kubectl says it: 5s, 3m, 2h, 4d */
#include "tools/podvolctl/age.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MINUTE ((time_t)60)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define YEAR   (365 * DAY)

/*
 * Two units while the first is small, one from then on.  A row holds for
 * ages below `below` seconds; `second` 0: the first unit only.
 */
static const struct {
	time_t below;
	time_t first;
	time_t second;
	const char *first_name;
	const char *second_name;
} forms[] = {
	{ 2 * MINUTE, 1, 0, "s", "" },	  { 10 * MINUTE, MINUTE, 1, "m", "s" },
	{ 3 * HOUR, MINUTE, 0, "m", "" }, { 8 * HOUR, HOUR, MINUTE, "h", "m" },
	{ 48 * HOUR, HOUR, 0, "h", "" },  { 8 * DAY, DAY, HOUR, "d", "h" },
	{ 2 * YEAR, DAY, 0, "d", "" },	  { 8 * YEAR, YEAR, DAY, "y", "d" },
};

const char *age_format(time_t seconds, char *buf)
{
	if (seconds < -1) {
		snprintf(buf, AGE_SIZE, "<invalid>");
		return buf;
	}
	if (seconds < 0)
		seconds = 0;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		long long first, rest;

		if (seconds >= forms[i].below)
			continue;
		first = seconds / forms[i].first;
		rest = forms[i].second
			       ? seconds % forms[i].first / forms[i].second
			       : 0;
		if (rest)
			snprintf(buf, AGE_SIZE, "%lld%s%lld%s", first,
				 forms[i].first_name, rest,
				 forms[i].second_name);
		else
			snprintf(buf, AGE_SIZE, "%lld%s", first,
				 forms[i].first_name);
		return buf;
	}
	snprintf(buf, AGE_SIZE, "%lldy", (long long)(seconds / YEAR));
	return buf;
}

int age_parse_time(const char *text, time_t *ret)
{
	struct tm tm = { 0 };
	const char *p = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	if (!p)
		return -EINVAL;
	if (*p == '.')
		for (p++; isdigit((unsigned char)*p); p++)
			;
	if (strcmp(p, "Z") != 0)
		return -EINVAL;
	*ret = timegm(&tm);
	return 0;
}

const char *age_since(const char *text, char *buf)
{
	time_t then;

	if (!text || age_parse_time(text, &then) < 0) {
		snprintf(buf, AGE_SIZE, "<unknown>");
		return buf;
	}
	return age_format(time(NULL) - then, buf);
}
