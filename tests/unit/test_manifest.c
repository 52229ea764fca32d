/* SPDX-License-Identifier: Apache-2.0 */
/* test_manifest.c - YAML and JSON text to documents, and back */
#include "store/base/error.h"
#include "store/manifest/manifest.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

TestSuite(manifest, .timeout = 60);

/* The value of `text`, as compact JSON; malloc'd. */
static char *json_of(const char *text)
{
	struct manifest manifest;
	struct error err = { "" };
	char *out;
	int r;

	r = manifest_parse(text, strlen(text), &manifest, &err);
	cr_assert(eq(int, r, 0), "%s: %s", text, err.text);
	cr_assert(eq(sz, manifest.n_documents, 1), "%s", text);
	out = json_dumps(manifest.documents[0].value,
			 JSON_COMPACT | JSON_ENCODE_ANY);
	manifest_done(&manifest);
	return out;
}

static void expect_json(const char *text, const char *json)
{
	char *got = json_of(text);

	cr_expect(eq(str, got, (char *)json), "from: %s", text);
	free(got);
}

static int parse_len(const char *text, size_t len, struct error *err)
{
	struct manifest manifest = { 0 };
	int r;

	err->text[0] = '\0';
	r = manifest_parse(text, len, &manifest, err);
	manifest_done(&manifest);
	return r;
}

/* The text must be refused with r, and the message hold `part`. */
static void expect_error(const char *text, int r, const char *part)
{
	struct error err;

	cr_expect(eq(int, parse_len(text, strlen(text), &err), r), "%s: %s",
		  text, err.text);
	cr_expect(strstr(err.text, part) != NULL, "'%s' lacks '%s'", err.text,
		  part);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* n copies of part between head and tail; malloc'd. */
static char *repeat(const char *head, const char *part, size_t n,
		    const char *tail)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fputs(head, f);
	while (n--)
		fputs(part, f);
	fputs(tail, f);
	fclose(f);
	return text;
}

static void expect_error_of(char *text, int r, const char *part)
{
	struct error err;
	double start = seconds();

	cr_expect(eq(int, parse_len(text, strlen(text), &err), r), "%s",
		  err.text);
	cr_expect(strstr(err.text, part) != NULL, "'%s' lacks '%s'", err.text,
		  part);
	cr_expect(lt(dbl, seconds() - start, 10.0), "took too long");
	free(text);
}

Test(manifest, plain_words_resolve_as_kubernetes_does)
{
	expect_json("[~, null, Null, NULL, x]", "[null,null,null,null,\"x\"]");
	expect_json("[yes, Yes, YES, on, ON, true, True, y, Y]",
		    "[true,true,true,true,true,true,true,true,true]");
	expect_json("[no, No, off, OFF, false, FALSE, n, N]",
		    "[false,false,false,false,false,false,false,false]");
	expect_json("[yEs, nO, nULL, tRUE, 'yes', \"on\", '']",
		    "[\"yEs\",\"nO\",\"nULL\",\"tRUE\",\"yes\",\"on\",\"\"]");
}

Test(manifest, integers_may_be_octal_hexadecimal_and_binary)
{
	expect_json("[0644, 0o644, 0x1F, 0b101, -0x10, +7, -012, 0, 00]",
		    "[420,420,31,5,-16,7,-10,0,0]");
	expect_json("[1_000, 0x_ff, 1_, _1]", "[1000,255,1,\"_1\"]");
	expect_json("[9223372036854775807, -9223372036854775808]",
		    "[9223372036854775807,-9223372036854775808]");
	/* No octal digits: a float, which is written as an integer. */
	expect_json("[08, 089]", "[8,89]");
	expect_json("[0x, 0b, 0b2, 0xg, 0o8, +, -, 1-2, 12a]",
		    "[\"0x\",\"0b\",\"0b2\",\"0xg\",\"0o8\",\"+\",\"-\","
		    "\"1-2\",\"12a\"]");
}

Test(manifest, integers_beyond_int64_are_floats)
{
	expect_json("[18446744073709551616]", "[1.8446744073709552e19]");
	expect_json("[0xFFFFFFFFFFFFFFFF]", "[1.8446744073709552e19]");
}

Test(manifest, floats_that_are_whole_are_integers_as_in_json)
{
	expect_json("[1.5, .5, -2.5e-1, 1e3, 1.0, 1E2, 5., 1e400]",
		    "[1.5,0.5,-0.25,1000,1,100,5,\"1e400\"]");
	expect_json("[1e, e1, ., 1.2.3, 12:30, 2024-01-02]",
		    "[\"1e\",\"e1\",\".\",\"1.2.3\",\"12:30\",\"2024-01-02\"]");
}

Test(manifest, infinities_are_refused_with_a_hint)
{
	expect_error("a: .inf", -EINVAL, "line 1, column 4: '.inf' is not a");
	expect_error("a: -.Inf", -EINVAL, "quotes");
	expect_error("a: .nan", -EINVAL, "finite");
}

Test(manifest, explicit_tags_count)
{
	expect_json("[!!str 12, !!int \"12\", !!float 3, !!bool 'yes', !own x]",
		    "[\"12\",12,3,true,\"x\"]");
	expect_json("[!!null '', ! 12, !!binary aGVsbG8=]",
		    "[null,\"12\",\"hello\"]");
	expect_error("a: !!int x", -EINVAL, "'x' cannot be read as !!int");
	expect_error("a: !!binary '*'", -EINVAL, "base64");
	expect_error("a: !!binary /w==", -EINVAL, "UTF-8");
}

Test(manifest, keys_that_are_no_strings_become_strings)
{
	expect_json("{1: a, true: b, 1.5: c, 0x10: d}",
		    "{\"1\":\"a\",\"true\":\"b\",\"1.5\":\"c\",\"16\":\"d\"}");
	expect_error("~: a", -EINVAL, "a key must be text");
	expect_error("[a]: b", -EINVAL, "a key must be text");
	expect_error("? {a: b}\n: c", -EINVAL, "a key must be text");
}

Test(manifest, duplicate_keys_are_refused_with_their_line)
{
	expect_error("a: 1\nb: 2\na: 3\n", -EINVAL,
		     "line 3, column 1: duplicate key 'a'");
	expect_error("{\"a\": 1, \"a\": 2}", -EINVAL, "duplicate key 'a'");
	expect_error("1: a\n\"1\": b\n", -EINVAL, "duplicate key '1'");
}

Test(manifest, anchors_and_aliases_are_expanded)
{
	expect_json("a: &x {k: [1, 2]}\nb: *x\n",
		    "{\"a\":{\"k\":[1,2]},\"b\":{\"k\":[1,2]}}");
	expect_json("a: &x 1\nb: &x 2\nc: *x\n", "{\"a\":1,\"b\":2,\"c\":2}");
	expect_json("a: &k name\n*k : v\n", "{\"a\":\"name\",\"name\":\"v\"}");
	expect_error("a: *x", -EINVAL, "unknown anchor 'x'");
	expect_error("a: &x [*x]", -EINVAL, "anchor 'x' contains itself");
	expect_error("a: &x 1\n---\nb: *x", -EINVAL, "unknown anchor");
}

Test(manifest, merge_keys_fill_in_what_is_missing)
{
	expect_json("a: &a {x: 1, z: 2}\nb: {<<: *a, z: 3}\n",
		    "{\"a\":{\"x\":1,\"z\":2},\"b\":{\"z\":3,\"x\":1}}");
	expect_json("- &a {x: 1}\n- &b {x: 2, z: 2}\n- {<<: [*a, *b]}\n",
		    "[{\"x\":1},{\"x\":2,\"z\":2},{\"x\":1,\"z\":2}]");
	expect_json("{\"<<\": 1}", "{\"<<\":1}");
	expect_error("a: {<<: 1}", -EINVAL, "'<<' needs a mapping");
	expect_error("a: {<<: [{}, 1]}", -EINVAL, "'<<' needs a mapping");
}

Test(manifest, documents_that_are_empty_are_left_out)
{
	static const char text[] = "---\n# nothing\n---\na: 1\n---\n...\n"
				   "---\n~\n---\nb: 2\n...\n";
	struct manifest m;
	struct error err;

	cr_assert(eq(int, manifest_parse(text, strlen(text), &m, &err), 0));
	cr_assert(eq(sz, m.n_documents, 2));
	cr_expect(eq(uint, m.documents[0].line, 4));
	cr_expect(eq(uint, m.documents[1].line, 10));
	manifest_done(&m);
	cr_assert(eq(int, manifest_parse("", 0, &m, &err), 0));
	cr_expect(eq(sz, m.n_documents, 0));
	cr_assert(eq(int, manifest_parse("# x\n", 4, &m, &err), 0));
	cr_expect(eq(sz, m.n_documents, 0));
}

Test(manifest, a_byte_order_mark_and_crlf_are_accepted)
{
	expect_json("\xEF\xBB\xBF"
		    "a: 1\r\nb: x\r\n",
		    "{\"a\":1,\"b\":\"x\"}");
	expect_json("\xEF\xBB\xBF{\"a\": 1}", "{\"a\":1}");
	expect_json("a: |\r\n  x\r\n  y\r\n", "{\"a\":\"x\\ny\\n\"}");
}

Test(manifest, json_with_tabs_and_surrogate_pairs_is_read)
{
	expect_json("{\n\t\"a\":1,\n\t\"b\":[true,null],\n\t\"c\":{}}\n",
		    "{\"a\":1,\"b\":[true,null],\"c\":{}}");
	expect_json("{\"a\": \"\\ud83d\\ude00\\/\"}",
		    "{\"a\":\"\xF0\x9F\x98\x80/\"}");
}

Test(manifest, json_values_may_follow_each_other)
{
	static const char text[] = "{\"a\": 1}\n{\"b\": 2}\n";
	struct manifest m;
	struct error err;

	cr_assert(eq(int, manifest_parse(text, strlen(text), &m, &err), 0));
	cr_expect(eq(sz, m.n_documents, 2));
	cr_expect(eq(uint, m.documents[1].line, 2));
	manifest_done(&m);
}

Test(manifest, bad_json_is_told_with_its_position)
{
	expect_error("{\n \"a\": 1,\n \"b\" 2\n}", -EINVAL, "line 3");
	expect_error("{\"a\": 1} x", -EINVAL, "line 1");
	expect_error("{\"a\": \"\\u0000\"}", -EINVAL, "line 1");
}

Test(manifest, bad_yaml_is_told_with_its_position)
{
	expect_error("a: 1\n b: 2\n", -EINVAL,
		     "line 2, column 3: mapping values");
	expect_error("a: [1, 2\nb: 3\n", -EINVAL, "line 2");
	expect_error("a:\n\tb: 1\n", -EINVAL, "a tab cannot indent YAML");
	expect_error("a: 'x", -EINVAL, "line 1");
	expect_error("a: \"\\0\"", -EINVAL, "NUL");
}

Test(manifest, nul_bytes_and_bad_utf8_are_refused_with_their_position)
{
	struct error err;

	cr_expect(eq(int, parse_len("a: 1\nb: \0x", 10, &err), -EINVAL));
	cr_expect(strstr(err.text, "line 2, column 4: a NUL byte") != NULL);
	cr_expect(eq(int, parse_len("\xC3\xA4: \xFF", 5, &err), -EINVAL));
	cr_expect(strstr(err.text, "line 1, column 4: a byte that is not") !=
		  NULL);
	expect_error("a: \xC0\x80", -EINVAL, "UTF-8");
	expect_error("a: \xED\xA0\x80", -EINVAL, "UTF-8");
	expect_error("a: \xF4\x90\x80\x80", -EINVAL, "UTF-8");
	expect_error("a: \xE2\x82", -EINVAL, "UTF-8");
	expect_error("a: \x01", -EINVAL, "line 1, column 4: control char");
	cr_expect(eq(int,
		     parse_len("\xFF\xFE"
			       "a\0",
			       4, &err),
		     -EINVAL));
	cr_expect(strstr(err.text, "UTF-16") != NULL);
}

Test(manifest, ten_megabytes_are_refused_at_once)
{
	expect_error_of(repeat("a: ", "x123456789", 1 << 20, ""), -E2BIG,
			"at most 3145728 are allowed");
}

Test(manifest, a_depth_of_ten_thousand_is_refused)
{
	expect_error_of(repeat("", "[", 10000, ""), -E2BIG,
			"nested too deeply");
	expect_error_of(repeat("", "{\"a\":", 10000, ""), -E2BIG,
			"nested too deeply");
	expect_error_of(repeat("", "- ", 10000, "x"), -E2BIG,
			"nested too deeply");
}

Test(manifest, a_hundred_levels_are_allowed)
{
	char *text = repeat("", "[", 100, "");
	char *whole = repeat(text, "]", 100, "");
	struct error err;

	cr_expect(eq(int, parse_len(whole, strlen(whole), &err), 0), "%s",
		  err.text);
	free(text);
	free(whole);
}

Test(manifest, a_billion_laughs_are_refused_before_they_are_expanded)
{
	static const char bomb[] =
		"a: &a [x, x, x, x, x, x, x, x, x]\n"
		"b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
		"c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\n"
		"d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
		"e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]\n"
		"f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e]\n"
		"g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f]\n";

	expect_error(bomb, -E2BIG, "too many values");
}

Test(manifest, a_long_text_repeated_by_aliases_is_refused)
{
	char *head = repeat("a: &a ", "x123456789", 100000, "\nb:\n");

	expect_error_of(repeat(head, "- *a\n", 50, ""), -E2BIG,
			"too much text");
	free(head);
}

Test(manifest, aliases_that_stack_levels_are_refused)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fputs("- &a0 x\n", f);
	for (int i = 1; i < 200; i++)
		fprintf(f, "- &a%d [*a%d]\n", i, i - 1);
	fclose(f);
	expect_error_of(text, -E2BIG, "nested too deeply");
}

Test(manifest, merges_of_merges_are_bounded)
{
	expect_error_of(repeat("a: &a {x: 1}\nb:\n",
			       "- {<<: [*a, *a, *a, *a, *a, *a, *a, *a]}\n",
			       20000, ""),
			-E2BIG, "too many values");
}

Test(manifest, three_megabytes_of_anything_end_in_time)
{
	static const struct {
		const char *head;
		const char *part;
		const char *tail;
	} texts[] = {
		{ "", "%TAG !a! x\n", "--- a\n" },
		{ "", "&a ", "x" },
		{ "", "---\n", "" },
		{ "[", "&a 1,", "]" },
		{ "", "# x\n", "" },
		{ "", "? ", "" },
		{ "a: \"", "\\x41", "\"" },
		{ "a: ", "\n\n\n\n", "" },
		{ "", "!!a ", "" },
		{ "a: |\n", "  \n", "" },
		{ "", "a:\n ", "" },
		{ "{", "a b,", "" },
		{ "", "'", "" },
		{ "a: ", "*a", "" },
		{ "", "}", "" },
		{ "", "a: 1\r", "" },
		{ "", "{\"a\": \"\\ud83d\\ude00\"}\n", "" },
	};
	struct error err;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t n = 3000000 / strlen(texts[i].part);
		char *text =
			repeat(texts[i].head, texts[i].part, n, texts[i].tail);
		double start = seconds();

		parse_len(text, strlen(text), &err);
		cr_expect(lt(dbl, seconds() - start, 10.0), "'%s' took %.1f s",
			  texts[i].part, seconds() - start);
		free(text);
	}
}

Test(manifest, a_field_has_the_line_of_its_key)
{
	static const char text[] = "spec:\n"
				   "  volumes:\n"
				   "  - name: a\n"
				   "    hostPath:\n"
				   "      path: /x\n"
				   "  - {name: b}\n"
				   "metadata:\n"
				   "  annotations:\n"
				   "    a.b/c: x\n";
	struct manifest_lines *lines;
	struct manifest m;
	struct error err;

	cr_assert(eq(int, manifest_parse(text, strlen(text), &m, &err), 0));
	lines = m.documents[0].lines;
	cr_expect(eq(uint, manifest_line(lines, "spec"), 1));
	cr_expect(eq(uint, manifest_line(lines, "spec.volumes[0]"), 3));
	cr_expect(eq(uint,
		     manifest_line(lines, "spec.volumes[0].hostPath.path"), 5));
	cr_expect(eq(uint, manifest_line(lines, "spec.volumes[1].name"), 6));
	cr_expect(eq(uint, manifest_line(lines, "metadata.annotations[a.b/c]"),
		     9));
	cr_expect(
		eq(uint, manifest_line(lines, "spec.volumes[0].nfs.server"), 3),
		"the nearest ancestor's");
	cr_expect(eq(uint, manifest_line(lines, "status"), 1));
	cr_expect(eq(uint, manifest_line(NULL, "spec"), 0));
	manifest_done(&m);
}

Test(manifest, json_has_lines_too)
{
	static const char text[] = "{\n\t\"spec\": {\n\t\t\"volumes\": [\n"
				   "\t\t\t{\"name\": \"a\"}\n]}}";
	struct manifest m;
	struct error err;

	cr_assert(eq(int, manifest_parse(text, strlen(text), &m, &err), 0));
	cr_expect(
		eq(uint,
		   manifest_line(m.documents[0].lines, "spec.volumes[0].name"),
		   4));
	manifest_done(&m);
}

static void expect_yaml(const char *json, const char *yaml)
{
	json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
	char *text;

	cr_assert(eq(int, manifest_to_yaml(value, &text), 0));
	cr_expect(eq(str, text, (char *)yaml));
	free(text);
	json_decref(value);
}

Test(manifest, yaml_is_written_as_kubectl_writes_it)
{
	expect_yaml(
		"{\"kind\": \"Pod\", \"apiVersion\": \"v1\", \"spec\": "
		"{\"volumes\": [{\"name\": \"a\", \"emptyDir\": {}}, "
		"{\"name\": \"b\", \"args\": [\"-c\", \"x y\", \"a\\nb\\n\","
		" [1, [2]]]}], \"none\": [], \"on\": true}}",
		"apiVersion: v1\n"
		"kind: Pod\n"
		"spec:\n"
		"  none: []\n"
		"  \"on\": true\n"
		"  volumes:\n"
		"  - emptyDir: {}\n"
		"    name: a\n"
		"  - args:\n"
		"    - -c\n"
		"    - x y\n"
		"    - |\n"
		"      a\n"
		"      b\n"
		"    - - 1\n"
		"      - - 2\n"
		"    name: b\n");
	expect_yaml("\"yes\"", "\"yes\"\n");
	expect_yaml("{}", "{}\n");
	expect_yaml("null", "null\n");
}

static void expect_round_trip(const json_t *value)
{
	struct manifest m = { 0 };
	struct error err;
	char *text;
	int r;

	cr_assert(eq(int, manifest_to_yaml(value, &text), 0));
	r = manifest_parse(text, strlen(text), &m, &err);
	cr_assert(eq(int, r, 0), "%s:\n%s", err.text, text);
	cr_assert(eq(sz, m.n_documents, 1));
	cr_expect(json_equal(m.documents[0].value, value), "%s", text);
	manifest_done(&m);
	free(text);
}

Test(manifest, every_nasty_string_reads_back_as_itself)
{
	static const char *const nasty[] = {
		"",
		" ",
		"a ",
		" a",
		"yes",
		"No",
		"~",
		"null",
		"1",
		"0644",
		"1e3",
		".inf",
		"-",
		"--",
		"---",
		"- a",
		"-a",
		"-1",
		"-.5",
		"?",
		"? a",
		":",
		"a:",
		"a: b",
		"a:b",
		"a #b",
		"a#b",
		"#",
		"&a",
		"*a",
		"!a",
		"|",
		">",
		"'",
		"\"",
		"a'b\"c\\",
		"%a",
		"@a",
		"`a",
		"{",
		"[",
		"a]",
		"a,b",
		"<<",
		"=",
		"...",
		"... a",
		"\n",
		"a\n",
		"a\nb",
		"a\nb\n\n",
		"\na",
		" a\nb",
		"a\n b\n",
		"a\n\tb",
		"\t",
		"a\tb",
		"a\n\n\nb",
		"a \nb",
		"a\r\nb",
		"\xC2\x85",
		"a\xC2\x85-\nc",
		"\xE2\x80\xA8x\ny",
		"\xEF\xBB\xBFx",
		"\x7F",
		"\x01\x1F",
		"\xC3\xA4",
		"\xF0\x9F\x98\x80",
		"\xF0\x9F\x98\x80\nx",
		"12:30:45",
		"2024-01-02",
		"2024-01-02T03:04:05Z",
		"0x1F",
		"1_000",
		"_1",
		"a  b",
		"$(X)",
		"/a/b",
		"key: |\n  x",
		"a\n...\nb",
		"a\n---\nb\n",
		"#a\nb",
		"a\n#b\n",
		"\xEF\xBF\xBF",
		"x\xEF\xBF\xBE\ny",
		"y",
		"n",
	};
	json_t *all = json_object();

	for (size_t i = 0; i < sizeof(nasty) / sizeof(nasty[0]); i++) {
		json_t *text = json_string(nasty[i]);
		json_t *list = json_pack("[O, {s:O}, [O, [O]]]", text, nasty[i],
					 text, text, text);

		expect_round_trip(text);
		expect_round_trip(list);
		json_object_set_new(all, nasty[i], list);
		json_decref(text);
	}
	expect_round_trip(all);
	json_decref(all);
}

Test(manifest, long_keys_read_back)
{
	char key[3000];
	json_t *value;

	memset(key, 'k', sizeof(key));
	key[sizeof(key) - 1] = '\0';
	value = json_pack("{s:{s:[i, {s:s}], s:{}}}", key, key, 1, key, "a\nb",
			  "x");
	cr_assert(value != NULL);
	expect_round_trip(value);
	json_decref(value);
}

/* A value made of random bits; small. */
static json_t *random_value(unsigned *seed, int depth)
{
	static const char alphabet[] = "ab \n\t:#-'\"\\[]{},&*!|>%@0.~?<";
	unsigned kind = (unsigned)rand_r(seed) % (depth > 4 ? 6 : 8);
	json_t *value;
	char text[12];
	size_t n = (size_t)rand_r(seed) % 10;

	for (size_t i = 0; i < n; i++)
		text[i] =
			alphabet[(size_t)rand_r(seed) % (sizeof(alphabet) - 1)];
	text[n] = '\0';
	if (kind <= 3)
		return json_string(text);
	if (kind == 4)
		return json_integer(rand_r(seed) - RAND_MAX / 2);
	if (kind == 5)
		return rand_r(seed) % 2 ? json_real(rand_r(seed) / 7e3 + 0.01)
					: json_null();
	value = kind == 6 ? json_array() : json_object();
	for (n = (size_t)rand_r(seed) % 4; n; n--) {
		if (kind == 6) {
			json_array_append_new(value,
					      random_value(seed, depth + 1));
		} else {
			text[n] = (char)('a' + (int)n);
			text[n + 1] = '\0';
			json_object_set_new(value, text,
					    random_value(seed, depth + 1));
		}
	}
	return value;
}

Test(manifest, random_values_read_back)
{
	for (unsigned i = 0; i < 20000; i++) {
		unsigned seed = i;
		json_t *value = random_value(&seed, 0);

		/* An empty document is none. */
		if (!json_is_null(value))
			expect_round_trip(value);
		json_decref(value);
	}
}

Test(manifest, values_nested_without_end_are_refused)
{
	json_t *value = json_array();
	char *text;

	for (int i = 0; i < 300; i++)
		value = json_pack("[o]", value);
	cr_expect(eq(int, manifest_to_yaml(value, &text), -E2BIG));
	json_decref(value);
}
