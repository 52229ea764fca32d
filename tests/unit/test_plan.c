/* SPDX-License-Identifier: Apache-2.0 */
/* test_plan.c - what will be there once what is planned is made */
#include "store/base/cleanup.h"
#include "store/plan.h"
#include "tests/unit/scratch.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <sys/stat.h>

struct reached {
	char rest[16];
	char missing[16];
	mode_t format;
};

static const struct reached expected[] = {
	{ "a", "", S_IFDIR },	    { "a/b", "", S_IFDIR },
	{ "/a//b/.", "", S_IFDIR }, { "./a/c/d", "c/d", S_IFDIR },
	{ "a/b/c", "c", S_IFDIR },  { "ab", "ab", S_IFDIR },
	{ "a/bc", "bc", S_IFDIR },  { "a/file", "", S_IFREG },
	{ "x", "x", S_IFDIR },	    { "a/file/x/y", "x/y", S_IFREG },
};

Test(plan, what_is_planned_is_reached_and_nothing_else)
{
	cleanup_plan struct plan plan = { 0 };
	cleanup_fd int other = -1;
	cleanup_fd int dir = -1;
	mode_t format;

	scratch_enter();
	scratch_directory("dir");
	scratch_directory("other");
	dir = open("dir", O_PATH | O_CLOEXEC);
	other = open("other", O_PATH | O_CLOEXEC);
	cr_expect(eq(str, (char *)plan_reach(&plan, dir, "a/b", &format),
		     (char *)"a/b"));
	cr_assert(eq(int, plan_add(&plan, dir, "a/./b", S_IFDIR), 0));
	cr_assert(eq(int, plan_add(&plan, dir, "a/file", S_IFREG), 0));
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		const struct reached *e = &expected[i];
		const char *missing = plan_reach(&plan, dir, e->rest, &format);

		cr_expect(eq(str, (char *)missing, (char *)e->missing), "%s",
			  e->rest);
		cr_expect(eq(u32, format, e->format), "%s", e->rest);
		missing = plan_reach(&plan, other, e->rest, &format);
		cr_expect(eq(str, (char *)missing, (char *)e->rest));
	}
}
