/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error.h - a failure as a sentence for a human
 *
 * A struct error needs no initialisation beyond zeroes and owns nothing.
 * Functions take it last, may be given NULL, and fill it only on failure.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

struct error {
	char text[1024];
};

/*
 * Store a formatted message and return r, a negative errno, so that callers
 * can `return error_set(err, -errno, "cannot open '%s': %m", path)`.
 * %m refers to the errno of the call.  A message that does not fit is cut.
 */
int error_set(struct error *err, int r, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "text: " before the message that is already there; returns r. */
int error_prefix(struct error *err, int r, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
