/* SPDX-License-Identifier: Apache-2.0 */
/* suggest.c - the known word that is nearest to a mistyped one */
#include "tools/podvolctl/suggest.h"

#include <string.h>

#define WORD_MAX 64

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Levenshtein's distance, one row at a time. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t row[WORD_MAX + 1];

	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t above = row[j];

			row[j] = min3(above + 1, row[j - 1] + 1,
				      diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[b_len];
}

const char *suggest(const char *word, size_t len, const char *const *candidates,
		    size_t n)
{
	size_t best = len / 3 > 2 ? len / 3 : 2;
	const char *nearest = NULL;

	if (len < 2 || len > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t candidate_len = strlen(candidates[i]);
		size_t d;

		if (candidate_len > WORD_MAX)
			continue;
		d = distance(word, len, candidates[i], candidate_len);
		if (d < best || (d == best && !nearest)) {
			best = d;
			nearest = candidates[i];
		}
	}
	return nearest;
}
