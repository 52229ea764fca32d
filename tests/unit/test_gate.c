/* SPDX-License-Identifier: Apache-2.0 */
/* test_gate.c - few requests of a volume at a time, the others in order */
#include "fuse/gate.h"
#include "store/base/cleanup.h"
#include "store/volume.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <linux/fuse.h>
#include <pthread.h>

#define THREADS 16
#define ROUNDS	2000

static struct gate *gate;
static struct volume vol = { .name = "slow" };
static struct volume other = { .name = "other" };

static void setup(void)
{
	atomic_init(&vol.refs, 1);
	atomic_init(&other.refs, 1);
	cr_assert(eq(int, gate_new(&gate), 0));
}

static void teardown(void)
{
	gate_free(gate);
	cr_expect(eq(u64, atomic_load(&vol.refs), 1));
	free(vol.queue);
	free(other.queue);
}

TestSuite(gate, .init = setup, .fini = teardown, .timeout = 60);

static enum gate_way enter(struct volume *v, uint64_t unique, bool must_wait)
{
	struct fuse_in_header in = { .len = sizeof(in), .unique = unique };

	return gate_enter(gate, v, &in, must_wait);
}

/* What is handed out next: its number, or 0. */
static uint64_t leave(struct volume *v)
{
	cleanup_free struct fuse_in_header *in = gate_leave(gate, v);

	return in ? in->unique : 0;
}

static void fill(void)
{
	for (unsigned i = 0; i < GATE_RUNNING_MAX; i++)
		cr_assert(eq(int, enter(&vol, 1, false),
			     i < GATE_RUNNING_FEW ? GATE_OPEN : GATE_SLOW));
}

Test(gate, those_that_wait_come_in_order)
{
	fill();
	for (uint64_t u = 10; u < 13; u++)
		cr_assert(eq(int, enter(&vol, u, false), GATE_WAIT));
	for (uint64_t u = 10; u < 13; u++)
		cr_expect(eq(u64, leave(&vol), u));
	for (unsigned i = 0; i < GATE_RUNNING_MAX; i++)
		cr_expect(eq(u64, leave(&vol), 0));
	cr_expect(eq(int, enter(&vol, 1, false), GATE_OPEN));
}

Test(gate, a_full_volume_is_alone)
{
	fill();
	cr_expect(eq(int, enter(&vol, 10, false), GATE_WAIT));
	cr_expect(eq(int, enter(&other, 11, false), GATE_OPEN));
	cr_expect(eq(u64, leave(&other), 0));
}

Test(gate, what_is_interrupted_is_not_handed_out)
{
	fill();
	for (uint64_t u = 10; u < 13; u++)
		enter(&vol, u, false);
	cr_expect(gate_interrupt(gate, 11));
	cr_expect(not(gate_interrupt(gate, 11)));
	cr_expect(not(gate_interrupt(gate, 1)), "it is handled already");
	cr_expect(eq(u64, leave(&vol), 10));
	cr_expect(gate_interrupt(gate, 12));
	cr_expect(eq(int, enter(&vol, 13, false), GATE_WAIT));
	cr_expect(eq(u64, leave(&vol), 13));
}

Test(gate, there_is_an_end_but_for_what_must_be_done)
{
	fill();
	for (uint64_t u = 0; u < GATE_WAITING_MAX; u++)
		cr_assert(eq(int, enter(&vol, 10 + u, false), GATE_WAIT));
	cr_expect(eq(int, enter(&vol, 2, false), GATE_FULL));
	cr_expect(eq(int, enter(&vol, 3, true), GATE_WAIT));
	cr_expect(eq(u64, leave(&vol), 10));
}

static atomic_uint handled;
static atomic_uint running;

/* As the session does it; the body of the request is handled by counting. */
static void *crowd(void *arg)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct fuse_in_header *next;

		if (enter(&vol, 1, false) == GATE_WAIT)
			continue;
		do {
			cr_assert(le(uint, atomic_fetch_add(&running, 1),
				     GATE_RUNNING_MAX + THREADS));
			atomic_fetch_add(&handled, 1);
			atomic_fetch_sub(&running, 1);
			next = gate_leave(gate, &vol);
			free(next);
		} while (next);
	}
	return arg;
}

Test(gate, in_a_crowd_nothing_is_lost)
{
	pthread_t threads[THREADS];

	/* So full that nearly everybody has to wait. */
	for (unsigned i = 0; i < GATE_RUNNING_MAX - 1; i++)
		enter(&vol, 1, false);
	for (unsigned i = 0; i < THREADS; i++)
		cr_assert(eq(int,
			     pthread_create(&threads[i], NULL, crowd, NULL),
			     0));
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	cr_expect(eq(uint, atomic_load(&handled), THREADS * ROUNDS));
}
