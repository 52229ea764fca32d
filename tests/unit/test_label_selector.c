/* SPDX-License-Identifier: Apache-2.0 */
/* test_label_selector.c - what selectors choose, and how bad ones are told */
#include "store/base/error.h"
#include "tools/podvolsd/label_selector.h"
#include "tools/podvolsd/selector.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

TestSuite(label_selector, .timeout = 20);

/* Of the labels app=web, tier=front, build=7, in=notin, empty="". */
static int matches(const char *text)
{
	json_auto_t *labels =
		json_pack("{s:s, s:s, s:s, s:s, s:s}", "app", "web", "tier",
			  "front", "build", "7", "in", "notin", "empty", "");
	struct label_selector selector;
	struct error err = { 0 };
	int r = label_selector_parse(text, &selector, &err);

	if (r == 0)
		r = label_selector_matches(&selector, labels);
	if (r < 0)
		fprintf(stderr, "%s\n", err.text);
	label_selector_done(&selector);
	return r;
}

static void expect_all(const char *const *texts, int wanted)
{
	for (; *texts; texts++)
		cr_expect(eq(int, matches(*texts), wanted), "'%s'", *texts);
}

Test(label_selector, these_match)
{
	static const char *const texts[] = {
		"",
		" ",
		"app=web",
		"app == web",
		"app=web,tier=front",
		"app",
		" app , tier ",
		"app!=db",
		"other!=web",
		"!other",
		"app in (web)",
		"app in (db, web)",
		"app notin (db,cache)",
		"other notin (web)",
		"empty=",
		"empty",
		"empty in ()",
		"empty in (a,)",
		"empty in (,a)",
		"app in (a,,web)",
		"empty=,app=web",
		"build>6",
		"build > 6, build<8",
		"in=notin",
		"in in (in, notin)",
		"in notin (in)",
		"in",
		NULL,
	};

	expect_all(texts, 1);
	cr_expect(eq(int, matches(NULL), 1));
}

Test(label_selector, these_do_not_match)
{
	static const char *const texts[] = {
		"app=db",
		"app=",
		"app!=web",
		"other",
		"!app",
		"app=web,tier=back",
		"app in (db)",
		"app in ()",
		"app notin (web,db)",
		"other in (web)",
		"other=",
		"build>7",
		"build<7",
		"app>1",
		"other<1",
		"App=web",
		"app=Web",
		"other>1",
		NULL,
	};

	expect_all(texts, 0);
}

Test(label_selector, bad_ones_are_told_in_the_words_of_kubernetes)
{
	static const struct {
		const char *text;
		const char *wanted;
	} bad[] = {
		{ "=web",
		  "found '=', expected: !, identifier, or 'end of string'" },
		{ ",app",
		  "found ',', expected: !, identifier, or 'end of string'" },
		{ "app,", "found '', expected: identifier after ','" },
		{ "app,,tier", "found ',', expected: identifier after ','" },
		{ "app web",
		  "unable to parse requirement: found 'web', expected: in, notin, =, ==, !=, gt, lt" },
		{ "app=web tier",
		  "found 'tier', expected: ',' or 'end of string'" },
		{ "app===web",
		  "unable to parse requirement: found '=', expected: identifier" },
		{ "app=(web)",
		  "unable to parse requirement: found '(', expected: identifier" },
		{ "!",
		  "unable to parse requirement: found '', expected: identifier" },
		{ "!app=web", "found '=', expected: ',' or 'end of string'" },
		{ "app in web",
		  "unable to parse requirement: found 'web' expected: '('" },
		{ "app in",
		  "unable to parse requirement: found '' expected: '('" },
		{ "app in (",
		  "unable to parse requirement: found '', expected: ',', ')' or identifier" },
		{ "app in (web",
		  "unable to parse requirement: found '', expected: ',' or ')'" },
		{ "app in (web db)",
		  "unable to parse requirement: found 'db', expected: ',' or ')'" },
		{ "app in (web,",
		  "unable to parse requirement: found '', expected: ',', or identifier" },
		{ "build>new",
		  "unable to parse requirement: for 'Gt', 'Lt' operators, the value must be an integer" },
		{ "build>99999999999999999999",
		  "unable to parse requirement: for 'Gt', 'Lt' operators, the value must be an integer" },
		{ "-app",
		  "unable to parse requirement: invalid label key \"-app\": " },
		{ "a/b/c=d",
		  "unable to parse requirement: invalid label key \"a/b/c\": " },
		{ "app=w\xff-b",
		  "unable to parse requirement: invalid label value: \"w\xff" },
		{ "app=-web",
		  "unable to parse requirement: invalid label value: \"-web\": at key: \"app\": " },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct label_selector selector;
		struct error err = { 0 };

		cr_expect(eq(int,
			     label_selector_parse(bad[i].text, &selector, &err),
			     -EINVAL),
			  "'%s'", bad[i].text);
		cr_expect(zero(int, strncmp(err.text, bad[i].wanted,
					    strlen(bad[i].wanted))),
			  "'%s' is told as '%s'", bad[i].text, err.text);
		label_selector_done(&selector);
	}
}

Test(label_selector, there_are_no_more_terms_than_there_is_room_for)
{
	char text[2 * (LABEL_TERMS_MAX + 1)] = "";
	struct label_selector selector;
	struct error err = { 0 };

	for (size_t i = 0; i + 1 < sizeof(text); i++)
		text[i] = i % 2 ? ',' : 'a';
	cr_expect(
		eq(int, label_selector_parse(text, &selector, &err), -EINVAL));
	label_selector_done(&selector);
	text[sizeof(text) - 3] = '\0';
	cr_expect(eq(int, label_selector_parse(text, &selector, &err), 0));
	cr_expect(eq(sz, selector.n, LABEL_TERMS_MAX));
	label_selector_done(&selector);
}

/* The error for a selector by fields, "" if there is none. */
static const char *field_error(const char *text)
{
	static const char *const fields[] = { "metadata.name", NULL };
	static struct error err;
	struct selector selector;
	int r;

	err = (struct error){ 0 };
	r = selector_parse(text, NULL, fields, &selector, &err);
	selector_done(&selector);
	cr_expect(eq(int, r, err.text[0] ? -EINVAL : 0));
	return err.text;
}

static void expect_field_error(const char *text, const char *wanted)
{
	cr_expect(zero(int, strcmp(field_error(text), wanted)),
		  "'%s' is told as '%s'", text, field_error(text));
}

Test(label_selector, by_fields_it_is_the_same)
{
	expect_field_error("metadata.name=a,metadata.name!=b", "");
	expect_field_error(",,metadata.name==a,", "");
	expect_field_error("metadata.name=a\\,b\\=c\\\\", "");
	expect_field_error("metadata.name=", "");
	expect_field_error("name=a", "field label not supported: name");
	expect_field_error("=a", "field label not supported: ");
	expect_field_error(
		"metadata.name=a,b",
		"invalid selector: 'metadata.name=a,b'; can't understand 'b'");
	expect_field_error(
		"metadata.name=a\\b",
		"invalid field selector: invalid escape sequence: \\b");
	expect_field_error(
		"metadata.name=a\\",
		"invalid field selector: invalid escape sequence: \\");
	expect_field_error(
		"metadata.name=a=b",
		"invalid field selector: unescaped character in value: =");
}
