/* SPDX-License-Identifier: Apache-2.0 */
/* test_account.c - what a file is charged while it changes */
#include "store/account.h"
#include "store/store.h"
#include "store/usage.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#define BLOCK INT64_C(4096)

/* A store of one file. */
static struct statx file;
static const struct store_handle handle = { .realm = 1 };

static int fake_getattr(struct store *st, const struct store_handle *h,
			struct store_file *f, struct statx *ret)
{
	(void)st;
	(void)h;
	(void)f;
	*ret = file;
	return 0;
}

static const struct store_ops ops = { .getattr = fake_getattr };
static struct store store = { .ops = &ops };
static struct usage *u;

static void file_is(int64_t blocks)
{
	file = (struct statx){ .stx_mode = S_IFREG,
			       .stx_blksize = BLOCK,
			       .stx_size = (uint64_t)blocks * BLOCK,
			       .stx_blocks = (uint64_t)blocks * BLOCK / 512 };
}

static void setup(void)
{
	struct usage_totals totals = { .charged = 10 * BLOCK,
				       .allocated = 10 * BLOCK,
				       .inodes = 1 };

	cr_assert(eq(int, usage_new(&store, 1, NULL, NULL, NULL, &u), 0));
	usage_set(u, &totals);
	file_is(10);
}

static void teardown(void)
{
	usage_free(u);
}

TestSuite(account, .init = setup, .fini = teardown, .timeout = 60);

static int64_t charged(void)
{
	return atomic_load(&u->quota.used_bytes);
}

/* Somebody changes the file, and is done with it. */
static void change_to(int64_t blocks)
{
	struct account *a;

	cr_assert(eq(int, account_get(u, &handle, NULL, &a), 0));
	file_is(blocks);
	account_put(u, a);
}

Test(account, a_change_is_charged)
{
	change_to(20);
	cr_expect(eq(i64, charged(), 20 * BLOCK));
	change_to(0);
	cr_expect(eq(i64, charged(), 0));
}

Test(account, a_file_removed_while_it_is_truncated_is_given_back_once)
{
	struct statx victim = file;

	usage_remove_begin(u);
	change_to(0);
	cr_assert(eq(int, account_orphan(u, &handle, &victim, false), 0));
	account_gone(u, &handle);
	usage_remove_end(u);
	cr_expect(eq(i64, charged(), 0));
	cr_expect(eq(i64, atomic_load(&u->allocated), 0));
	cr_expect(eq(i64, atomic_load(&u->quota.used_inodes), 0));
}

Test(account, what_was_kept_for_a_removal_is_let_go)
{
	usage_remove_begin(u);
	change_to(1);
	usage_remove_end(u);
	cr_expect(ne(ptr, u->accounts, NULL));
	usage_sweep(u);
	cr_expect(eq(ptr, u->accounts, NULL));
	cr_expect(eq(i64, charged(), BLOCK));
}

static int written;

static int fake_is_written(struct store *st, const struct store_handle *h)
{
	(void)st;
	(void)h;
	return written;
}

static const struct store_ops mapped_ops = { .getattr = fake_getattr,
					     .is_written = fake_is_written };

static void has_cooled_off(void)
{
	struct account *a;
	struct account *next;

	HASH_ITER(hh, u->accounts, a, next)
	a->closed -= INT64_C(3600) * 1000000000;
	usage_sweep(u);
}

static int64_t allocated_now(void)
{
	struct usage_totals totals;

	usage_get(u, &totals);
	return totals.allocated;
}

static void close_with_hole(int64_t blocks)
{
	struct account *a;

	file_is(10);
	cr_assert(eq(int, account_get(u, &handle, NULL, &a), 0));
	file_is(blocks);
	file.stx_blocks = 0;
	account_put(u, a);
}

Test(account, hole_of_a_small_file_is_filled_after_its_close)
{
	close_with_hole(2);
	file_is(2);
	cr_assert(eq(i64, allocated_now(), 2 * BLOCK));
}

Test(account, hole_is_filled_as_long_as_it_is_mapped)
{
	store.ops = &mapped_ops;
	written = 1;
	close_with_hole(10);
	has_cooled_off();
	file_is(10);
	cr_assert(eq(i64, allocated_now(), 10 * BLOCK));
}

Test(account, file_with_holes_is_let_go_when_nobody_can_write_it)
{
	store.ops = &mapped_ops;
	written = 0;
	close_with_hole(10);
	cr_assert(u->accounts != NULL);
	has_cooled_off();
	cr_assert(u->accounts == NULL);
}
