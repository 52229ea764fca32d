/* SPDX-License-Identifier: Apache-2.0 */
/* suggest.c - the known word that is nearest to a mistyped one */
#include "store/base/suggest.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX 64 /* longer ones are nobody's typing error */

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	if (b < a)
		a = b;
	return c < a ? c : a;
}

/* How many edits of one character apart two words are. */
static unsigned distance(const char *a, size_t n, const char *b, size_t m)
{
	unsigned char row[3][WORD_MAX + 1];
	unsigned char *two = row[0];
	unsigned char *one = row[1];
	unsigned char *now = row[2];

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

const char *suggest_nearest(const char *word, size_t word_len,
			    const char *const *known)
{
	const char *nearest = NULL;
	unsigned best = UINT_MAX;

	if (word_len > WORD_MAX)
		return NULL;
	for (; *known; known++) {
		size_t len = strlen(*known);
		size_t slack = 1 + len / 4;
		unsigned d;

		if (len == word_len && strncasecmp(word, *known, len) == 0)
			return *known;
		if (len > WORD_MAX || word_len > len + slack ||
		    len > word_len + slack)
			continue;
		d = distance(word, word_len, *known, len);
		if (d < best && d <= slack && d < len) {
			best = d;
			nearest = *known;
		}
	}
	return nearest;
}
