/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - lines on standard error, each with its priority as the journal reads
 * it */
#include "store/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const names[] = {
	[LOG_LEVEL_ERR] = "err",       [LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_NOTICE] = "notice", [LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

static atomic_int current_level = LOG_LEVEL_INFO;
static atomic_bool is_dated;

void log_set_level(enum log_level level)
{
	atomic_store(&current_level, level);
}

void log_set_dated(bool dated)
{
	atomic_store(&is_dated, dated);
}

bool log_is_enabled(enum log_level level)
{
	return (int)level <=
	       atomic_load_explicit(&current_level, memory_order_relaxed);
}

int log_level_from_name(const char *name, enum log_level *ret)
{
	for (int i = LOG_LEVEL_ERR; i <= LOG_LEVEL_DEBUG; i++) {
		if (strcmp(names[i], name) == 0) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

/* The time of a line in UTC, to the millisecond, as RFC 3339 writes it. */
static size_t put_date(char *buf, size_t size)
{
	struct timespec now;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(buf, size, "%Y-%m-%dT%H:%M:%S", &tm);
	return n + (size_t)snprintf(buf + n, size - n, ".%03dZ ",
				    (int)(now.tv_nsec / 1000000));
}

static size_t put_prefix(enum log_level level, char *buf, size_t size)
{
	size_t n = 0;

	if (atomic_load(&is_dated))
		n = put_date(buf, size);
	else if (!isatty(STDERR_FILENO))
		return (size_t)snprintf(buf, size, "<%d>", (int)level);
	return n + (size_t)snprintf(buf + n, size - n, "%s: ", names[level]);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	int saved = errno;
	char line[2048];
	va_list ap;
	size_t n;

	if (!log_is_enabled(level))
		return;
	n = put_prefix(level, line, sizeof(line));
	errno = saved;
	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	n = strlen(line);
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0)
		saved = saved ? saved : errno;
	errno = saved;
}
