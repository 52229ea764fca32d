/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emit.c - JSON values as block-style YAML
 *
 * As kubectl prints: keys sorted, lists not indented below their key, text of
 * several lines as a literal block.  What is written reads back as the same.
 */
#include "store/base/cleanup.h"
#include "store/manifest/manifest.h"
#include "store/manifest/scalar.h"
#include "store/manifest/text.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#define EMIT_DEPTH_MAX (2 * MANIFEST_DEPTH_MAX) /* a document in a list */
/* libyaml looks no further than 1024 characters for the ':' of a key. */
#define SIMPLE_KEY_MAX 128

static void indent(FILE *out, unsigned level)
{
	fprintf(out, "%*s", (int)(2 * level), "");
}

static bool is_word(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '/' || c == '.';
}

/* Can text stand without quotes, and does it then mean itself?  Times and
 * base-60 numbers are quoted for the sake of other readers. */
static bool is_plain(const char *text)
{
	size_t len = strlen(text);
	bool dash = text[0] == '-' && text[1] != '-';

	if (!is_word((unsigned char)text[dash]) || text[len - 1] == ' ' ||
	    text[len - 1] == ':' || strcmp(text, "...") == 0 ||
	    strncmp(text, "... ", 4) == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (is_word(c) || strchr("-+=@$(){}[],~%^*<>;&|!?'", c) ||
		    (c == ':' && text[i + 1] != ' ') ||
		    (c == ' ' && text[i + 1] != '#' && text[i + 1] != ' '))
			continue;
		return false;
	}
	if (text[strspn(text, "0123456789_:.-")] == '\0')
		return false;
	if (strspn(text, "0123456789") == 4 && text[4] == '-')
		return false;
	return scalar_is_string(text);
}

/* The code point of a well-formed character of n bytes. */
static uint32_t char_decode(const char *p, size_t n)
{
	static const unsigned char lead[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
	uint32_t c = (unsigned char)p[0] & lead[n];

	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)p[i] & 0x3F);
	return c;
}

/* May a character stand for itself in YAML text, and is it no line break? */
static bool is_printable(uint32_t c)
{
	return (c >= 0x20 && c < 0x7F) ||
	       (c >= 0xA0 && c <= 0xFFFD && c != 0x2028 && c != 0x2029 &&
		c != 0xFEFF) ||
	       c >= 0x10000;
}

static void emit_quoted(FILE *out, const char *text, size_t len)
{
	fputc('"', out);
	for (size_t i = 0, n; i < len; i += n) {
		uint32_t c;

		n = text_char_len(text + i, len - i);
		if (!n)
			break;
		c = char_decode(text + i, n);
		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", (char)c);
		else if (c == '\n')
			fputs("\\n", out);
		else if (c == '\t')
			fputs("\\t", out);
		else if (is_printable(c))
			fwrite(text + i, 1, n, out);
		else
			fprintf(out, "\\u%04X", c);
	}
	fputc('"', out);
}

/* Is text one that reads well, and reads back, as a literal block? */
static bool is_literal(const char *text, size_t len)
{
	if (!memchr(text, '\n', len) || strchr(" \t\n", text[0]))
		return false;
	for (size_t i = 0, n; i < len; i += n) {
		n = text_char_len(text + i, len - i);
		if (!n || (text[i] != '\n' &&
			   !is_printable(char_decode(text + i, n))))
			return false;
		if (text[i] == '\n' && text[i + 1] == '\t')
			return false;
	}
	return true;
}

static void emit_literal(FILE *out, const char *text, size_t len,
			 unsigned level)
{
	const char *end = text + len;
	const char *chomp = "+";

	if (end[-1] != '\n')
		chomp = "-";
	else if (end[-2] != '\n')
		chomp = "";
	fprintf(out, "|%s", chomp);
	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((stop ? stop : end) - text);

		fputc('\n', out);
		if (n)
			indent(out, level);
		fwrite(text, 1, n, out);
		text += n + 1;
	}
}

/* A scalar, without a line break behind it. */
static void emit_scalar(FILE *out, const json_t *value, unsigned level)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);
	char buf[40];

	switch (json_typeof(value)) {
	case JSON_STRING:
		if (is_literal(text, len))
			emit_literal(out, text, len, level ? level : 1);
		else if (len && is_plain(text))
			fputs(text, out);
		else
			emit_quoted(out, text, len);
		return;
	case JSON_INTEGER:
		fprintf(out, "%" JSON_INTEGER_FORMAT,
			json_integer_value(value));
		return;
	case JSON_REAL:
		fputs(scalar_format_real(json_real_value(value), buf,
					 sizeof(buf)),
		      out);
		return;
	case JSON_TRUE:
		fputs("true", out);
		return;
	case JSON_FALSE:
		fputs("false", out);
		return;
	default:
		fputs("null", out);
	}
}

static bool is_leaf(const json_t *value)
{
	return !json_object_size(value) && !json_array_size(value);
}

static void emit_leaf(FILE *out, const json_t *value, unsigned level)
{
	if (json_is_object(value))
		fputs("{}", out);
	else if (json_is_array(value))
		fputs("[]", out);
	else
		emit_scalar(out, value, level);
	fputc('\n', out);
}

static void emit_key(FILE *out, const char *key, unsigned level)
{
	size_t len = strlen(key);
	bool simple = len <= SIMPLE_KEY_MAX;

	if (!simple)
		fputs("? ", out);
	if (len && is_plain(key))
		fputs(key, out);
	else
		emit_quoted(out, key, len);
	if (!simple) {
		fputc('\n', out);
		indent(out, level);
	}
	fputc(':', out);
}

static int key_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Keys of an object, sorted; borrowed texts, malloc'd array. */
static const char **sorted_keys(const json_t *object)
{
	size_t n = json_object_size(object);
	const char **keys = calloc(n ? n : 1, sizeof(*keys));
	const char *key;
	json_t *value;
	size_t i = 0;

	if (!keys)
		return NULL;
	json_object_foreach((json_t *)object, key, value) keys[i++] = key;
	if (n)
		qsort(keys, n, sizeof(*keys), key_compare);
	return keys;
}

/*
 * A value that is no leaf, at an indentation where the cursor already is: each
 * line but the first is indented by level.
 */
static int emit_block(FILE *out, const json_t *value, unsigned level,
		      unsigned depth)
{
	cleanup_free const char **keys = NULL;
	size_t n = json_is_array(value) ? json_array_size(value)
					: json_object_size(value);
	int r = 0;

	if (depth > EMIT_DEPTH_MAX)
		return -E2BIG;
	if (json_is_object(value)) {
		keys = sorted_keys(value);
		if (!keys)
			return -ENOMEM;
	}
	for (size_t i = 0; r >= 0 && i < n; i++) {
		const json_t *child;
		unsigned below = level + 1;

		if (i)
			indent(out, level);
		if (keys) {
			assert(keys[i]); /* as many as there are members */
			emit_key(out, keys[i], level);
			child = json_object_get(value, keys[i]);
		} else {
			fputc('-', out);
			child = json_array_get(value, i);
		}
		if (is_leaf(child)) {
			fputc(' ', out);
			emit_leaf(out, child, level + 1);
			continue;
		}
		if (!keys) {
			fputc(' ', out);
		} else {
			below = json_is_array(child) ? level : level + 1;
			fputc('\n', out);
			indent(out, below);
		}
		r = emit_block(out, child, below, depth + 1);
	}
	return r;
}

int manifest_to_yaml(const json_t *value, char **ret)
{
	cleanup_free char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	bool failed;
	int r = 0;

	if (!out)
		return -ENOMEM;
	if (is_leaf(value))
		emit_leaf(out, value, 0);
	else
		r = emit_block(out, value, 0, 1);
	failed = ferror(out);
	if (fclose(out) || failed)
		return -ENOMEM;
	if (r < 0)
		return r;
	*ret = steal_pointer(&text);
	return 0;
}
