/* SPDX-License-Identifier: Apache-2.0 */
/* text.c - UTF-8 text that others wrote: checks, positions, safe quotes */
#include "store/manifest/text.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_LEN 64 /* longer ones are nobody's typing error */

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

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	if (b < a)
		a = b;
	return c < a ? c : a;
}

unsigned text_distance(const char *a, const char *b)
{
	unsigned char row[3][NAME_MAX_LEN + 1];
	unsigned char *two = row[0];
	unsigned char *one = row[1];
	unsigned char *now = row[2];
	size_t n = strlen(a);
	size_t m = strlen(b);

	if (n > NAME_MAX_LEN || m > NAME_MAX_LEN)
		return UINT_MAX;
	for (size_t j = 0; j <= m; j++)
		one[j] = (unsigned char)j;
	memcpy(two, one, m + 1);
	for (size_t i = 1; i <= n; i++) {
		unsigned char *old = two;

		now[0] = (unsigned char)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned d;

			d = min3(one[j] + 1u, now[j - 1] + 1u,
				 one[j - 1] + (a[i - 1] != b[j - 1]));
			/* Two letters exchanged are one slip, not two. */
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && two[j - 2] + 1u < d)
				d = two[j - 2] + 1u;
			now[j] = (unsigned char)d;
		}
		two = one;
		one = now;
		now = old;
	}
	return one[m];
}

const char *text_nearest(const char *name, const char *const *known)
{
	const char *nearest = NULL;
	size_t name_len = strlen(name);
	unsigned best = UINT_MAX;

	for (; *known; known++) {
		size_t len = strlen(*known);
		size_t slack = 1 + len / 4;
		unsigned d;

		if (strcasecmp(name, *known) == 0)
			return *known;
		if (name_len > len + slack || len > name_len + slack)
			continue;
		d = text_distance(name, *known);
		if (d < best && d <= slack && d < len) {
			best = d;
			nearest = *known;
		}
	}
	return nearest;
}
