/* SPDX-License-Identifier: Apache-2.0 */
/* manifest.c - YAML or JSON text to documents */
#include "store/manifest/manifest.h"

#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/manifest/lines.h"
#include "store/manifest/text.h"
#include "store/manifest/yaml.h"

#include <stdbool.h>
#include <string.h>

#define TAG_DIRECTIVES_MAX 256

int manifest_append(struct manifest *manifest, json_t *value,
		    struct manifest_lines *lines, unsigned line)
{
	size_t n = manifest->n_documents;
	struct manifest_document *list = manifest->documents;

	/* Grow at powers of two, where the array is full. */
	if ((n & (n - 1)) == 0)
		list = reallocarray(list, n ? n * 2 : 1, sizeof(*list));
	if (!list) {
		json_decref(value);
		lines_free(lines);
		return -ENOMEM;
	}
	list[n] = (struct manifest_document){ value, lines, line };
	manifest->documents = list;
	manifest->n_documents++;
	return 0;
}

void manifest_done(struct manifest *manifest)
{
	for (size_t i = 0; i < manifest->n_documents; i++) {
		json_decref(manifest->documents[i].value);
		lines_free(manifest->documents[i].lines);
	}
	free(manifest->documents);
	memset(manifest, 0, sizeof(*manifest));
}

/* Are value and all below it within the limits?  n_nodes counts them. */
static bool is_within_limits(const json_t *value, unsigned depth,
			     size_t *n_nodes)
{
	const char *key;
	json_t *child;
	size_t i;

	if (++*n_nodes > MANIFEST_NODES_MAX)
		return false;
	if (!json_is_object(value) && !json_is_array(value))
		return true;
	if (++depth > MANIFEST_DEPTH_MAX)
		return false;
	json_object_foreach((json_t *)value, key, child)
	{
		if (!is_within_limits(child, depth, n_nodes))
			return false;
	}
	json_array_foreach(value, i, child)
	{
		if (!is_within_limits(child, depth, n_nodes))
			return false;
	}
	return true;
}

/* A JSON text that is being read, value by value. */
struct json_reader {
	const char *text;
	size_t len;
	size_t off;
	unsigned line; /* at off */
	size_t n_nodes;
};

static void json_advance(struct json_reader *rd, size_t n)
{
	for (; n; n--)
		rd->line += rd->text[rd->off++] == '\n';
}

static int json_read_one(struct json_reader *rd, struct manifest *manifest,
			 struct error *err)
{
	struct manifest_lines *lines;
	unsigned line = rd->line;
	json_error_t e;
	json_t *value;

	value = json_loadb(rd->text + rd->off, rd->len - rd->off,
			   JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK |
				   JSON_DECODE_ANY,
			   &e);
	if (!value)
		return error_set(err, -EINVAL, "line %u, column %d: %s",
				 line + (unsigned)e.line - 1, e.column, e.text);
	json_advance(rd, (size_t)e.position);
	if (!is_within_limits(value, 0, &rd->n_nodes)) {
		json_decref(value);
		return error_set(err, -E2BIG,
				 "line %u: too large: at most %d levels and %d "
				 "values are allowed",
				 line, MANIFEST_DEPTH_MAX, MANIFEST_NODES_MAX);
	}
	lines = lines_new(line);
	if (!lines) {
		json_decref(value);
		return error_set(err, -ENOMEM, "out of memory");
	}
	return manifest_append(manifest, value, lines, line);
}

/*
 * JSON that is no YAML: values one after the other, surrogate pairs in
 * escapes, keys of more than a thousand characters.
 */
static int json_read(const char *text, size_t len, struct manifest *manifest,
		     struct error *err)
{
	struct json_reader rd = { .text = text, .len = len, .line = 1 };
	int r;

	for (;;) {
		while (rd.off < len && strchr(" \t\r\n", text[rd.off]))
			json_advance(&rd, 1);
		if (rd.off == len)
			return 0;
		r = json_read_one(&rd, manifest, err);
		if (r < 0)
			return r;
	}
}

static bool looks_like_json(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len && strchr(" \t\r\n", text[i]))
		i++;
	if (i == len || text[i] != '{')
		return false;
	for (i++; i < len && strchr(" \t\r\n", text[i]); i++)
		;
	return i < len && (text[i] == '"' || text[i] == '}');
}

/* Each %TAG directive is compared with all others: quadratic time, and the
 * parser has no limit of its own. */
static int check_directives(const char *text, size_t len, struct error *err)
{
	static const char tag[] = "%TAG";
	const char *end = text + len;
	unsigned n = 0;

	while ((text = memmem(text, (size_t)(end - text), tag, 4))) {
		if (++n > TAG_DIRECTIVES_MAX)
			return error_set(err, -E2BIG,
					 "too many directives: at most %d "
					 "%%TAG are allowed",
					 TAG_DIRECTIVES_MAX);
		text += 4;
	}
	return 0;
}

static int check_text(const char *text, size_t len, struct error *err)
{
	struct text_position pos;
	size_t bad;

	if (len > MANIFEST_SIZE_MAX)
		return error_set(err, -E2BIG,
				 "the manifest has %zu bytes; at most %u are "
				 "allowed",
				 len, MANIFEST_SIZE_MAX);
	if (len >= 2 && (memcmp(text, "\xFF\xFE", 2) == 0 ||
			 memcmp(text, "\xFE\xFF", 2) == 0))
		return error_set(err, -EINVAL,
				 "the manifest is UTF-16; it must be UTF-8");
	bad = text_find_bad(text, len);
	if (bad < len) {
		pos = text_position(text, len, bad);
		return error_set(err, -EINVAL, "line %u, column %u: %s",
				 pos.line, pos.column,
				 text[bad] ? "a byte that is not UTF-8"
					   : "a NUL byte is not allowed");
	}
	return check_directives(text, len, err);
}

int manifest_parse(const char *text, size_t len, struct manifest *ret,
		   struct error *err)
{
	struct manifest manifest = { 0 };
	struct error yaml_err;
	bool syntax;
	int r;

	r = check_text(text, len, err);
	if (r < 0)
		return r;
	if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
		text += 3;
		len -= 3;
	}
	r = yaml_read(text, len, &manifest, &syntax, &yaml_err);
	if (r < 0 && syntax && looks_like_json(text, len)) {
		manifest_done(&manifest);
		r = json_read(text, len, &manifest, &yaml_err);
	}
	if (r < 0) {
		manifest_done(&manifest);
		return error_set(err, r, "%s", yaml_err.text);
	}
	*ret = manifest;
	return 0;
}
