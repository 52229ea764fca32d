/* SPDX-License-Identifier: Apache-2.0 */
/* test_podvolctl.c - the client: its command line, tables and formats */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/suggest.h"
#include "tools/podvolctl/age.h"
#include "tools/podvolctl/client.h"
#include "tools/podvolctl/cmdline.h"
#include "tools/podvolctl/command.h"
#include "tools/podvolctl/completion.h"
#include "tools/podvolctl/help.h"
#include "tools/podvolctl/runtime.h"
#include "tools/podvolctl/table.h"
#include "tools/podvolctl/volume_view.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(podvolctl, .timeout = 20);

#define PAGE "tools/man/podvolctl.1.scd"

/* Criterion's str wants strings that may be written. */
static bool text_is(const char *got, const char *wanted)
{
	bool same = got && strcmp(got, wanted) == 0;

	if (!same)
		fprintf(stderr, "got    '%s'\nwanted '%s'\n", got, wanted);
	return same;
}

/* NULL is everywhere. */
static bool is_in(const char *text, const char *part)
{
	return !part || strstr(text, part);
}

static char *read_page(void)
{
	cleanup_file FILE *f = fopen(PAGE, "re");
	char *text = NULL;
	size_t size = 0;

	cr_assert(ne(ptr, f, NULL), "run in the root of the sources");
	cr_assert(gt(i64, getdelim(&text, &size, '\0', f), 0));
	return text;
}

/* The part of page under a heading, up to the next one (malloc'd). */
static char *section_of(const char *page, const char *heading)
{
	const char *start = strstr(page, heading);
	const char *end;

	cr_assert(ne(ptr, (void *)start, NULL), "no section '%s' in " PAGE,
		  heading + 1);
	start += strlen(heading);
	end = strstr(start, "\n#");
	return end ? strndup(start, end - start) : strdup(start);
}

static char *command_section(const char *page, const char *name)
{
	char heading[64];

	snprintf(heading, sizeof(heading), "\n## %s ", name);
	if (!strstr(page, heading))
		snprintf(heading, sizeof(heading), "\n## %s\n", name);
	return section_of(page, heading);
}

static char *help_text(const struct command *command)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (command)
		help_command(out, command);
	else
		help_program(out);
	fclose(out);
	return text;
}

/* Is "--name" in text, and not as the beginning of a longer one? */
static bool has_option(const char *text, const char *name)
{
	char wanted[64];

	snprintf(wanted, sizeof(wanted), "--%s", name);
	while ((text = strstr(text, wanted))) {
		text += strlen(wanted);
		if (!strchr("-abcdefghijklmnopqrstuvwxyz", *text) || !*text)
			return true;
	}
	return false;
}

/* Every option that a line of the page or the help begins with is ours. */
static void expect_known(const char *text, const char *line_start,
			 uint32_t mask, const char *where)
{
	cleanup_free char *copy = strdup(text);
	char *rest = copy;
	char *line;

	while ((line = strsep(&rest, "\n"))) {
		char *name = strstr(line, "--");
		bool known = false;

		if (strncmp(line, line_start, strlen(line_start)) != 0 || !name)
			continue;
		name += 2;
		name[strspn(name, "-abcdefghijklmnopqrstuvwxyz")] = '\0';
		for (int i = 0; i < N_OPTION_IDS; i++)
			known |= (mask & (UINT32_C(1) << i)) &&
				 strcmp(option_table[i].name, name) == 0;
		cr_expect(known, "%s has --%s, the table has not", where, name);
	}
}

static void expect_options(const char *text, uint32_t mask, const char *where)
{
	for (int i = 0; i < N_OPTION_IDS; i++)
		if (mask & (UINT32_C(1) << i))
			cr_expect(has_option(text, option_table[i].name),
				  "--%s is not in %s", option_table[i].name,
				  where);
}

Test(podvolctl, help_and_manual_page_have_the_same_commands)
{
	cleanup_free char *page = read_page();
	cleanup_free char *program = help_text(NULL);
	size_t n = 0;

	for (const struct command *c = command_table; c->name; c++, n++) {
		cleanup_free char *section = command_section(page, c->name);

		cr_expect(gt(sz, strlen(section), 0));
		cr_expect(is_in(program, c->name));
	}
	for (char *p = page; (p = strstr(p, "\n## ")); p += 4) {
		cleanup_free char *name = strndup(p + 4, strcspn(p + 4, " \n"));

		cr_expect(ne(ptr, (void *)command_find(name), NULL),
			  "the page has '%s', the table has not", name);
		n--;
	}
	cr_assert(eq(sz, n, 0));
}

Test(podvolctl, help_and_manual_page_have_the_same_options)
{
	cleanup_free char *page = read_page();
	cleanup_free char *common =
		section_of(page, "\n# OPTIONS OF EVERY COMMAND\n");

	expect_options(common, OPTIONS_COMMON, PAGE);
	expect_known(common, "*-", OPTIONS_COMMON, PAGE);
	for (const struct command *c = command_table; c->name; c++) {
		cleanup_free char *section = command_section(page, c->name);
		cleanup_free char *help = help_text(c);

		expect_options(section, c->options, PAGE);
		expect_known(section, "*-", c->options, PAGE);
		expect_options(help, c->options | OPTIONS_COMMON, "the help");
		expect_known(help, "  -", c->options | OPTIONS_COMMON,
			     "the help");
		cr_expect(is_in(section, c->outputs),
			  "formats of '%s' are not in the page", c->name);
	}
}

Test(podvolctl, completion_knows_every_command_and_option)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	completion_bash(out);
	fclose(out);
	for (const struct command *c = command_table; c->name; c++)
		cr_expect(is_in(text, c->name));
	expect_options(text, (UINT32_C(1) << N_OPTION_IDS) - 1, "completion");
	free(text);
}

/* The words after the command, NULL at their end. */
static int parse_words(const char *verb, struct cmdline *cmdline,
		       struct error *err, const char *const *words)
{
	char *argv[16] = { (char *)verb };
	int argc = 1;

	while (*words)
		argv[argc++] = (char *)*words++;
	cmdline_init(cmdline);
	return cmdline_parse(cmdline, command_find(verb), argc, argv, err);
}

#define PARSE(verb, cmdline, err, ...)                                         \
	parse_words(verb, cmdline, err,                                        \
		    (const char *const[]){ __VA_ARGS__, NULL })

Test(podvolctl, options_may_stand_anywhere)
{
	struct cmdline c;
	struct error err;

	cr_assert(
		eq(int, PARSE("get", &c, &err, "pods", "-A", "-o", "wide"), 0));
	cr_expect(c.all_namespaces);
	cr_expect(text_is(c.output, "wide"));
	cr_expect(eq(sz, c.n_args, 1));
	cr_expect(text_is(c.args[0], "pods"));
	cmdline_done(&c);
}

Test(podvolctl, an_unknown_option_names_the_nearest)
{
	struct cmdline c;
	struct error err;

	cr_assert(eq(int, PARSE("delete", &c, &err, "--forse"), -EINVAL));
	cr_expect(text_is(err.text,
			  "unknown option '--forse'; did you mean '--force'?"));
	cr_assert(eq(int, PARSE("get", &c, &err, "-Q"), -EINVAL));
	cr_expect(text_is(err.text, "unknown option '-Q'"));
}

Test(podvolctl, a_bad_value_says_what_would_be_right)
{
	struct cmdline c;
	struct error err;

	cr_assert(eq(int, PARSE("get", &c, &err, "-o", "xml"), -EINVAL));
	cr_expect(is_in(err.text, "wide|json|yaml|name"));
	cr_assert(
		eq(int, PARSE("apply", &c, &err, "--dry-run=maybe"), -EINVAL));
	cr_expect(is_in(err.text, "server|client|none"));
	cr_assert(eq(int, PARSE("get", &c, &err, "--request-timeout=soon"),
		     -EINVAL));
	cr_expect(is_in(err.text, "30s"));
	cr_assert(eq(int, PARSE("apply", &c, &err, "-f"), -EINVAL));
	cr_expect(is_in(err.text, "wants a value"));
}

Test(podvolctl, durations_have_units)
{
	static const struct {
		const char *text;
		long ms; /* -1: refused */
	} cases[] = {
		{ "0", 0 },	  { "5", 5000 },      { "500ms", 500 },
		{ "30s", 30000 }, { "2m", 120000 },   { "1h", 3600000 },
		{ "", -1 },	  { "-1s", -1 },      { "5d", -1 },
		{ "s", -1 },	  { "1 s", -1 },      { "99999999999h", -1 },
		{ "0x5", -1 },	  { "1000000h", -1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		long ms = -1;

		cmdline_duration(cases[i].text, &ms);
		cr_expect(eq(long, ms, cases[i].ms), "'%s'", cases[i].text);
	}
}

Test(podvolctl, ages_are_as_kubectl_says_them)
{
	static const struct {
		time_t seconds;
		const char *text;
	} cases[] = {
		{ -5, "<invalid>" },
		{ -1, "0s" },
		{ 0, "0s" },
		{ 5, "5s" },
		{ 119, "119s" },
		{ 120, "2m" },
		{ 185, "3m5s" },
		{ 599, "9m59s" },
		{ 600, "10m" },
		{ 3600, "60m" },
		{ 3L * 3600, "3h" },
		{ 3L * 3600 + 60, "3h1m" },
		{ 8L * 3600, "8h" },
		{ 47L * 3600 + 3599, "47h" },
		{ 48L * 3600, "2d" },
		{ 49L * 3600, "2d1h" },
		{ 8L * 86400, "8d" },
		{ 400L * 86400, "400d" },
		{ 730L * 86400, "2y" },
		{ 731L * 86400, "2y1d" },
		{ 3000L * 86400, "8y" },
	};
	char buf[AGE_SIZE];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		cr_expect(text_is(age_format(cases[i].seconds, buf),
				  cases[i].text));
}

Test(podvolctl, times_are_rfc_3339)
{
	time_t t = 0;

	cr_assert(eq(int, age_parse_time("1970-01-02T00:00:01Z", &t), 0));
	cr_expect(eq(long, t, 86401));
	cr_assert(eq(int, age_parse_time("1970-01-01T00:00:02.123Z", &t), 0));
	cr_expect(eq(long, t, 2));
	cr_expect(eq(int, age_parse_time("yesterday", &t), -EINVAL));
	cr_expect(eq(int, age_parse_time("1970-01-01T00:00:02", &t), -EINVAL));
}

Test(podvolctl, bytes_are_short)
{
	static const struct {
		int64_t bytes;
		const char *text;
	} cases[] = {
		{ -1, "<unknown>" }, { 0, "0" },	 { 1023, "1023" },
		{ 1024, "1Ki" },     { 1536, "1.5Ki" },	 { 4096, "4Ki" },
		{ 123456, "121Ki" }, { 1048575, "1Mi" }, { INT64_MAX, "8Ei" },
	};
	char buf[BYTES_SIZE];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		cr_expect(text_is(volume_view_bytes(cases[i].bytes, buf),
				  cases[i].text));
}

Test(podvolctl, tables_are_aligned_and_harmless)
{
	cleanup_table struct table table;
	cleanup_free char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	table_init(&table);
	table_column(&table, "NAME");
	table_column(&table, "STATUS");
	table_cell(&table, "a-long-name");
	table_cell(&table, "Ready");
	table_cell(&table, "\xc3\xa9t\xc3\xa9");
	table_cell(&table, "\033[2J");
	cr_assert(eq(int, table_print(&table, out, true, 0), 0));
	fclose(out);
	cr_assert(text_is(text, "NAME          STATUS\n"
				"a-long-name   Ready\n"
				"\xc3\xa9t\xc3\xa9           ?[2J\n"));
}

Test(podvolctl, the_nearest_word_is_suggested_if_it_is_near)
{
	const char *const words[] = { "apply", "get", "describe", "delete",
				      NULL };

	cr_expect(text_is(suggest_nearest("aply", 4, words), "apply"));
	cr_expect(text_is(suggest_nearest("descrieb", 8, words), "describe"));
	cr_expect(eq(ptr, (void *)suggest_nearest("frobnicate", 10, words),
		     NULL));
	cr_expect(eq(ptr, (void *)suggest_nearest("x", 1, words), NULL));
}

Test(podvolctl, names_are_escaped_in_paths)
{
	cleanup_free char *pod = client_pods_path("a/b", "c?d%", "/mounts");
	cleanup_free char *all = client_pods_path(NULL, NULL, "");

	cr_expect(
		text_is(pod, "/api/v1/namespaces/a%2Fb/pods/c%3Fd%25/mounts"));
	cr_expect(text_is(all, "/api/v1/pods"));
}

typedef int runtime_fn(FILE *out, const json_t *mounts);

static char *runtime_text(runtime_fn *fn, const char *json)
{
	json_auto_t *mounts = json_loads(json, 0, NULL);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert(eq(int, fn(out, mounts), 0));
	fclose(out);
	return text;
}

Test(podvolctl, mounts_for_docker_are_one_line)
{
	cleanup_free char *text = runtime_text(
		runtime_docker,
		"[{\"source\":\"/a\",\"destination\":\"/b\"},"
		"{\"source\":\"/c\",\"destination\":\"/d\",\"readOnly\":true,"
		"\"propagation\":\"HostToContainer\"},"
		"{\"source\":\"/e\",\"destination\":\"/f\",\"readOnly\":true,"
		"\"recursiveReadOnly\":\"Enabled\"}]");

	cr_assert(text_is(
		text,
		"--mount type=bind,src=/a,dst=/b "
		"--mount type=bind,src=/c,dst=/d,readonly,bind-propagation=rslave "
		"--mount type=bind,src=/e,dst=/f,readonly,bind-recursive=readonly\n"));
}

Test(podvolctl, mounts_for_docker_are_quoted_for_csv_and_shell)
{
	cleanup_free char *text = runtime_text(
		runtime_docker,
		"[{\"source\":\"/a b\",\"destination\":\"/it's\"},"
		"{\"source\":\"/a,b\",\"destination\":\"/c\\\"d\"}]");

	cr_assert(text_is(
		text, "--mount 'type=bind,src=/a b,dst=/it'\\''s' "
		      "--mount 'type=bind,\"src=/a,b\",\"dst=/c\"\"d\"'\n"));
}

Test(podvolctl, mounts_for_podman_avoid_colons)
{
	cleanup_free char *text = runtime_text(
		runtime_podman,
		"[{\"source\":\"/a\",\"destination\":\"/b\"},"
		"{\"source\":\"/a\",\"destination\":\"/b\",\"readOnly\":true,"
		"\"propagation\":\"Bidirectional\"},"
		"{\"source\":\"/a:b\",\"destination\":\"/c\",\"readOnly\":true}]");

	cr_assert(text_is(text,
			  "-v /a:/b -v /a:/b:ro,rshared "
			  "--mount type=bind,src=/a:b,dst=/c,readonly\n"));
}

Test(podvolctl, mounts_for_oci_are_what_runc_reads)
{
	json_auto_t *mounts = json_loads(
		"[{\"source\":\"/a\",\"destination\":\"/b\",\"readOnly\":true}]",
		0, NULL);
	json_auto_t *oci = runtime_oci(mounts);
	json_auto_t *wanted = json_loads(
		"[{\"source\":\"/a\",\"destination\":\"/b\",\"type\":\"bind\","
		"\"options\":[\"rbind\",\"rprivate\",\"ro\"]}]",
		0, NULL);

	cr_assert(json_equal(oci, wanted));
}

Test(podvolctl, mounts_that_cannot_be_read_are_refused)
{
	json_auto_t *mounts = json_loads("[{\"source\":5}]", 0, NULL);

	cr_expect(eq(int, runtime_docker(stderr, mounts), -EINVAL));
	cr_expect(eq(int, runtime_podman(stderr, mounts), -EINVAL));
	cr_expect(eq(ptr, runtime_oci(mounts), NULL));
}
