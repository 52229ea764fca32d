/* SPDX-License-Identifier: Apache-2.0 */
/* age.h - how long ago something was, as kubectl says it: 5s, 3m, 2h, 4d */
#ifndef PODVOLCTL_AGE_H
#define PODVOLCTL_AGE_H

#include <stddef.h>
#include <time.h>

#define AGE_SIZE 48

/* buf of AGE_SIZE bytes; returns it. */
const char *age_format(time_t seconds, char *buf);

/* Seconds of an RFC 3339 time; -EINVAL for anything else. */
int age_parse_time(const char *text, time_t *ret);

/* From an RFC 3339 time (may be NULL) until now; "<unknown>" if it is none. */
const char *age_since(const char *text, char *buf);

#endif
