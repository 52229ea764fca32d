/* SPDX-License-Identifier: Apache-2.0 */
/* scalar.c - what a YAML scalar means, by the rules that Kubernetes applies */
#include "store/manifest/scalar.h"

#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/manifest/text.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define YAML_TAG "tag:yaml.org,2002:"

enum scalar_kind {
	SCALAR_STRING,
	SCALAR_NULL,
	SCALAR_TRUE,
	SCALAR_FALSE,
	SCALAR_INTEGER,
	SCALAR_REAL,
	SCALAR_NOT_FINITE,
};

struct scalar {
	enum scalar_kind kind;
	int64_t integer;
	double real;
};

static const struct {
	const char *text;
	enum scalar_kind kind;
} words[] = {
	{ "", SCALAR_NULL },
	{ "~", SCALAR_NULL },
	{ "null", SCALAR_NULL },
	{ "Null", SCALAR_NULL },
	{ "NULL", SCALAR_NULL },
	{ "y", SCALAR_TRUE },
	{ "Y", SCALAR_TRUE },
	{ "yes", SCALAR_TRUE },
	{ "Yes", SCALAR_TRUE },
	{ "YES", SCALAR_TRUE },
	{ "true", SCALAR_TRUE },
	{ "True", SCALAR_TRUE },
	{ "TRUE", SCALAR_TRUE },
	{ "on", SCALAR_TRUE },
	{ "On", SCALAR_TRUE },
	{ "ON", SCALAR_TRUE },
	{ "n", SCALAR_FALSE },
	{ "N", SCALAR_FALSE },
	{ "no", SCALAR_FALSE },
	{ "No", SCALAR_FALSE },
	{ "NO", SCALAR_FALSE },
	{ "false", SCALAR_FALSE },
	{ "False", SCALAR_FALSE },
	{ "FALSE", SCALAR_FALSE },
	{ "off", SCALAR_FALSE },
	{ "Off", SCALAR_FALSE },
	{ "OFF", SCALAR_FALSE },
	{ ".nan", SCALAR_NOT_FINITE },
	{ ".NaN", SCALAR_NOT_FINITE },
	{ ".NAN", SCALAR_NOT_FINITE },
	{ ".inf", SCALAR_NOT_FINITE },
	{ ".Inf", SCALAR_NOT_FINITE },
	{ ".INF", SCALAR_NOT_FINITE },
	{ "+.inf", SCALAR_NOT_FINITE },
	{ "+.Inf", SCALAR_NOT_FINITE },
	{ "+.INF", SCALAR_NOT_FINITE },
	{ "-.inf", SCALAR_NOT_FINITE },
	{ "-.Inf", SCALAR_NOT_FINITE },
	{ "-.INF", SCALAR_NOT_FINITE },
};

static unsigned digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

/* Skips 0x, 0o, 0b or the 0 of an octal number; returns the base. */
static unsigned base_scan(const char **p)
{
	if ((*p)[0] != '0' || !(*p)[1])
		return 10;
	switch ((*p)[1] | 0x20) {
	case 'x':
		*p += 2;
		return 16;
	case 'o':
		*p += 2;
		return 8;
	case 'b':
		*p += 2;
		return 2;
	default:
		*p += 1;
		return 8;
	}
}

/* An integer, or (beyond int64) the real nearest to it; false: neither. */
static bool integer_scan(const char *p, struct scalar *ret)
{
	bool negative = *p == '-';
	bool exact = true;
	uint64_t value = 0;
	double real = 0;
	unsigned base;

	if (*p == '-' || *p == '+')
		p++;
	base = base_scan(&p);
	if (!*p)
		return false;
	for (; *p; p++) {
		unsigned digit = digit_value(*p);

		if (digit >= base)
			return false;
		exact = exact && !__builtin_mul_overflow(value, base, &value) &&
			!__builtin_add_overflow(value, digit, &value);
		real = real * base + digit;
	}
	if (exact && value <= (uint64_t)INT64_MAX + negative) {
		ret->kind = SCALAR_INTEGER;
		ret->integer = (int64_t)(negative ? 0 - value : value);
		return true;
	}
	/* Too long in octal: digits that may yet read as a decimal float. */
	if (base == 8 || base == 10 || !isfinite(real))
		return false;
	ret->kind = SCALAR_REAL;
	ret->real = negative ? -real : real;
	return true;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool is_float(const char *p)
{
	size_t before;
	size_t after = 0;

	p += *p == '-' || *p == '+';
	before = strspn(p, "0123456789");
	p += before;
	if (*p == '.') {
		p++;
		after = strspn(p, "0123456789");
		p += after;
	}
	if (!before && !after)
		return false;
	if (*p == 'e' || *p == 'E') {
		p++;
		p += *p == '-' || *p == '+';
		if (!isdigit((unsigned char)*p))
			return false;
		p += strspn(p, "0123456789");
	}
	return !*p;
}

static bool float_scan(const char *text, struct scalar *ret)
{
	double value;

	if (!is_float(text))
		return false;
	value = strtod(text, NULL);
	if (!isfinite(value))
		return false;
	/* 1e3 and 8.0 are written as integers in JSON, so that is what they
	 * are to whoever wants one. */
	if (fabs(value) < 0x1p63 && value == (double)(int64_t)value) {
		ret->kind = SCALAR_INTEGER;
		ret->integer = (int64_t)value;
	} else {
		ret->kind = SCALAR_REAL;
		ret->real = value;
	}
	return true;
}

static void number_resolve(const char *text, struct scalar *ret)
{
	cleanup_free char *plain = NULL;
	size_t n = 0;

	/* Longer than any double can be written for good reason. */
	if (strlen(text) > 1024)
		return;
	plain = malloc(strlen(text) + 1);
	if (!plain)
		return;
	for (const char *p = text; *p; p++) {
		if (*p != '_' || text[0] == '.')
			plain[n++] = *p;
	}
	plain[n] = '\0';
	if (text[0] == '.' || !integer_scan(plain, ret))
		float_scan(plain, ret);
}

static struct scalar resolve(const char *text)
{
	struct scalar scalar = { .kind = SCALAR_STRING };

	if (strlen(text) <= 5) {
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
			if (strcmp(text, words[i].text) == 0) {
				scalar.kind = words[i].kind;
				return scalar;
			}
		}
	}
	if (isdigit((unsigned char)text[0]) || strchr("+-.", text[0]))
		number_resolve(text, &scalar);
	return scalar;
}

bool scalar_is_string(const char *text)
{
	return resolve(text).kind == SCALAR_STRING && strcmp(text, "<<") != 0;
}

static json_t *scalar_to_json(const struct scalar *scalar, const char *text,
			      struct error *err)
{
	char shown[TEXT_QUOTE_MAX];

	switch (scalar->kind) {
	case SCALAR_STRING:
		return json_string(text);
	case SCALAR_NULL:
		return json_null();
	case SCALAR_TRUE:
		return json_true();
	case SCALAR_FALSE:
		return json_false();
	case SCALAR_INTEGER:
		return json_integer(scalar->integer);
	case SCALAR_REAL:
		return json_real(scalar->real);
	case SCALAR_NOT_FINITE:
		break;
	}
	text_quote(text, strlen(text), shown, sizeof(shown));
	error_set(err, -EINVAL,
		  "'%s' is not a finite number; if it is meant "
		  "as text, put it in quotes",
		  shown);
	return NULL;
}

json_t *scalar_resolve(const char *text, struct error *err)
{
	struct scalar scalar = resolve(text);

	return scalar_to_json(&scalar, text, err);
}

static unsigned base64_value(char c)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c ? strchr(alphabet, c) : NULL;

	return p ? (unsigned)(p - alphabet) : 64;
}

/* Bytes of base64 text, which must be UTF-8 to become a JSON string. */
static json_t *binary_resolve(const char *text, struct error *err)
{
	cleanup_free char *out = malloc(strlen(text) + 1);
	unsigned bits = 0;
	unsigned n_bits = 0;
	size_t n_in = 0;
	size_t n = 0;
	json_t *value = NULL;

	if (!out)
		return NULL;
	for (; *text && *text != '='; text++) {
		if (isspace((unsigned char)*text))
			continue;
		if (base64_value(*text) > 63)
			break;
		n_in++;
		bits = (bits << 6 | base64_value(*text)) & 0xFFFFFF;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			out[n++] = (char)(bits >> n_bits);
		}
	}
	text += strspn(text, "= \t\r\n");
	if (!*text && n_in % 4 != 1 && text_find_bad(out, n) == n)
		value = json_stringn(out, n);
	if (!value)
		error_set(err, -EINVAL,
			  "!!binary is not the base64 form of "
			  "UTF-8 text");
	return value;
}

static bool kind_fits(enum scalar_kind kind, const char *type)
{
	if (strcmp(type, "int") == 0)
		return kind == SCALAR_INTEGER || kind == SCALAR_REAL;
	if (strcmp(type, "float") == 0)
		return kind == SCALAR_INTEGER || kind == SCALAR_REAL ||
		       kind == SCALAR_NOT_FINITE;
	if (strcmp(type, "bool") == 0)
		return kind == SCALAR_TRUE || kind == SCALAR_FALSE;
	if (strcmp(type, "null") == 0)
		return kind == SCALAR_NULL;
	return true;
}

json_t *scalar_resolve_tagged(const char *text, const char *tag,
			      struct error *err)
{
	static const char *const types[] = { "int", "float", "bool", "null" };
	struct scalar scalar = { .kind = SCALAR_STRING };
	char shown[TEXT_QUOTE_MAX];

	if (strncmp(tag, YAML_TAG, strlen(YAML_TAG)) != 0)
		return json_string(text);
	tag += strlen(YAML_TAG);
	if (strcmp(tag, "binary") == 0)
		return binary_resolve(text, err);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(tag, types[i]) == 0)
			scalar = resolve(text);
	}
	if (kind_fits(scalar.kind, tag))
		return scalar_to_json(&scalar, text, err);
	text_quote(text, strlen(text), shown, sizeof(shown));
	error_set(err, -EINVAL, "'%s' cannot be read as !!%s", shown, tag);
	return NULL;
}

const char *scalar_format_real(double value, char *buf, size_t size)
{
	for (int precision = 15; precision <= 17; precision++) {
		snprintf(buf, size, "%.*g", precision, value);
		if (strtod(buf, NULL) == value)
			break;
	}
	return buf;
}

char *scalar_to_key(const json_t *value, struct error *err)
{
	char buf[40];

	switch (json_typeof(value)) {
	case JSON_STRING:
		return strdup(json_string_value(value));
	case JSON_INTEGER:
		snprintf(buf, sizeof(buf), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(value));
		return strdup(buf);
	case JSON_REAL:
		return strdup(scalar_format_real(json_real_value(value), buf,
						 sizeof(buf)));
	case JSON_TRUE:
		return strdup("true");
	case JSON_FALSE:
		return strdup("false");
	default:
		error_set(err, -EINVAL,
			  "a key must be text, a number or a "
			  "boolean");
		return NULL;
	}
}
