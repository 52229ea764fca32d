/* SPDX-License-Identifier: Apache-2.0 */
/* test_helper.c - errands run beside the daemon, and end with it */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/helper.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct helper *helper;
static struct error err;

static void setup(void)
{
	err = (struct error){ 0 };
	cr_assert(eq(int, helper_new(&helper, &err), 0), "%s", err.text);
}

static void teardown(void)
{
	helper_free(helper);
}

TestSuite(helper, .init = setup, .fini = teardown, .timeout = 60);

static int say_what_came(int fd, const char *arg, size_t len, struct error *e)
{
	char buf[16] = "";

	if (fd >= 0 && pread(fd, buf, sizeof(buf) - 1, 0) < 0)
		return error_set(e, -errno, "cannot read: %m");
	return error_set(e, -ENOTDIR, "%.*s and '%s'", (int)len, arg, buf);
}

static int count_open(int fd, const char *arg, size_t len, struct error *e)
{
	int n = 0;

	(void)fd;
	(void)arg;
	(void)len;
	for (int i = 3; i < 1024; i++)
		n += fcntl(i, F_GETFD) >= 0;
	return error_set(e, -n - 1, "open");
}

static int sleep_long(int fd, const char *arg, size_t len, struct error *e)
{
	(void)fd;
	(void)arg;
	(void)len;
	(void)e;
	for (;;)
		pause();
	return 0;
}

static int succeed(int fd, const char *arg, size_t len, struct error *e)
{
	(void)fd;
	(void)arg;
	(void)len;
	(void)e;
	return 0;
}

/* What an errand answers; its error is in err. */
static int run(helper_fn *fn, int fd, const char *arg)
{
	return helper_run(helper, 5, fn, fd, arg, strlen(arg), &err);
}

Test(helper, arguments_descriptors_and_errors_travel)
{
	cleanup_file FILE *f = tmpfile();

	fputs("text", f);
	fflush(f);
	cr_expect(eq(int, run(say_what_came, fileno(f), "arg"), -ENOTDIR));
	cr_expect(eq(int, strcmp(err.text, "arg and 'text'"), 0));
	cr_expect(eq(int, run(say_what_came, -1, "arg"), -ENOTDIR));
	cr_expect(eq(int, strcmp(err.text, "arg and ''"), 0));
	cr_expect(eq(int, run(succeed, -1, ""), 0));
}

Test(helper, an_errand_holds_nothing_of_ours)
{
	cleanup_fd int fd = open("/dev/null", O_RDONLY);

	cr_assert(ge(int, fd, 3));
	/* One: where it answers. */
	cr_expect(eq(int, run(count_open, -1, ""), -2));
}

Test(helper, an_errand_that_does_not_end_is_given_up)
{
	cr_expect(eq(int, run(sleep_long, -1, ""), -ETIMEDOUT));
	cr_expect(eq(int, run(succeed, -1, ""), 0));
}

/* The parent of a process; 0 if that is over, or is but a zombie. */
static pid_t parent_of(pid_t pid)
{
	cleanup_file FILE *f = NULL;
	char state = 'X';
	char path[64];
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%*d %*s %c %d", &state, &parent) != 2)
		return 0;
	return state == 'Z' || state == 'X' ? 0 : parent;
}

static int say_who_serves(int fd, const char *arg, size_t len, struct error *e)
{
	(void)fd;
	(void)arg;
	(void)len;
	return error_set(e, -EDOM, "%d", (int)getppid());
}

static pid_t who_serves(void)
{
	cr_assert(eq(int, run(say_who_serves, -1, ""), -EDOM), "%s", err.text);
	return (pid_t)strtol(err.text, NULL, 10);
}

static void kill_and_see(pid_t pid)
{
	cr_assert(eq(int, kill(pid, SIGKILL), 0));
	while (parent_of(pid))
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

Test(helper, one_that_is_killed_is_replaced)
{
	for (int i = 0; i < 5; i++)
		kill_and_see(who_serves());
	cr_expect(eq(int, run(succeed, -1, ""), 0));
}

Test(helper, so_is_whoever_replaces_it)
{
	for (int i = 0; i < 5; i++) {
		pid_t keeper = parent_of(who_serves());

		cr_assert(gt(int, keeper, 1));
		cr_assert(ne(int, keeper, getpid()), "it has none");
		kill_and_see(keeper);
		cr_expect(eq(int, run(succeed, -1, ""), 0));
	}
	kill_and_see(who_serves());
	cr_expect(eq(int, run(succeed, -1, ""), 0));
}

Test(helper, what_is_too_long_is_refused)
{
	cleanup_free char *arg = calloc(1, HELPER_ARG_MAX + 1);

	cr_expect(eq(
		int,
		helper_run(helper, 5, succeed, -1, arg, HELPER_ARG_MAX, &err),
		0));
	cr_expect(eq(int,
		     helper_run(helper, 5, succeed, -1, arg, HELPER_ARG_MAX + 1,
				&err),
		     -E2BIG));
}

Test(helper, without_one_the_function_runs_here)
{
	helper_free(helper);
	helper = NULL;
	cr_expect(eq(int, run(say_what_came, -1, "x"), -ENOTDIR));
	cr_expect(eq(int, strcmp(err.text, "x and ''"), 0));
}
