/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cond.h - condition variables whose waits have an end
 *
 * They go by the monotonic clock: whoever sets the time moves no deadline.
 */
#ifndef BASE_COND_H
#define BASE_COND_H

#include <pthread.h>
#include <time.h>

void cond_init(pthread_cond_t *cond);

/* So long from now, for pthread_cond_timedwait(). */
struct timespec cond_deadline(unsigned seconds);
struct timespec cond_deadline_ms(unsigned ms);

#endif
