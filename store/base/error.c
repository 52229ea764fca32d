/* SPDX-License-Identifier: Apache-2.0 */
/* error.c - a failure as a sentence for a human */
#include "store/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *err, int r, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return r;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return r;
}

int error_prefix(struct error *err, int r, const char *fmt, ...)
{
	struct error old;
	va_list ap;
	size_t n;

	if (!err)
		return r;
	old = *err;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	n = strlen(err->text);
	snprintf(err->text + n, sizeof(err->text) - n, ": %s", old.text);
	return r;
}
