/* SPDX-License-Identifier: Apache-2.0 */
/* quantity.c - resource quantities: 64Mi, 1G, 0.5Gi, 1e3, 100m */
#include "store/manifest/quantity.h"

#include "store/manifest/scalar.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DIGITS_MAX   256    /* of one number */
#define EXPONENT_MAX 100000 /* beyond any result but 0, 1 and -ERANGE */

/* Digits with a decimal point before digit[point]: exact at any size. */
struct decimal {
	unsigned char digit[DIGITS_MAX];
	long n;
	long point;
	bool negative;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Returns what follows the number, or NULL if there is none. */
static const char *decimal_scan(const char *p, struct decimal *d)
{
	bool seen = false;

	memset(d, 0, sizeof(*d));
	if (*p == '+' || *p == '-')
		d->negative = *p++ == '-';
	for (bool fraction = false;; p++) {
		if (*p == '.' && !fraction) {
			fraction = true;
			continue;
		}
		if (!is_digit(*p))
			return seen ? p : NULL;
		seen = true;
		if (*p == '0' && !d->n && !fraction)
			continue;
		if (d->n == DIGITS_MAX)
			return NULL;
		d->digit[d->n++] = (unsigned char)(*p - '0');
		if (!fraction)
			d->point++;
	}
}

/* The integer after 'e'; clamped, since more changes no result. */
static int exponent_scan(const char *p, long *ret)
{
	bool negative = false;
	long value = 0;

	if (*p == '+' || *p == '-')
		negative = *p++ == '-';
	if (!is_digit(*p))
		return -EINVAL;
	for (; is_digit(*p); p++) {
		if (value < EXPONENT_MAX)
			value = value * 10 + (*p - '0');
	}
	if (*p)
		return -EINVAL;
	*ret = negative ? -value : value;
	return 0;
}

/* Powers of ten and of two that a suffix stands for. */
static int suffix_scan(const char *p, long *ret_ten, int *ret_two)
{
	static const char binary[] = "KMGTPE";
	static const char *const decimal[] = { "n", "u", "m", "",  "k",
					       "M", "G", "T", "P", "E" };
	const char *unit;

	*ret_ten = 0;
	*ret_two = 0;
	if (*p && p[1] == 'i' && !p[2]) {
		unit = strchr(binary, *p);
		if (!unit)
			return -EINVAL;
		*ret_two = 10 * (int)(unit - binary + 1);
		return 0;
	}
	for (size_t i = 0; i < sizeof(decimal) / sizeof(decimal[0]); i++) {
		if (strcmp(p, decimal[i]) == 0) {
			*ret_ten = ((long)i - 3) * 3;
			return 0;
		}
	}
	if (*p == 'e' || *p == 'E')
		return exponent_scan(p + 1, ret_ten);
	return -EINVAL;
}

static bool fraction_is_zero(const struct decimal *d)
{
	for (long i = d->point < 0 ? 0 : d->point; i < d->n; i++) {
		if (d->digit[i])
			return false;
	}
	return true;
}

/* Double the fraction in place; returns what carries into the integer. */
static unsigned fraction_double(struct decimal *d)
{
	unsigned carry = 0;

	for (long i = d->n - 1; i >= d->point; i--) {
		unsigned twice = d->digit[i] * 2u + carry;

		d->digit[i] = (unsigned char)(twice % 10);
		carry = twice / 10;
	}
	return carry;
}

static int decimal_value(struct decimal *d, int two, int64_t *ret)
{
	const __int128 limit = (__int128)INT64_MAX + d->negative;
	__int128 value = 0;

	for (long i = 0; i < d->point; i++) {
		value = value * 10 + (i < d->n ? d->digit[i] : 0);
		if (value > limit)
			return -ERANGE;
		if (!value && i >= d->n)
			break; /* zero, however large its exponent */
	}
	for (int i = 0; i < two; i++) {
		value = value * 2 + fraction_double(d);
		if (value > limit)
			return -ERANGE;
	}
	if (!fraction_is_zero(d) && ++value > limit)
		return -ERANGE;
	*ret = (int64_t)(d->negative ? -value : value);
	return 0;
}

int quantity_parse(const char *text, int64_t *ret)
{
	struct decimal d;
	const char *rest;
	long ten;
	int two;
	int r;

	rest = decimal_scan(text, &d);
	if (!rest)
		return -EINVAL;
	r = suffix_scan(rest, &ten, &two);
	if (r < 0)
		return r;
	d.point += ten;
	return decimal_value(&d, two, ret);
}

int quantity_from_json(const struct json_t *value, int64_t *ret)
{
	char buf[40];

	if (json_is_string(value))
		return quantity_parse(json_string_value(value), ret);
	if (json_is_real(value))
		return quantity_parse(scalar_format_real(json_real_value(value),
							 buf, sizeof(buf)),
				      ret);
	if (!json_is_integer(value))
		return -EINVAL;
	*ret = json_integer_value(value);
	return 0;
}

const char *quantity_format(int64_t value, char *buf, size_t size)
{
	static const char *const suffix[] = { "",   "Ki", "Mi", "Gi",
					      "Ti", "Pi", "Ei" };
	unsigned i = 0;

	while (value && value % 1024 == 0 && i < 6) {
		value /= 1024;
		i++;
	}
	snprintf(buf, size, "%" PRId64 "%s", value, suffix[i]);
	return buf;
}
