/* SPDX-License-Identifier: Apache-2.0 */
/* lines.c - on which line each field of a document stands */
#include "store/manifest/lines.h"

#include "store/manifest/manifest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FNV_BASIS 0xCBF29CE484222325u
#define FNV_PRIME 0x100000001B3u

struct line {
	uint64_t path;
	unsigned line;
};

struct manifest_lines {
	struct line *list;
	size_t n;
	size_t n_allocated;
	unsigned first_line;
};

struct manifest_lines *lines_new(unsigned first_line)
{
	struct manifest_lines *lines = calloc(1, sizeof(*lines));

	if (lines)
		lines->first_line = first_line;
	return lines;
}

void lines_free(struct manifest_lines *lines)
{
	if (!lines)
		return;
	free(lines->list);
	free(lines);
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * FNV_PRIME;
	return hash;
}

uint64_t lines_root(void)
{
	return FNV_BASIS;
}

uint64_t lines_member(uint64_t parent, const char *key)
{
	/* As field paths are written: "a.b", but "a[b.c/d]" for odd keys. */
	if (strpbrk(key, ".[]/"))
		return hash_text(hash_text(hash_text(parent, "["), key), "]");
	if (parent != FNV_BASIS)
		parent = hash_text(parent, ".");
	return hash_text(parent, key);
}

uint64_t lines_item(uint64_t parent, size_t index)
{
	char text[32];

	snprintf(text, sizeof(text), "[%zu]", index);
	return hash_text(parent, text);
}

int lines_add(struct manifest_lines *lines, uint64_t path, unsigned line)
{
	if (lines->n == lines->n_allocated) {
		size_t n = lines->n_allocated ? lines->n_allocated * 2 : 64;
		struct line *list;

		list = reallocarray(lines->list, n, sizeof(*list));
		if (!list)
			return -ENOMEM;
		lines->list = list;
		lines->n_allocated = n;
	}
	lines->list[lines->n++] = (struct line){ path, line };
	return 0;
}

static int line_compare(const void *a, const void *b)
{
	const struct line *x = a;
	const struct line *y = b;

	if (x->path != y->path)
		return x->path < y->path ? -1 : 1;
	return 0;
}

void lines_sort(struct manifest_lines *lines)
{
	if (lines->n)
		qsort(lines->list, lines->n, sizeof(*lines->list),
		      line_compare);
}

static const struct line *lines_find(const struct manifest_lines *lines,
				     uint64_t path)
{
	struct line key = { .path = path };

	if (!lines->n)
		return NULL;
	return bsearch(&key, lines->list, lines->n, sizeof(key), line_compare);
}

unsigned manifest_line(const struct manifest_lines *lines, const char *field)
{
	uint64_t hash = FNV_BASIS;
	unsigned line;

	if (!lines)
		return 0;
	line = lines->first_line;
	/* Every prefix that ends before a '.' or '[' is an ancestor. */
	for (const char *p = field;; p++) {
		const struct line *found = NULL;

		if (!*p || ((*p == '.' || *p == '[') && p > field))
			found = lines_find(lines, hash);
		if (found)
			line = found->line;
		if (!*p)
			return line;
		hash = (hash ^ (unsigned char)*p) * FNV_PRIME;
	}
}
