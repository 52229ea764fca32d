/* SPDX-License-Identifier: Apache-2.0 */
/* test_census.c - when a walk is due, and what is known of it afterwards */
#include "store/census.h"

#include "store/base/error.h"
#include "store/localfs/localfs.h"
#include "store/store.h"
#include "store/usage.h"
#include "tests/unit/scratch.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>

#define SECOND INT64_C(1000000000)
#define DAY    (86400 * SECOND)

static struct localfs *lfs;
static struct store *store;
static struct census *c;
static const char *root = "tree";

/* localfs_root_fn */
static int open_root(void *arg, int *ret_fd)
{
	(void)arg;
	*ret_fd = open(root, O_PATH | O_CLOEXEC);
	return *ret_fd < 0 ? -errno : 0;
}

static void setup(void)
{
	struct error err;

	scratch_enter();
	scratch_directory("tree");
	scratch_file("tree/file", "hello world");
	cr_assert(eq(int, localfs_new(NULL, &lfs, &err), 0));
	cr_assert(eq(int,
		     localfs_open(lfs, open_root, NULL, NULL, 0, &store, &err),
		     0));
	c = census_new();
	cr_assert(c != NULL);
}

static void teardown(void)
{
	census_free(c);
	store_close(store);
	localfs_free(lfs);
}

TestSuite(census, .init = setup, .fini = teardown, .timeout = 60);

static struct census_answer ask(void)
{
	struct census_answer answer;
	bool due;

	cr_assert(census_ask(c, &answer, &due));
	return answer;
}

static void take(void)
{
	int64_t now = usage_now() + DAY;

	cr_assert(census_begin(c, now));
	c->began = usage_now();
	census_run(c, store);
}

Test(census, one_that_is_not_wanted_has_nothing_to_do_and_to_say)
{
	struct census_answer answer;
	bool due;

	cr_expect(not(census_is_wanted(c)));
	cr_expect(not(census_is_due(c, usage_now() + DAY)));
	cr_expect(not(census_begin(c, usage_now() + DAY)));
	cr_expect(not(census_ask(c, &answer, &due)));
}

Test(census, the_first_walk_is_due_at_once)
{
	struct census_answer answer;
	bool due;

	census_want(c, true);
	cr_assert(census_ask(c, &answer, &due));
	cr_expect(due);
	cr_expect(eq(i64, answer.taken, 0));
	cr_expect(eq(int, answer.failed, 0));
	take();
	answer = ask();
	cr_expect(eq(i64, answer.inodes, 2));
	cr_expect(eq(i64, answer.bytes, 4096), "a directory of tmpfs has none");
	cr_expect(gt(i64, answer.taken, 0));
}

Test(census, nobody_walks_beside_another)
{
	census_want(c, true);
	cr_assert(census_begin(c, usage_now()));
	cr_expect(not(census_begin(c, usage_now() + DAY)));
	census_run(c, store);
	cr_expect(census_begin(c, usage_now() + DAY));
}

Test(census, the_next_one_is_due_when_somebody_asks_or_after_minutes)
{
	int64_t now;

	census_want(c, true);
	take();
	now = c->ended;
	c->is_asked = false;
	cr_expect(not(census_is_due(c, now + 60 * SECOND)));
	cr_expect(census_is_due(c, now + 600 * SECOND));
	ask();
	cr_expect(not(census_is_due(c, now + SECOND)), "it is new");
	cr_expect(census_is_due(c, now + 2 * SECOND));
}

Test(census, a_long_walk_is_followed_by_a_long_rest)
{
	int64_t now;

	census_want(c, true);
	take();
	ask();
	now = c->ended;
	c->began = now - 10 * SECOND;
	cr_expect(not(census_is_due(c, now + 199 * SECOND)));
	cr_expect(census_is_due(c, now + 200 * SECOND));
	c->began = now - 365 * DAY;
	cr_expect(not(census_is_due(c, now + DAY - 1)));
	cr_expect(census_is_due(c, now + DAY), "but one that ends");
}

Test(census, what_is_wanted_no_more_is_forgotten)
{
	census_want(c, true);
	take();
	census_want(c, false);
	census_want(c, true);
	cr_expect(eq(i64, ask().taken, 0));
	cr_expect(census_is_due(c, usage_now()));
}

Test(census, a_walk_that_nobody_wants_any_more_says_nothing)
{
	census_want(c, true);
	cr_assert(census_begin(c, usage_now()));
	census_want(c, false);
	census_want(c, true);
	census_run(c, store);
	cr_expect(eq(i64, ask().taken, 0));
	cr_expect(eq(int, ask().failed, 0));
	cr_expect(census_is_due(c, usage_now()), "another one is needed");
}

Test(census, a_walk_that_fails_leaves_what_was_known_and_says_why)
{
	struct census_answer before;
	struct census_answer answer;

	census_want(c, true);
	take();
	before = ask();
	root = "absent";
	take();
	answer = ask();
	cr_expect(eq(int, answer.failed, -ENOENT));
	cr_expect(eq(i64, answer.taken, before.taken));
	cr_expect(eq(i64, answer.inodes, 2));
	root = "tree";
	take();
	cr_expect(eq(int, ask().failed, 0));
}

Test(census, one_that_cannot_be_done_says_why_and_is_tried_again)
{
	census_want(c, true);
	cr_assert(census_begin(c, usage_now()));
	census_give_up(c, -EAGAIN);
	cr_expect(eq(int, ask().failed, -EAGAIN));
	cr_expect(census_is_due(c, usage_now() + 5 * SECOND));
}
