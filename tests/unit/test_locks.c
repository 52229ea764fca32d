/* SPDX-License-Identifier: Apache-2.0 */
/* test_locks.c - record locks: ranges, conflicts, waits and deadlocks */
#include "tests/unit/lock_case.h"

static void setup(void)
{
	files_make();
	cr_assert(eq(int, locks_new(NULL, &locks), 0));
}

static void teardown(void)
{
	files_end();
}

TestSuite(locks, .init = setup, .fini = teardown, .timeout = 20);

Test(locks, readers_share_and_a_writer_excludes)
{
	cr_expect(eq(int, set(1, F_RDLCK, 0, 9), 0));
	cr_expect(eq(int, set(2, F_RDLCK, 5, 15), 0));
	cr_expect(eq(int, set(3, F_WRLCK, 9, 9), -EAGAIN));
	cr_expect(eq(int, set(3, F_WRLCK, 16, END), 0));
	cr_expect(eq(int, set(1, F_RDLCK, 20, 20), -EAGAIN));
}

Test(locks, an_owner_may_change_its_own)
{
	set(1, F_WRLCK, 0, 99);
	cr_expect(eq(int, set(1, F_RDLCK, 40, 59), 0));
	cr_expect(eq(int, set(2, F_RDLCK, 40, 59), 0));
	cr_expect(eq(int, set(2, F_RDLCK, 39, 39), -EAGAIN));
	cr_expect(eq(int, set(2, F_RDLCK, 60, 60), -EAGAIN));
}

Test(locks, unlocking_the_middle_splits_a_range)
{
	set(1, F_WRLCK, 0, 99);
	set(1, F_UNLCK, 30, 39);
	cr_expect(eq(int, set(2, F_WRLCK, 30, 39), 0));
	cr_expect(eq(int, set(2, F_WRLCK, 29, 29), -EAGAIN));
	cr_expect(eq(int, set(2, F_WRLCK, 40, 40), -EAGAIN));
}

Test(locks, touching_ranges_of_one_type_become_one)
{
	struct lock l;

	set(1, F_WRLCK, 0, 9);
	set(1, F_WRLCK, 20, 29);
	set(1, F_WRLCK, 10, 19);
	l = test(2, F_RDLCK, 15, 15);
	cr_expect(eq(u64, l.start, 0));
	cr_expect(eq(u64, l.end, 29));
	cr_expect(eq(int, l.pid, 1));
}

Test(locks, a_test_without_conflict_says_unlocked)
{
	set(1, F_RDLCK, 0, 9);
	cr_expect(eq(int, test(2, F_RDLCK, 0, 9).type, F_UNLCK));
	cr_expect(eq(int, test(1, F_WRLCK, 0, 9).type, F_UNLCK));
	cr_expect(eq(int, test(2, F_WRLCK, 0, 9).type, F_RDLCK));
}

Test(locks, an_owner_that_closes_the_file_loses_all)
{
	set(1, F_WRLCK, 0, 9);
	set(1, F_WRLCK, 50, END);
	locks_drop_owner(locks, &file, LOCK_POSIX, 1);
	cr_expect(eq(int, set(2, F_WRLCK, 0, END), 0));
}

Test(locks, an_open_file_that_ends_takes_what_was_set_through_it)
{
	set(1, F_WRLCK, 0, 9);
	locks_drop_file(locks, &file, 10);
	cr_expect(eq(int, set(2, F_WRLCK, 0, END), 0));
}

Test(locks, flock_and_fcntl_do_not_see_each_other)
{
	struct lock l = lock(2, F_WRLCK, 0, END);

	set(1, F_WRLCK, 0, END);
	cr_expect(eq(int, locks_set(locks, &file, LOCK_FLOCK, &l), 0));
}

Test(locks, a_failed_change_of_flock_loses_the_old_lock)
{
	struct lock a = lock(1, F_RDLCK, 0, END);
	struct lock b = lock(2, F_RDLCK, 0, END);

	locks_set(locks, &file, LOCK_FLOCK, &a);
	locks_set(locks, &file, LOCK_FLOCK, &b);
	a.type = F_WRLCK;
	cr_expect(eq(int, locks_set(locks, &file, LOCK_FLOCK, &a), -EAGAIN));
	b.type = F_WRLCK;
	cr_expect(eq(int, locks_set(locks, &file, LOCK_FLOCK, &b), 0));
}

Test(locks, waits_are_granted_in_their_order)
{
	uint64_t ticket;

	set(1, F_WRLCK, 0, END);
	cr_expect(eq(int, wait_for(&file, 2, F_WRLCK, &ticket), 1));
	cr_expect(eq(int, wait_for(&file, 3, F_WRLCK, &ticket), 1));
	set(1, F_UNLCK, 0, END);
	cr_expect(eq(int, answers[2], 0));
	cr_expect(eq(int, answers[3], 99));
	set(2, F_UNLCK, 0, END);
	cr_expect(eq(int, answers[3], 0));
}

Test(locks, a_lock_that_is_free_is_not_waited_for)
{
	uint64_t ticket;

	cr_expect(eq(int, wait_for(&file, 1, F_WRLCK, &ticket), 0));
	cr_expect(eq(int, answers[1], 99));
}

Test(locks, an_interrupted_wait_ends_and_takes_nothing)
{
	uint64_t ticket;

	set(1, F_WRLCK, 0, END);
	wait_for(&file, 2, F_WRLCK, &ticket);
	locks_interrupt(locks, file.nodeid, ticket);
	cr_expect(eq(int, answers[2], -EINTR));
	locks_interrupt(locks, file.nodeid, ticket);
	set(1, F_UNLCK, 0, END);
	cr_expect(eq(int, set(3, F_WRLCK, 0, END), 0));
}

Test(locks, two_that_would_wait_for_each_other_are_told)
{
	struct lock l = lock(2, F_WRLCK, 0, END);
	uint64_t ticket;

	set(1, F_WRLCK, 0, END);
	locks_set(locks, &other, LOCK_POSIX, &l);
	cr_expect(eq(int, wait_for(&other, 1, F_WRLCK, &ticket), 1));
	cr_expect(eq(int, wait_for(&file, 2, F_WRLCK, &ticket), -EDEADLK));
}

Test(locks, a_circle_that_comes_with_a_later_holder_is_told)
{
	struct lock l = lock(2, F_WRLCK, 0, END);
	uint64_t ticket;

	set(1, F_WRLCK, 0, 9);
	set(3, F_WRLCK, 10, 19);
	locks_set(locks, &other, LOCK_POSIX, &l);
	/* 2 waits for 1, and when that has gone for 3, who waits for 2. */
	cr_expect(eq(int, wait_for(&file, 2, F_WRLCK, &ticket), 1));
	cr_expect(eq(int, wait_for(&other, 3, F_WRLCK, &ticket), 1));
	cr_expect(eq(int, answers[2], 99));
	set(1, F_UNLCK, 0, 9);
	cr_expect(eq(int, answers[2], -EDEADLK));
	cr_expect(eq(int, answers[3], 99));
}

Test(locks, an_open_file_takes_the_locks_of_all_its_owners)
{
	struct lock a = lock(1, F_WRLCK, 0, 9);
	struct lock b = lock(2, F_WRLCK, 10, 19);

	a.fh = b.fh = 5;
	locks_set(locks, &file, LOCK_POSIX, &a);
	locks_set(locks, &file, LOCK_POSIX, &b);
	locks_drop_file(locks, &file, 5);
	cr_expect(eq(int, set(3, F_WRLCK, 0, END), 0));
}

Test(locks, a_file_has_no_more_locks_than_it_may)
{
	uint64_t at = 0;

	while (set(1, F_WRLCK, at, at) == 0)
		at += 2;
	cr_expect(eq(u64, at / 2, LOCKS_PER_FILE));
	cr_expect(eq(int, set(1, F_WRLCK, at, at), -ENOLCK));
	/* Nor by letting go of the middle of one. */
	set(1, F_UNLCK, 0, 0);
	cr_expect(eq(int, set(1, F_WRLCK, at, at + 9), 0));
	cr_expect(eq(int, set(1, F_UNLCK, at + 5, at + 5), -ENOLCK));
	cr_expect(eq(int, set(1, F_UNLCK, 0, END), 0));
	cr_expect(eq(i64, atomic_load(&vol->locks), 0));
}

Test(locks, a_volume_has_no_more_locks_than_it_may)
{
	struct lock l = lock(1, F_WRLCK, 0, 0);
	struct inode inode = file;
	uint64_t n = 0;

	while (locks_set(locks, &inode, LOCK_POSIX, &l) == 0) {
		n++;
		inode.nodeid++;
	}
	cr_expect(eq(u64, n, LOCKS_PER_VOLUME));
	inode.nodeid--;
	locks_drop_owner(locks, &inode, LOCK_POSIX, 1);
	cr_expect(eq(int, locks_set(locks, &inode, LOCK_POSIX, &l), 0));
}

Test(locks, whoever_still_waits_at_the_end_is_answered)
{
	uint64_t ticket;

	set(1, F_WRLCK, 0, END);
	wait_for(&file, 2, F_WRLCK, &ticket);
	locks_free(locks);
	cr_expect(eq(int, answers[2], -EINTR));
	cr_assert(eq(int, locks_new(NULL, &locks), 0));
}

/* Against a model of one byte per offset: random changes by three owners. */
Test(locks, random_changes_agree_with_a_model)
{
	enum {
		SPAN = 24,
		OWNERS = 3,
	};
	static const int types[] = { F_UNLCK, F_RDLCK, F_WRLCK };
	int model[OWNERS + 1][SPAN] = { { 0 } };
	uint32_t seed = 1;

	for (int i = 0; i < 20000; i++) {
		uint64_t owner;
		uint64_t a;
		uint64_t b;
		int type;
		bool free_of_others = true;

		seed = seed * 1664525u + 1013904223u;
		owner = 1 + (seed >> 8) % OWNERS;
		a = (seed >> 12) % SPAN;
		b = a + (seed >> 18) % (SPAN - a);
		type = types[(seed >> 24) % 3];
		for (uint64_t x = a; x <= b; x++) {
			for (uint64_t o = 1; o <= OWNERS; o++) {
				int has = model[o][x];

				if (o != owner && type != F_UNLCK && has &&
				    (has == 2 || type == F_WRLCK))
					free_of_others = false;
			}
		}
		cr_assert(eq(int, set(owner, type, a, b),
			     free_of_others ? 0 : -EAGAIN));
		for (uint64_t x = a; free_of_others && x <= b; x++)
			model[owner][x] = type == F_UNLCK   ? 0
					  : type == F_RDLCK ? 1
							    : 2;
	}
}
