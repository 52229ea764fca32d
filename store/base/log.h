/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - lines on standard error, each with its priority as the journal reads
 * it
 *
 * A line is "<n>message", n as in sd-daemon(3): whoever reads that adds the
 * time.  For people it is "err: message" on a terminal, and in a file that is
 * ours "2006-01-02T15:04:05.678Z err: message".  Thread-safe; a line is one
 * write(2).  The level, and whether standard error is such a file, are the
 * only global state of the program.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

void log_set_level(enum log_level level);
/* Standard error is a file that people read: give each line its time. */
void log_set_dated(bool dated);
bool log_is_enabled(enum log_level level);

/* 0, or -EINVAL for a name that is none of err, warning, notice, info, debug.
 */
int log_level_from_name(const char *name, enum log_level *ret);

void log_line(enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#define log_err(...)	 log_line(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)	 log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                                         \
	do {                                                                   \
		if (log_is_enabled(LOG_LEVEL_DEBUG))                           \
			log_line(LOG_LEVEL_DEBUG, __VA_ARGS__);                \
	} while (0)

#endif
