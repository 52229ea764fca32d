/* SPDX-License-Identifier: Apache-2.0 */
/* test_file.c - the table of open files */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>

#include "fuse/file.h"

static struct file_table *table;

static void setup(void)
{
	cr_assert(eq(int, file_table_new(NULL, &table), 0));
}

static void teardown(void)
{
	file_table_free(table);
}

TestSuite(file, .init = setup, .fini = teardown, .timeout = 20);

static uint64_t add(uint64_t nodeid)
{
	struct file f = { .nodeid = nodeid };
	uint64_t fh;

	cr_assert(eq(int, file_add(table, &f, &fh), 0));
	return fh;
}

Test(file, a_handle_leads_to_its_file)
{
	uint64_t a = add(5);
	uint64_t b = add(6);

	cr_expect(eq(u64, file_get(table, a)->nodeid, 5));
	cr_expect(eq(u64, file_get(table, b)->nodeid, 6));
	cr_expect(eq(u64, file_table_count(table), 2));
}

Test(file, a_released_handle_is_never_that_of_another_file)
{
	struct file f;
	uint64_t fh = add(5);

	cr_assert(eq(int, file_remove(table, fh, &f), 0));
	cr_expect(eq(u64, f.nodeid, 5));
	cr_expect(eq(int, file_remove(table, fh, &f), -EBADF));
	cr_expect(ne(u64, add(6), fh));
	cr_expect(eq(ptr, file_get(table, fh), NULL));
}

Test(file, handles_from_nowhere_lead_to_nothing)
{
	static const uint64_t odd[] = { 0, 1, 1ULL << 32, UINT64_MAX,
					3ULL << 32 | 7 };

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		cr_expect(eq(ptr, file_get(table, odd[i]), NULL));
}

Test(file, what_is_left_at_the_end_is_found)
{
	struct file f;

	add(5);
	add(6);
	cr_expect(eq(int, file_remove_any(table, &f), 0));
	cr_expect(eq(int, file_remove_any(table, &f), 0));
	cr_expect(eq(int, file_remove_any(table, &f), -ENOENT));
}
