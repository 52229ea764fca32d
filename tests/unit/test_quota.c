/* SPDX-License-Identifier: Apache-2.0 */
/* test_quota.c - limits, also with many threads at them */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>

#include "store/quota.h"
#include "store/usage.h"

#define THREADS 8
#define MIB	(INT64_C(1) << 20)

static struct quota parent;
static struct quota quota;

static void setup(void)
{
	quota_init(&parent, NULL);
	quota_init(&quota, &parent);
}

TestSuite(quota, .init = setup, .timeout = 30);

static int64_t used(struct quota *q)
{
	return atomic_load(&q->used_bytes);
}

Test(quota, without_a_limit_everything_is_counted_and_nothing_refused)
{
	cr_expect(not(quota_is_limited(&quota)));
	cr_expect(eq(i64, quota_reserve(&quota, 1, 5 * MIB), 5 * MIB));
	cr_expect(eq(int, quota_reserve_inode(&quota), 0));
	cr_expect(eq(i64, quota_room(&quota), QUOTA_NO_LIMIT));
	cr_expect(eq(i64, used(&quota), 5 * MIB));
	cr_expect(eq(i64, used(&parent), 5 * MIB));
}

Test(quota, the_last_bytes_are_given_and_not_one_more)
{
	quota_set_bytes(&quota, 1000);
	cr_expect(eq(i64, quota_reserve(&quota, 1, 600), 600));
	cr_expect(eq(i64, quota_reserve(&quota, 1, 600), 400));
	cr_expect(eq(i64, quota_reserve(&quota, 1, 1), -ENOSPC));
	cr_expect(eq(i64, used(&quota), 1000));
}

Test(quota, less_than_the_least_is_nothing_at_all)
{
	quota_set_bytes(&quota, 1000);
	cr_expect(eq(i64, quota_reserve(&quota, 1001, 2000), -ENOSPC));
	cr_expect(eq(i64, used(&quota), 0));
	cr_expect(eq(i64, used(&parent), 0));
}

Test(quota, a_parent_limits_what_its_children_take_together)
{
	struct quota sister;

	quota_init(&sister, &parent);
	quota_set_bytes(&parent, 1000);
	cr_expect(quota_is_limited(&quota));
	cr_expect(eq(i64, quota_reserve(&sister, 1, 700), 700));
	cr_expect(eq(i64, quota_room(&quota), 300));
	cr_expect(eq(i64, quota_reserve(&quota, 1, 700), 300));
	cr_expect(eq(i64, used(&quota), 300));
	cr_expect(eq(i64, quota_reserve(&quota, 1, 1), -ENOSPC));
	cr_expect(eq(i64, used(&quota), 300));
	quota_charge(&sister, -700, 0);
	cr_expect(eq(i64, quota_reserve(&quota, 1, 700), 700));
}

Test(quota, a_limit_below_what_is_used_refuses_until_there_is_less)
{
	quota_charge(&quota, 2000, 3);
	quota_set_bytes(&quota, 1000);
	quota_set_inodes(&quota, 2);
	cr_expect(eq(i64, quota_room(&quota), 0));
	cr_expect(eq(i64, quota_reserve(&quota, 1, 1), -ENOSPC));
	cr_expect(eq(int, quota_reserve_inode(&quota), -ENOSPC));
	quota_charge(&quota, -1001, -2);
	cr_expect(eq(i64, quota_reserve(&quota, 1, 9), 1));
	cr_expect(eq(int, quota_reserve_inode(&quota), 0));
}

Test(quota, a_limit_of_zero_is_none)
{
	quota_set_bytes(&quota, 1);
	quota_set_bytes(&quota, 0);
	cr_expect(not(quota_is_limited(&quota)));
}

static void *taker(void *arg)
{
	int64_t *sum = arg;
	int64_t n;

	for (int i = 0; i < 100000; i++) {
		n = quota_reserve(&quota, 1, 1 + i % 777);
		if (n > 0)
			*sum += n;
		if (n > 0 && i % 3) {
			quota_charge(&quota, -n, 0);
			*sum -= n;
		}
	}
	return NULL;
}

Test(quota, many_threads_never_have_more_than_the_limit)
{
	int64_t sums[THREADS] = { 0 };
	pthread_t threads[THREADS];
	int64_t all = 0;

	quota_set_bytes(&quota, MIB);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, taker, &sums[i]);
	for (int i = 0; i < THREADS; i++) {
		cr_expect(le(i64, used(&quota), MIB));
		pthread_join(threads[i], NULL);
		all += sums[i];
	}
	cr_expect(eq(i64, used(&quota), all));
	cr_expect(eq(i64, used(&parent), all));
	cr_expect(le(i64, all, MIB));
}

Test(quota, a_file_is_charged_its_size_in_blocks_or_what_it_has)
{
	struct statx st = { .stx_mode = S_IFREG | 0600,
			    .stx_blksize = 4096,
			    .stx_size = 5000 };

	cr_expect(eq(i64, usage_charge_of(&st), 8192), "a hole may be filled");
	st.stx_blocks = 80;
	cr_expect(eq(i64, usage_charge_of(&st), 40960));
	st.stx_blocks = 0;
	st.stx_size = 0;
	cr_expect(eq(i64, usage_charge_of(&st), 0));
	st.stx_size = UINT64_C(0x7fffffffffffffff);
	cr_expect(gt(i64, usage_charge_of(&st), 0), "no overflow");
	st.stx_mode = S_IFDIR | 0700;
	st.stx_blocks = 8;
	cr_expect(eq(i64, usage_charge_of(&st), 4096));
}
