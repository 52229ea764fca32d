/* SPDX-License-Identifier: Apache-2.0 */
/* test_inode.c - the inode table */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuse/inode.h"
#include "store/volume.h"

#define MANY 200000u

static struct inode_table *table;
static struct volume *vol;
static unsigned n_gone;
static int32_t unbacked;

static void gone(void *arg, const struct inode *inode)
{
	(void)arg;
	cr_assert(eq(ptr, inode->volume, vol));
	__atomic_add_fetch(&n_gone, 1, __ATOMIC_RELAXED);
}

static void unback(void *arg, int32_t id)
{
	(void)arg;
	unbacked = id;
}

static void close_store(struct store *st)
{
	free(st);
}

static void setup(void)
{
	static const struct store_ops none = { .close = close_store };
	struct store *st = calloc(1, sizeof(*st));

	st->ops = &none;
	vol = volume_new(7, "v", "emptyDir", "kubernetes.io/empty-dir", NULL,
			 st, true, false);
	cr_assert(
		eq(int, inode_table_new(NULL, gone, unback, NULL, &table), 0));
}

static void teardown(void)
{
	inode_table_free(table);
	volume_unref(vol);
}

TestSuite(inode, .init = setup, .fini = teardown, .timeout = 60);

static struct store_handle handle(uint32_t n)
{
	return (struct store_handle){
		.type = 1, .len = 4, .bytes = { n, n >> 8, n >> 16, n >> 24 }
	};
}

static uint64_t remember(uint32_t n)
{
	struct store_handle h = handle(n);
	struct inode inode;

	cr_assert(eq(int, inode_remember(table, vol, &h, &inode), 0));
	return inode.nodeid;
}

Test(inode, a_file_keeps_its_node_id_while_it_is_known)
{
	uint64_t id = remember(1);

	cr_expect(eq(u64, remember(1), id));
	cr_expect(ne(u64, remember(2), id));
}

Test(inode, a_node_id_is_gone_with_its_last_lookup)
{
	struct inode inode;
	uint64_t id = remember(1);

	remember(1);
	inode_forget(table, id, 1);
	cr_expect(eq(int, inode_get(table, id, &inode), 0));
	cr_expect(eq(uint, n_gone, 0));
	inode_forget(table, id, 1);
	cr_expect(eq(int, inode_get(table, id, &inode), -ESTALE));
	cr_expect(eq(uint, n_gone, 1));
}

Test(inode, a_forgotten_node_id_is_never_that_of_another_file)
{
	struct inode inode;
	uint64_t id = remember(1);

	inode_forget(table, id, 1);
	for (uint32_t n = 2; n < 5000; n++) {
		uint64_t other = remember(n);

		cr_assert(ne(u64, other, id));
		inode_forget(table, other, 1);
	}
	cr_expect(eq(int, inode_get(table, id, &inode), -ESTALE));
}

Test(inode, node_ids_from_nowhere_are_stale)
{
	static const uint64_t odd[] = {
		0, 2, UINT32_MAX, 1ULL << 32, (1ULL << 63) | 5, UINT64_MAX
	};
	struct inode inode;

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		cr_expect(eq(int, inode_get(table, odd[i], &inode), -ESTALE));
		inode_forget(table, odd[i], 1);
		inode_close(table, odd[i]);
	}
}

Test(inode, many_files_are_found_again_and_give_their_memory_back)
{
	uint64_t *ids = calloc(MANY, sizeof(*ids));
	struct inode_stats before;
	struct inode_stats full;
	struct inode_stats after;
	struct inode inode;

	remember(MANY);
	inode_table_stats(table, &before);
	for (uint32_t n = 0; n < MANY; n++)
		ids[n] = remember(n);
	inode_table_stats(table, &full);
	cr_expect(eq(u64, full.inodes, MANY + 1));
	cr_expect(lt(u64, full.bytes, MANY * 80ULL + (8u << 20)));
	for (uint32_t n = 0; n < MANY; n++) {
		struct store_handle h = handle(n);

		cr_assert(eq(int, inode_get(table, ids[n], &inode), 0));
		cr_assert(store_handle_equal(&inode.handle, &h));
		cr_assert(eq(u64, remember(n), ids[n]));
	}
	for (uint32_t n = 0; n < MANY; n++)
		inode_forget(table, ids[n], 2);
	inode_table_stats(table, &after);
	cr_expect(eq(u64, after.inodes, 1));
	/* One chunk of 64 KiB may stay in each of the 64 shards. */
	cr_expect(le(u64, after.bytes, before.bytes + 64ULL * (65u << 10)));
	free(ids);
}

/* Shared memory that this process has, in bytes: the table's. */
static uint64_t resident(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long kib = 0;
	char line[256];

	cr_assert(ne(ptr, f, NULL));
	while (fgets(line, sizeof(line), f))
		sscanf(line, "RssShmem: %lu", &kib);
	fclose(f);
	return (uint64_t)kib << 10;
}

/* That of the hash tables too: 4 bytes for each file. */
Test(inode, memory_that_was_needed_once_is_the_systems_again, .timeout = 180)
{
	const uint32_t many = 2000000;
	uint64_t *ids = calloc(many, sizeof(*ids));
	struct inode_stats stats;

	for (uint32_t n = 0; n < many; n++)
		ids[n] = remember(n);
	for (uint32_t n = 0; n < many; n++)
		inode_forget(table, ids[n], 1);
	inode_table_stats(table, &stats);
	cr_expect(eq(u64, stats.inodes, 0));
	cr_expect(le(u64, resident(), stats.bytes + (1u << 20)));
	free(ids);
}

Test(inode, the_volume_lives_as_long_as_its_files_are_known)
{
	uint64_t id = remember(1);

	cr_expect(eq(u64, vol->refs, 2));
	inode_forget(table, id, 1);
	cr_expect(eq(u64, vol->refs, 1));
}

static int backing_is_5(void *arg)
{
	(void)arg;
	return 5;
}

static int backing_is_refused(void *arg)
{
	(void)arg;
	return -EINVAL;
}

static int backing_is_not_ready(void *arg)
{
	(void)arg;
	return -EAGAIN;
}

Test(inode, all_opens_share_one_backing_id_until_the_last_close)
{
	uint64_t id = remember(1);
	int32_t backing = 0;

	cr_assert(eq(int, inode_open(table, id, backing_is_5, NULL, &backing),
		     0));
	cr_expect(eq(int, backing, 5));
	cr_assert(eq(int,
		     inode_open(table, id, backing_is_refused, NULL, &backing),
		     0));
	cr_expect(eq(int, backing, 5));
	inode_close(table, id);
	cr_expect(eq(int, unbacked, 0));
	inode_close(table, id);
	cr_expect(eq(int, unbacked, 5));
}

Test(inode, a_refused_backing_is_not_asked_for_again)
{
	struct inode inode;
	uint64_t id = remember(1);
	int32_t backing = 9;

	inode_open(table, id, backing_is_refused, NULL, &backing);
	cr_expect(eq(int, backing, 0));
	inode_close(table, id);
	backing = 9;
	inode_open(table, id, backing_is_5, NULL, &backing);
	cr_expect(eq(int, backing, 0));
	inode_get(table, id, &inode);
	cr_expect(ne(uint, inode.flags & INODE_NO_PASSTHROUGH, 0));
	inode_close(table, id);
}

Test(inode, an_open_that_is_not_ready_is_not_counted)
{
	struct inode inode;
	uint64_t id = remember(1);
	int32_t backing = 0;

	cr_expect(
		eq(int,
		   inode_open(table, id, backing_is_not_ready, NULL, &backing),
		   -EAGAIN));
	inode_get(table, id, &inode);
	cr_expect(not(inode.is_open));
}

Test(inode, a_forgotten_file_stays_while_it_is_open)
{
	struct inode inode;
	uint64_t id = remember(1);
	int32_t backing;

	inode_open(table, id, backing_is_5, NULL, &backing);
	inode_forget(table, id, 1);
	cr_expect(eq(int, inode_get(table, id, &inode), 0));
	inode_close(table, id);
	cr_expect(eq(int, inode_get(table, id, &inode), -ESTALE));
	cr_expect(eq(int, unbacked, 5));
}

static void *churn(void *arg)
{
	uint32_t seed = (uint32_t)(uintptr_t)arg;

	for (int i = 0; i < 50000; i++) {
		struct store_handle h;
		struct inode inode;

		seed = seed * 1664525u + 1013904223u;
		h = handle(seed >> 20);
		cr_assert(eq(int, inode_remember(table, vol, &h, &inode), 0));
		cr_assert(eq(int, inode_get(table, inode.nodeid, &inode), 0));
		inode_forget(table, inode.nodeid, 1);
	}
	return NULL;
}

Test(inode, threads_that_remember_and_forget_leave_nothing)
{
	struct inode_stats stats;
	pthread_t threads[4];

	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, churn, (void *)(i + 1));
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	inode_table_stats(table, &stats);
	cr_expect(eq(u64, stats.inodes, 0));
	cr_expect(eq(u64, vol->refs, 1));
}

Test(inode, keeps_a_flag_until_it_is_cleared)
{
	struct store_handle h = handle(1);
	struct inode i;

	cr_assert(eq(int, inode_remember(table, vol, &h, &i), 0));
	cr_expect(inode_set_flag(table, i.nodeid, INODE_NO_CAPABILITY));
	cr_expect(not(inode_set_flag(table, i.nodeid, INODE_NO_CAPABILITY)));
	inode_set_flag(table, i.nodeid, INODE_MAYBE_MAPPED);
	inode_clear_flag(table, i.nodeid, INODE_NO_CAPABILITY);
	cr_assert(eq(int, inode_get(table, i.nodeid, &i), 0));
	cr_expect(eq(uint, i.flags, INODE_MAYBE_MAPPED));
	inode_forget(table, i.nodeid, 1);
}
