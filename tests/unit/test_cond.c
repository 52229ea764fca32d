/* SPDX-License-Identifier: Apache-2.0 */
/* test_cond.c - waits that have an end */
#include "store/base/cond.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <stdint.h>

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

Test(cond, a_deadline_is_so_long_from_now)
{
	/* Some of these carry into the next second, whatever the time is. */
	for (unsigned ms = 0; ms < 3000; ms += 99) {
		int64_t before = monotonic_ms();
		struct timespec until = cond_deadline_ms(ms);
		int64_t end =
			until.tv_sec * INT64_C(1000) + until.tv_nsec / 1000000;

		cr_expect(until.tv_nsec >= 0 && until.tv_nsec < 1000000000);
		cr_expect(ge(i64, end, before + ms));
		cr_expect(le(i64, end, monotonic_ms() + ms));
	}
	cr_expect(
		ge(i64, cond_deadline(60).tv_sec, monotonic_ms() / 1000 + 59));
}

Test(cond, a_wait_ends_when_it_is_time, .timeout = 30)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	int64_t before = monotonic_ms();
	struct timespec until = cond_deadline_ms(50);
	pthread_cond_t cond;
	int r = 0;

	cond_init(&cond);
	pthread_mutex_lock(&lock);
	while (r == 0)
		r = pthread_cond_timedwait(&cond, &lock, &until);
	pthread_mutex_unlock(&lock);
	cr_expect(eq(int, r, ETIMEDOUT));
	cr_expect(ge(i64, monotonic_ms(), before + 50));
	pthread_cond_destroy(&cond);
}
