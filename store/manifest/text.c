/* SPDX-License-Identifier: Apache-2.0 */
/* text.c - UTF-8 text that others wrote: checks, positions, safe quotes */
#include "store/manifest/text.h"

#include <stdint.h>
#include <string.h>

static size_t char_len_by_lead(unsigned char c)
{
	if (c < 0x80)
		return 1;
	if (c >= 0xC2 && c <= 0xDF)
		return 2;
	if (c >= 0xE0 && c <= 0xEF)
		return 3;
	if (c >= 0xF0 && c <= 0xF4)
		return 4;
	return 0;
}

size_t text_char_len(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t n = len ? char_len_by_lead(p[0]) : 0;
	uint32_t c;

	if (n <= 1 || n > len)
		return n > len ? 0 : n;
	c = p[0] & (0x7Fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3Fu);
	}
	if ((n == 3 && c < 0x800) || (n == 4 && c < 0x10000) || c > 0x10FFFF)
		return 0;
	return c >= 0xD800 && c <= 0xDFFF ? 0 : n;
}

size_t text_find_bad(const char *text, size_t len)
{
	size_t off = 0;

	while (off < len) {
		size_t n = text_char_len(text + off, len - off);

		if (!n || !text[off])
			break;
		off += n;
	}
	return off;
}

struct text_position text_position(const char *text, size_t len, size_t off)
{
	struct text_position pos = { 1, 1 };

	for (size_t i = 0; i < off && i < len; i++) {
		if (text[i] == '\n') {
			pos.line++;
			pos.column = 1;
		} else if ((text[i] & 0xC0) != 0x80) {
			pos.column++;
		}
	}
	return pos;
}

const char *text_quote(const char *text, size_t len, char *buf, size_t size)
{
	static const char dots[] = "...";
	size_t out = 0;
	size_t fit = 0; /* where the dots would go */

	for (size_t i = 0; i < len;) {
		size_t n = text_char_len(text + i, len - i);
		unsigned char c = (unsigned char)text[i];

		if (out + (n ? n : 1) >= size) {
			memcpy(buf + fit, dots, sizeof(dots));
			return buf;
		}
		if (!n || c < ' ' || c == 0x7F) {
			buf[out++] = '?';
			i++;
		} else {
			memcpy(buf + out, text + i, n);
			out += n;
			i += n;
		}
		if (out + sizeof(dots) <= size)
			fit = out;
	}
	buf[out] = '\0';
	return buf;
}
