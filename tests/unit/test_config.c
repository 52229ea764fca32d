/* SPDX-License-Identifier: Apache-2.0 */
/* test_config.c - the daemon's command line, its configuration, its manual */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "tests/unit/scratch.h"
#include "tools/podvolsd/config.h"
#include "tools/podvolsd/options.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TEXT(literal) ((char *)(literal))
#define DAEMON_PAGE   "tools/man/podvolsd.8.scd"
#define CONF_PAGE     "tools/man/podvols.conf.5.scd"

static struct options options;
static struct error err;  /* the first thing wrong */
static struct error last; /* of them all */
static unsigned n_wrong;

static void setup(void)
{
	cr_assert(eq(int, options_init(&options), 0));
}

static void teardown(void)
{
	options_done(&options);
}

TestSuite(config, .init = setup, .fini = teardown, .timeout = 30);

static void wrong(void *arg, const struct error *e)
{
	cr_assert(eq(ptr, arg, &options));
	if (n_wrong++ == 0)
		err = *e;
	last = *e;
}

static int parse_bytes(const char *name, const char *text, size_t len)
{
	err.text[0] = '\0';
	n_wrong = 0;
	return config_parse(name, text, len, &options, wrong, &options);
}

static int parse(const char *text)
{
	return parse_bytes("podvols.conf", text, strlen(text));
}

static int load(void)
{
	err.text[0] = '\0';
	n_wrong = 0;
	return config_load(&options, wrong, &options);
}

static int args(const char *a, const char *b)
{
	char *argv[] = { TEXT("podvolsd"), TEXT(a), TEXT(b), NULL };

	err.text[0] = '\0';
	return options_parse_args(&options, b ? 3 : 2, argv, &err);
}

static void refused(const char *text, const char *message)
{
	cr_expect(eq(int, parse(text), -EINVAL), "%s", text);
	cr_expect(eq(str, err.text, TEXT(message)));
}

Test(config, the_transport_is_one_of_three_words)
{
	cr_assert(eq(int, parse("transport = uring\n"), 0));
	cr_expect(options.transport == FS_TRANSPORT_URING);
	cr_assert(eq(int, args("--transport=dev", NULL), 0));
	cr_expect(options.transport == FS_TRANSPORT_DEV);
	refused("transport = tcp\n",
		"podvols.conf:1: transport: 'tcp' is none of auto, dev, uring");
}

Test(config, a_line_sets_the_value_of_its_key)
{
	cr_assert(eq(int, parse("mountpoint = /srv/v\nthreads=7\n"), 0));
	cr_expect(eq(str, options.mountpoint, TEXT("/srv/v")));
	cr_expect(eq(uint, options.threads, 7));
}

Test(config, comments_blank_lines_and_carriage_returns_are_no_values)
{
	cr_assert(eq(int,
		     parse("# first\n\n  \t\n"
			   "socket = /run/a#b.sock  # behind the value\r\n"
			   "suid = yes"),
		     0));
	cr_expect(eq(str, options.socket, TEXT("/run/a#b.sock")));
	cr_expect(eq(int, options.suid, true));
}

Test(config, locks_are_shared_unless_told_otherwise)
{
	cr_assert(eq(int, parse(""), 0));
	cr_expect(eq(int, options.share_locks, true));
	cr_assert(eq(int, parse("share-locks = no\n"), 0));
	cr_expect(eq(int, options.share_locks, false));
}

Test(config, a_list_collects_its_lines)
{
	cr_assert(
		eq(int, parse("host-path-allow=/a\nhost-path-allow=/b/\n"), 0));
	cr_assert(eq(sz, options.host_path_allow.n, 2));
	cr_expect(eq(str, options.host_path_allow.items[0], TEXT("/a")));
	cr_expect(eq(str, options.host_path_allow.items[1], TEXT("/b")));
}

Test(config, an_unknown_key_is_refused_with_its_line_and_nearest_neighbour)
{
	refused("dev = no\n\ntreads = 4\n",
		"podvols.conf:3: unknown key 'treads', did you mean 'threads'?");
	refused("colour = blue",
		"podvols.conf:1: unknown key 'colour', see podvols.conf(5)");
}

Test(config, a_bad_value_is_refused_with_what_would_be_right)
{
	refused("threads = many",
		"podvols.conf:1: threads: 'many' is not a number from 0 to 1024");
	refused("threads = 1025",
		"podvols.conf:1: threads: '1025' is not a number from 0 to 1024");
	refused("threads = -1",
		"podvols.conf:1: threads: '-1' is not a number from 0 to 1024");
	refused("threads = 99999999999999999999999",
		"podvols.conf:1: threads: '99999999999999999999999' is not a number from 0 to 1024");
	refused("suid = maybe",
		"podvols.conf:1: suid: 'maybe' is neither yes nor no");
	refused("log-level = loud",
		"podvols.conf:1: log-level: 'loud' is none of err, warning, notice, info, debug");
	refused("mountpoint = mnt",
		"podvols.conf:1: mountpoint: 'mnt' is not an absolute path, which starts with '/'");
	refused("host-path-allow = /a/../etc",
		"podvols.conf:1: host-path-allow: '/a/../etc' must not contain '.' or '..'");
}

Test(config, what_is_no_assignment_is_refused)
{
	refused("threads 4",
		"podvols.conf:1: 'threads 4' is not of the form key = value");
	refused("= 4", "podvols.conf:1: there is no key before '='");
	refused("threads =", "podvols.conf:1: 'threads' has no value");
	refused("help = yes",
		"podvols.conf:1: 'help' works on the command line only");
}

Test(config, bytes_that_are_no_text_are_refused)
{
	static const char nul[] = "threads = 1\0\n";
	static char line[10000];

	cr_expect(eq(int, parse_bytes("x", nul, sizeof(nul) - 1), -EINVAL));
	cr_expect(eq(str, err.text, TEXT("x:1: the line contains a NUL byte")));
	memset(line, 'a', sizeof(line));
	cr_expect(eq(int, parse_bytes("x", line, sizeof(line)), -EINVAL));
	cr_expect(eq(str, err.text,
		     TEXT("x:1: the line is longer than 8191 bytes")));
}

Test(config, every_line_that_is_wrong_is_told_and_the_others_count)
{
	cr_expect(eq(int,
		     parse("treads = 4\nthreads = 7\nsuid = maybe\n\nnonsense"),
		     -EINVAL));
	cr_expect(eq(uint, n_wrong, 3));
	cr_expect(eq(uint, options.threads, 7));
	cr_expect(eq(
		str, last.text,
		TEXT("podvols.conf:5: 'nonsense' is not of the form key = value")));
}

Test(config, a_file_that_is_no_configuration_is_not_told_line_by_line)
{
	static char text[2 * 1000];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 2 ? '\n' : 'x';
	cr_expect(eq(int, parse_bytes("x", text, sizeof(text)), -EINVAL));
	cr_expect(eq(uint, n_wrong, CONFIG_WRONG_MAX + 1));
	cr_expect(eq(str, last.text, TEXT("980 more are wrong")));
}

Test(config, the_command_line_wins_over_the_file)
{
	cr_assert(eq(int, args("--threads=3", "--host-path-allow=/c"), 0));
	cr_assert(eq(int, parse("threads = 9\nhost-path-allow = /f\n"), 0));
	cr_expect(eq(uint, options.threads, 3));
	cr_assert(eq(sz, options.host_path_allow.n, 1));
	cr_expect(eq(str, options.host_path_allow.items[0], TEXT("/c")));
	/* But does not hide what is wrong with the file. */
	refused("threads = x",
		"podvols.conf:1: threads: 'x' is not a number from 0 to 1024");
}

Test(config, options_have_letters_and_separate_values)
{
	cr_assert(eq(int, args("-m", "/a//b/"), 0));
	cr_expect(eq(str, options.mountpoint, TEXT("/a/b")));
	cr_assert(eq(int, args("-f", "--suid=no"), 0));
	cr_expect(eq(int, options.foreground, true));
	cr_expect(eq(int, options.suid, false));
}

Test(config, misuse_of_the_command_line_is_named)
{
	cr_expect(eq(int, args("--treads", "4"), -EINVAL));
	cr_expect(eq(
		str, err.text,
		TEXT("unknown or ambiguous option '--treads', did you mean '--threads'?")));
	cr_expect(eq(int, args("--frobnicate", NULL), -EINVAL));
	cr_expect(eq(str, err.text,
		     TEXT("unknown or ambiguous option '--frobnicate'")));
	cr_expect(eq(int, args("-x", NULL), -EINVAL));
	cr_expect(eq(str, err.text, TEXT("unknown option '-x'")));
	cr_expect(eq(int, args("--socket", NULL), -EINVAL));
	cr_expect(eq(str, err.text, TEXT("option '--socket' needs a value")));
	cr_expect(eq(int, args("start", NULL), -EINVAL));
	cr_expect(eq(str, err.text, TEXT("unexpected argument 'start'")));
	cr_expect(eq(int, args("--threads", "4k"), -EINVAL));
	cr_expect(eq(
		str, err.text,
		TEXT("option '--threads': '4k' is not a number from 0 to 1024")));
}

Test(config, our_own_files_may_not_be_below_the_mountpoint)
{
	cr_expect(eq(int, options_validate(&options, &err), 0));
	cr_assert(eq(int, parse("state-dir = /mnt/podvols/state"), 0));
	cr_expect(eq(int, options_validate(&options, &err), -EINVAL));
	cr_expect(eq(
		str, err.text,
		TEXT("state-dir: '/mnt/podvols/state' must not be below the mountpoint '/mnt/podvols'")));
	cr_assert(eq(int, parse("state-dir = /mnt"), 0));
	cr_expect(eq(int, options_validate(&options, &err), -EINVAL));
	cr_assert(eq(int, parse("state-dir = /mnt/podvols2"), 0));
	cr_expect(eq(int, options_validate(&options, &err), 0));
}

Test(config, a_socket_path_that_the_kernel_cannot_take_is_refused)
{
	char line[200] = "socket = /";

	memset(line + 10, 'a', 100);
	cr_assert(eq(int, parse(line), 0));
	cr_expect(eq(int, options_validate(&options, &err), -EINVAL));
	cr_expect(not(zero(ptr, strstr(err.text, "is longer than 92 bytes"))),
		  "%s", err.text);
}

Test(config, drop_ins_are_read_in_the_order_of_their_names)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/p.conf", scratch_enter());
	scratch_file("p.conf", "threads = 1\ndev = yes\n");
	scratch_directory("p.conf.d");
	scratch_file("p.conf.d/20-b.conf", "threads = 3\n");
	scratch_file("p.conf.d/10-a.conf", "threads = 2\n");
	scratch_file("p.conf.d/30-c.conf~", "threads = 4\n");
	scratch_file("p.conf.d/.40.conf", "threads = 5\n");
	cr_assert(eq(int, args("--config", path), 0));
	cr_assert(eq(int, load(), 0), "%s", err.text);
	cr_expect(eq(uint, options.threads, 3));
	cr_expect(eq(int, options.dev, true));

	scratch_file("p.conf.d/25.conf", "\nnonsense\n");
	cr_expect(eq(int, load(), -EINVAL));
	cr_expect(not(zero(ptr, strstr(err.text, "p.conf.d/25.conf:2: "))));
	scratch_file("p.conf.d/20-b.conf", "threads = x\n");
	cr_expect(eq(int, load(), -EINVAL));
	cr_expect(eq(uint, n_wrong, 2));
	cr_expect(not(zero(ptr, strstr(err.text, "p.conf.d/20-b.conf:1: "))));
}

Test(config, only_a_file_that_was_asked_for_must_be_there)
{
	free(options.config);
	options.config = strdup("/nonexistent/podvols.conf");
	cr_expect(eq(int, load(), 0));
	cr_assert(eq(int, args("-c", "/nonexistent/podvols.conf"), 0));
	cr_expect(eq(int, load(), -ENOENT));
	cr_expect(eq(
		str, err.text,
		TEXT("cannot open configuration '/nonexistent/podvols.conf': No such file or directory")));
}

Test(config, what_is_no_regular_file_is_not_waited_for)
{
	cr_assert(eq(int, args("-c", "/dev/zero"), 0));
	cr_expect(eq(int, load(), -EINVAL));
}

static char *read_page(const char *path)
{
	cleanup_file FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	cr_assert(not(zero(ptr, f)), "run this from the root of the project");
	cr_assert(gt(long, (long)getdelim(&text, &size, '\0', f), 0L));
	return text;
}

static bool is_option(const char *name, size_t len, bool of_file)
{
	const struct option_def *defs;
	size_t n;

	defs = options_table(&n);
	for (size_t i = 0; i < n; i++) {
		if (of_file && defs[i].place == OPTION_COMMAND_LINE_ONLY)
			continue;
		if (strlen(defs[i].name) == len &&
		    memcmp(defs[i].name, name, len) == 0)
			return true;
	}
	return false;
}

static size_t word_len(const char *p)
{
	size_t n = 0;

	while (islower((unsigned char)p[n]) || p[n] == '-')
		n++;
	return n;
}

Test(config, every_option_is_in_the_manual_and_the_help)
{
	cleanup_free char *page = read_page(DAEMON_PAGE);
	cleanup_free char *conf = read_page(CONF_PAGE);
	cleanup_free char *help = NULL;
	const struct option_def *defs;
	char want[64];
	size_t n;
	FILE *out;

	out = open_memstream(&help, &n);
	options_help(out);
	fclose(out);
	defs = options_table(&n);
	for (size_t i = 0; i < n; i++) {
		snprintf(want, sizeof(want), "*--%s*%s%s%s\n", defs[i].name,
			 defs[i].arg ? "=_" : "",
			 defs[i].arg ? defs[i].arg : "",
			 defs[i].arg ? "_" : "");
		cr_expect(not(zero(ptr, strstr(page, want))), "%s", want);
		snprintf(want, sizeof(want), "--%s%s%s ", defs[i].name,
			 defs[i].arg ? "=" : "",
			 defs[i].arg ? defs[i].arg : "");
		cr_expect(not(zero(ptr, strstr(help, want))), "%s", want);
		if (defs[i].place == OPTION_COMMAND_LINE_ONLY)
			continue;
		snprintf(want, sizeof(want), "\n*%s* = _", defs[i].name);
		cr_expect(not(zero(ptr, strstr(conf, want))), "%s", want);
	}
}

Test(config, the_manual_has_no_option_that_is_none)
{
	cleanup_free char *page = read_page(DAEMON_PAGE);
	cleanup_free char *conf = read_page(CONF_PAGE);

	for (char *p = page; (p = strstr(p, "*--")); p += 3)
		cr_expect(is_option(p + 3, word_len(p + 3), false), "%.30s", p);
	for (char *p = strstr(conf, "# KEYS"); (p = strstr(p, "\n*")); p++) {
		size_t len = word_len(p + 2);

		if (strncmp(p + 2 + len, "* = ", 4) == 0)
			cr_expect(is_option(p + 2, len, true), "%.30s", p + 2);
	}
}
