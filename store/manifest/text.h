/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - UTF-8 text that others wrote: checks, positions, safe quotes */
#ifndef MANIFEST_TEXT_H
#define MANIFEST_TEXT_H

#include <stddef.h>

struct text_position {
	unsigned line;	 /* 1-based */
	unsigned column; /* 1-based, in characters */
};

/* Length of the well-formed UTF-8 character at text, 0 if there is none. */
size_t text_char_len(const char *text, size_t len);

/* Offset of the first byte that is NUL or no UTF-8; len if all is well. */
size_t text_find_bad(const char *text, size_t len);

struct text_position text_position(const char *text, size_t len, size_t off);

#define TEXT_QUOTE_MAX 96

/*
 * A copy of text for a message: control characters and bad bytes become '?',
 * what is too long ends in "...", whole characters only.  Returns buf.
 */
const char *text_quote(const char *text, size_t len, char *buf, size_t size);

#endif
