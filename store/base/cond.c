/* SPDX-License-Identifier: Apache-2.0 */
/* cond.c - condition variables whose waits have an end */
#include "store/base/cond.h"

#define NS_PER_S  1000000000L
#define NS_PER_MS 1000000L
#define MS_PER_S  1000u

void cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

struct timespec cond_deadline(unsigned seconds)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += seconds;
	return t;
}

struct timespec cond_deadline_ms(unsigned ms)
{
	struct timespec t = cond_deadline(ms / MS_PER_S);

	t.tv_nsec += ms % MS_PER_S * NS_PER_MS;
	if (t.tv_nsec >= NS_PER_S) {
		t.tv_sec++;
		t.tv_nsec -= NS_PER_S;
	}
	return t;
}
