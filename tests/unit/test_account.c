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
