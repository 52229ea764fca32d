/* SPDX-License-Identifier: Apache-2.0 */
/* test_quantity.c - resource quantities */
#include "store/manifest/quantity.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* eq(str) takes no pointer to const. */
#define expect_text(got, want) cr_expect(eq(str, (char *)(got), (char *)(want)))

static int64_t value_of(const char *text)
{
	int64_t value = -77;
	int r = quantity_parse(text, &value);

	cr_expect(eq(int, r, 0), "'%s'", text);
	return value;
}

static int error_of(const char *text)
{
	int64_t value = -77;
	int r = quantity_parse(text, &value);

	cr_expect(eq(i64, value, -77), "'%s' must leave ret untouched", text);
	return r;
}

Test(quantity, binary_suffixes_are_powers_of_1024)
{
	cr_expect(eq(i64, value_of("1Ki"), 1024));
	cr_expect(eq(i64, value_of("64Mi"), 64ll << 20));
	cr_expect(eq(i64, value_of("3Gi"), 3ll << 30));
	cr_expect(eq(i64, value_of("2Ti"), 2ll << 40));
	cr_expect(eq(i64, value_of("1Pi"), 1ll << 50));
	cr_expect(eq(i64, value_of("7Ei"), 7ll << 60));
}

Test(quantity, decimal_suffixes_are_powers_of_1000)
{
	cr_expect(eq(i64, value_of("5"), 5));
	cr_expect(eq(i64, value_of("5k"), 5000));
	cr_expect(eq(i64, value_of("1M"), 1000000));
	cr_expect(eq(i64, value_of("1G"), 1000000000));
	cr_expect(eq(i64, value_of("1T"), 1000000000000));
	cr_expect(eq(i64, value_of("1P"), 1000000000000000));
	cr_expect(eq(i64, value_of("1E"), 1000000000000000000));
}

Test(quantity, exponents_are_powers_of_ten)
{
	cr_expect(eq(i64, value_of("1e3"), 1000));
	cr_expect(eq(i64, value_of("1E3"), 1000));
	cr_expect(eq(i64, value_of("1.5e+3"), 1500));
	cr_expect(eq(i64, value_of("5000e-3"), 5));
	cr_expect(eq(i64, value_of("0e999999999999999999999"), 0));
}

Test(quantity, fractions_are_rounded_up)
{
	cr_expect(eq(i64, value_of("0.5Gi"), 512ll << 20));
	cr_expect(eq(i64, value_of("100m"), 1));
	cr_expect(eq(i64, value_of("1001m"), 2));
	cr_expect(eq(i64, value_of("2000000u"), 2));
	cr_expect(eq(i64, value_of("2000000001n"), 3));
	cr_expect(eq(i64, value_of("0.1Ki"), 103));
	cr_expect(eq(i64, value_of(".5"), 1));
	cr_expect(eq(i64, value_of("5."), 5));
	cr_expect(eq(i64, value_of("1e-100"), 1));
	cr_expect(eq(i64, value_of("0.00000000000000000000000001Ei"), 1));
	cr_expect(eq(i64, value_of("-1.5"), -2));
}

Test(quantity, signs_are_allowed)
{
	cr_expect(eq(i64, value_of("+1Mi"), 1 << 20));
	cr_expect(eq(i64, value_of("-1Mi"), -(1 << 20)));
	cr_expect(eq(i64, value_of("-0"), 0));
}

Test(quantity, leading_and_trailing_zeros_change_nothing)
{
	char zeros[400];

	memset(zeros, '0', sizeof(zeros));
	memcpy(zeros + sizeof(zeros) - 4, "7Ki", 4);
	cr_expect(eq(i64, value_of(zeros), 7168));
	cr_expect(eq(i64, value_of("007.000"), 7));
}

Test(quantity, the_limits_of_int64_are_exact)
{
	cr_expect(eq(i64, value_of("9223372036854775807"), INT64_MAX));
	cr_expect(eq(i64, value_of("-9223372036854775808"), INT64_MIN));
	cr_expect(eq(int, error_of("9223372036854775808"), -ERANGE));
	cr_expect(eq(int, error_of("9223372036854775807.1"), -ERANGE));
	cr_expect(eq(int, error_of("-9223372036854775809"), -ERANGE));
	cr_expect(eq(int, error_of("8Ei"), -ERANGE));
	cr_expect(eq(int, error_of("10E"), -ERANGE));
	cr_expect(eq(int, error_of("1e19"), -ERANGE));
	cr_expect(eq(int, error_of("1e99999999999999999999"), -ERANGE));
}

Test(quantity, what_is_no_quantity_is_einval)
{
	static const char *const bad[] = {
		"",	 "Mi",	 "1 Mi", " 1",	  "1mi",  "1KI", "1ki",
		"1K",	 "1Kib", "1MB",	 "1.2.3", "--1",  "1e",	 "e3",
		"1e3Mi", ".",	 "+",	 "1Mi ",  "0x10", "1,5", "1_000",
		"inf",	 "nan",	 "1g",	 "1e3.5", "1ni",  "Ki",	 "1i",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect(eq(int, error_of(bad[i]), -EINVAL), "'%s'", bad[i]);
}

Test(quantity, a_json_number_is_a_quantity_too)
{
	json_t *real = json_real(1.5);
	json_t *integer = json_integer(1000);
	json_t *text = json_string("2Ki");
	json_t *list = json_array();
	int64_t value;

	cr_assert(eq(int, quantity_from_json(real, &value), 0));
	cr_expect(eq(i64, value, 2));
	cr_assert(eq(int, quantity_from_json(integer, &value), 0));
	cr_expect(eq(i64, value, 1000));
	cr_assert(eq(int, quantity_from_json(text, &value), 0));
	cr_expect(eq(i64, value, 2048));
	cr_expect(eq(int, quantity_from_json(list, &value), -EINVAL));
	json_decref(real);
	json_decref(integer);
	json_decref(text);
	json_decref(list);
}

Test(quantity, formats_with_the_largest_exact_suffix)
{
	char buf[24];

	expect_text(quantity_format(0, buf, 24), "0");
	expect_text(quantity_format(1536, buf, 24), "1536");
	expect_text(quantity_format(1024, buf, 24), "1Ki");
	expect_text(quantity_format(64 << 20, buf, 24), "64Mi");
	expect_text(quantity_format(3ll << 30, buf, 24), "3Gi");
	expect_text(quantity_format(-2048, buf, 24), "-2Ki");
	expect_text(quantity_format(INT64_MIN, buf, 24), "-8Ei");
}

Test(quantity, what_was_formatted_reads_back)
{
	char buf[24];

	for (int shift = 0; shift < 63; shift++) {
		int64_t value = (int64_t)(0x5A5A5A5A5A5A5A5Aull >> shift);

		value = (value >> (shift / 2)) << (shift / 2);
		quantity_format(value, buf, sizeof(buf));
		cr_expect(eq(i64, value_of(buf), value));
	}
}
