/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - posix-suite: do two directories give the same POSIX answers?
 *
 *	posix-suite [-lv] [-f PATTERN] [-x PATTERN] [-t SECONDS] REFDIR TESTDIR
 *
 * runs every case in a directory on a filesystem that is trusted and in one
 * under test, and compares what the case saw.  With one directory it prints
 * what the cases see there.
 */

#include "tests/posix/posix.h"
#include "tests/posix/record.h"
#include "tests/posix/run.h"

#include <fnmatch.h>
#include <getopt.h>
#include <sys/prctl.h>

enum {
	SHOWN_MAX = 24,
	EXCLUDED_MAX = 64,
	EXIT_USAGE = 2,
	NAME_BYTES = 128
};

struct suite {
	const char *pattern;
	const char *excluded[EXCLUDED_MAX];
	unsigned int n_excluded;
	const char *dirs[2];
	unsigned int n_dirs;
	bool verbose;
	bool only_list;
	unsigned int seconds; /* that a case may take */
	unsigned int passed, failed, skipped;
	struct transcript *said[2];
};

static struct posix_case *cases;

/* Constructors run in link order; the list is kept sorted by name. */
void case_register(struct posix_case *c)
{
	struct posix_case **at = &cases;

	while (*at) {
		int order = strcmp((*at)->family, c->family);

		if (order > 0 || (!order && strcmp((*at)->name, c->name) > 0))
			break;
		at = &(*at)->next;
	}
	c->next = *at;
	*at = c;
}

static bool matches(const char *pattern, const char *name)
{
	if (strpbrk(pattern, "*?["))
		return !fnmatch(pattern, name, 0);
	return strstr(name, pattern);
}

static bool is_wanted(const struct suite *s, const char *name)
{
	for (unsigned int i = 0; i < s->n_excluded; i++) {
		if (matches(s->excluded[i], name))
			return false;
	}
	return !s->pattern || matches(s->pattern, name);
}

static const char *next_line(const char **text, size_t *len)
{
	const char *line = *text;

	*len = strcspn(line, "\n");
	*text = line + *len + (line[*len] == '\n');
	return line;
}

static bool line_is_wrong(const char *line, size_t len)
{
	static const char mark[] = "<-- wrong";
	size_t n = sizeof(mark) - 1;

	return len >= n && !memcmp(line + len - n, mark, n);
}

static void show_wrong(const char *side, const char *text)
{
	while (*text) {
		size_t len;
		const char *line = next_line(&text, &len);

		if (line_is_wrong(line, len))
			printf("    %s %.*s\n", side, (int)len, line);
	}
}

/* Line by line: the cases record the same number of lines but for bugs. */
static void show_difference(const char *a, const char *b)
{
	int shown = 0;

	while ((*a || *b) && shown < SHOWN_MAX) {
		size_t la, lb;
		const char *x = next_line(&a, &la), *y = next_line(&b, &lb);

		if (la == lb && !memcmp(x, y, la))
			continue;
		printf("    reference: %.*s\n    tested:    %.*s\n", (int)la, x,
		       (int)lb, y);
		shown++;
	}
}

static void show_failure(const char *name, const char *a, const char *b)
{
	size_t len = 0;
	const char *title = a;

	printf("FAIL %s", name);
	if (a[0] == '#') {
		title = next_line(&a, &len);
		printf(": %.*s", (int)len - 2, title + 2);
		next_line(&b, &len);
	}
	putchar('\n');
	if (strcmp(a, b) != 0) {
		show_difference(a, b);
	} else {
		show_wrong("both:     ", a);
	}
}

static void judge(struct suite *s, const char *name, long ms)
{
	struct transcript *a = s->said[0], *b = s->said[1];
	const char *ta = transcript_text(a), *tb = transcript_text(b);

	if (strcmp(ta, tb) != 0 || a->wrong || b->wrong) {
		s->failed++;
		show_failure(name, ta, tb);
		return;
	}
	if (a->skipped) {
		s->skipped++;
		printf("skip %s: %s", name, ta);
		return;
	}
	s->passed++;
	if (s->verbose)
		printf("pass %s (%ld ms)\n", name, ms);
}

static void print_alone(struct suite *s, const char *name)
{
	const char *text = transcript_text(s->said[0]);

	printf("== %s\n%s", name, text);
	if (s->said[0]->wrong)
		s->failed++;
	else if (s->said[0]->skipped)
		s->skipped++;
	else
		s->passed++;
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int run_everywhere(struct suite *s, const struct posix_case *c,
			  unsigned int nth, const char *name)
{
	long began = now_ms();

	for (unsigned int i = 0; i < s->n_dirs; i++) {
		int r = run_case(c, nth, s->dirs[i], s->seconds, s->said[i]);

		if (r < 0) {
			fprintf(stderr,
				"posix-suite: cannot use '%s' for %s: %s\n",
				s->dirs[i], name, errname(-r));
			return r;
		}
	}
	if (s->n_dirs == 1)
		print_alone(s, name);
	else
		judge(s, name, now_ms() - began);
	fflush(stdout);
	return 0;
}

static int run_each(struct suite *s, const struct posix_case *c)
{
	char name[NAME_BYTES];
	int r = 0;

	for (unsigned int i = 0; i < c->count && r == 0; i++) {
		int n = snprintf(name, sizeof(name), "%s.%s", c->family,
				 c->name);

		if (c->count > 1)
			snprintf(name + n, sizeof(name) - (size_t)n, "[%u]", i);
		if (!is_wanted(s, name))
			continue;
		if (s->only_list)
			puts(name);
		else
			r = run_everywhere(s, c, i, name);
	}
	return r;
}

static int run_suite(struct suite *s)
{
	if (!s->only_list && geteuid() != 0) {
		fprintf(stderr, "posix-suite: must be run as root, because "
				"it tests with several owners\n");
		return EXIT_USAGE;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (unsigned int i = 0; i < N_OF(s->said); i++) {
		s->said[i] = transcript_new();
		if (!s->said[i])
			return EXIT_FAILURE;
	}
	for (const struct posix_case *c = cases; c; c = c->next) {
		if (run_each(s, c) < 0)
			return EXIT_FAILURE;
	}
	if (!s->only_list)
		printf("%u passed, %u failed, %u skipped\n", s->passed,
		       s->failed, s->skipped);
	return s->failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void usage(FILE *to)
{
	fputs("usage: posix-suite [-lv] [-f PATTERN] [-x PATTERN] [-t SECONDS] REFDIR [TESTDIR]\n"
	      "  -f PATTERN  only cases whose name contains or matches it\n"
	      "  -j N        accepted; cases run one after another\n"
	      "  -l          list the names of the cases\n"
	      "  -t SECONDS  that a case may take (20)\n"
	      "  -v          name passed cases too\n"
	      "  -x PATTERN  leave out such cases; may be repeated\n",
	      to);
}

/* At least one second and at most an hour. */
static unsigned int seconds_of(const char *text)
{
	long n = strtol(text, NULL, 10);

	return n < 1 ? 1 : n > 3600 ? 3600 : (unsigned int)n;
}

/* More than fit are an error of the command line. */
static bool exclude(struct suite *s, const char *pattern)
{
	if (s->n_excluded == N_OF(s->excluded))
		return false;
	s->excluded[s->n_excluded++] = pattern;
	return true;
}

int main(int argc, char **argv)
{
	struct suite s = { .seconds = CASE_SECONDS };
	int opt;

	while ((opt = getopt(argc, argv, "f:hj:lt:vx:")) != -1) {
		switch (opt) {
		case 'f':
			s.pattern = optarg;
			break;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		case 'j':
			break;
		case 'l':
			s.only_list = true;
			break;
		case 't':
			s.seconds = seconds_of(optarg);
			break;
		case 'v':
			s.verbose = true;
			break;
		case 'x':
			if (exclude(&s, optarg))
				break;
			usage(stderr);
			return EXIT_USAGE;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	for (; optind < argc && s.n_dirs < N_OF(s.dirs); optind++)
		s.dirs[s.n_dirs++] = argv[optind];
	if (optind < argc || (!s.n_dirs && !s.only_list)) {
		usage(stderr);
		return EXIT_USAGE;
	}
	return run_suite(&s);
}
