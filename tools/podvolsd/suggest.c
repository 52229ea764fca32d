/* SPDX-License-Identifier: Apache-2.0 */
/* suggest.c - the known word that is nearest to a mistyped one */
#include "tools/podvolsd/suggest.h"

#include <string.h>

#define WORD_MAX  32
#define EDITS_MAX 2

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Levenshtein's distance, one row at a time. */
static size_t distance(const char *a, size_t na, const char *b, size_t nb)
{
	size_t row[WORD_MAX + 1];

	for (size_t j = 0; j <= nb; j++)
		row[j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t cost = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = min3(row[j] + 1, row[j - 1] + 1, cost);
		}
	}
	return row[nb];
}

const char *suggest_nearest(const char *word, const char *const *known,
			    size_t n)
{
	size_t len = strlen(word);
	size_t best = EDITS_MAX + 1;
	const char *found = NULL;

	if (len > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t known_len = strlen(known[i]);
		size_t d;

		if (known_len > WORD_MAX)
			continue;
		d = distance(word, len, known[i], known_len);
		if (d < best && d < known_len) {
			best = d;
			found = known[i];
		}
	}
	return found;
}
