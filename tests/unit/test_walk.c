/* SPDX-License-Identifier: Apache-2.0 */
/* test_walk.c - what a tree holds: links, holes, mounts, depth */
#include "store/walk.h"

#include "store/base/cleanup.h"
#include "store/usage.h"
#include "tests/unit/scratch.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define N_FILES 300
#define DEEP	200

static void setup(void)
{
	scratch_enter();
	scratch_directory("tree");
}

TestSuite(walk, .init = setup, .timeout = 60);

static int count(const char *path, size_t links_max, struct usage_totals *ret)
{
	cleanup_fd int fd = open(path, O_PATH | O_CLOEXEC);
	struct walk *w = walk_new(links_max, NULL);
	int r;

	cr_assert(ge(int, fd, 0));
	cr_assert(w != NULL);
	r = walk_count(w, fd, ret);
	walk_free(w);
	return r;
}

static struct usage_totals count_tree(void)
{
	struct usage_totals totals;

	cr_assert(eq(int, count("tree", WALK_LINKS_MAX, &totals), 0));
	return totals;
}

static int64_t allocated(const char *path)
{
	struct stat st;

	cr_assert(eq(int, lstat(path, &st), 0));
	return (int64_t)st.st_blocks * 512;
}

/* File i has i % 4 + 1 names, in two directories. */
static void make_links(void)
{
	char first[32];
	char other[32];

	scratch_directory("tree/a");
	scratch_directory("tree/b");
	for (int i = 0; i < N_FILES; i++) {
		snprintf(first, sizeof(first), "tree/a/%d", i);
		scratch_file(first, "hello world");
		for (int k = 0; k < i % 4; k++) {
			snprintf(other, sizeof(other), "tree/b/%d.%d", i, k);
			cr_assert(eq(int, link(first, other), 0));
		}
	}
}

Test(walk, a_file_of_several_names_counts_once)
{
	struct usage_totals totals;

	make_links();
	totals = count_tree();
	cr_expect(eq(i64, totals.inodes, N_FILES + 3));
	cr_expect(eq(i64, totals.allocated,
		     N_FILES * allocated("tree/a/0") + allocated("tree") +
			     allocated("tree/a") + allocated("tree/b")));
}

Test(walk, with_little_memory_for_names_the_count_is_the_same)
{
	struct usage_totals all;

	make_links();
	all = count_tree();
	for (size_t max = 12; max < 100; max *= 2) {
		struct usage_totals totals;

		cr_assert(eq(int, count("tree", max, &totals), 0));
		cr_expect(eq(i64, totals.inodes, all.inodes), "%zu", max);
		cr_expect(eq(i64, totals.allocated, all.allocated));
		cr_expect(eq(i64, totals.charged, all.charged));
	}
}

Test(walk, holes_are_not_allocated_but_charged)
{
	struct usage_totals totals;

	scratch_file("tree/holes", "");
	cr_assert(eq(int, truncate("tree/holes", 1 << 20), 0));
	totals = count_tree();
	cr_expect(eq(i64, totals.allocated,
		     allocated("tree") + allocated("tree/holes")));
	cr_expect(eq(i64, totals.charged, allocated("tree") + (1 << 20)));
}

Test(walk, what_is_mounted_below_is_left_out)
{
	struct usage_totals before;
	struct usage_totals totals;

	scratch_directory("tree/sub");
	scratch_directory("outside");
	scratch_file("tree/file", "");
	scratch_file("outside/file", "hello world");
	before = count_tree();
	cr_expect(eq(i64, before.inodes, 3));
	/* Of the same filesystem: the number of the device tells nothing. */
	cr_assert(
		eq(int, mount("outside", "tree/sub", NULL, MS_BIND, NULL), 0));
	cr_assert(eq(int,
		     mount("outside/file", "tree/file", NULL, MS_BIND, NULL),
		     0));
	totals = count_tree();
	cr_expect(eq(i64, totals.inodes, 1));
	cr_expect(eq(i64, totals.allocated, allocated("tree")));
}

Test(walk, a_deep_tree_is_walked_with_few_descriptors)
{
	struct usage_totals totals;
	char path[DEEP * 2 + 16] = "tree";
	size_t n = 4;

	for (int i = 0; i < DEEP; i++) {
		n += (size_t)snprintf(path + n, sizeof(path) - n, "/d");
		cr_assert(eq(int, mkdir(path, 0755), 0));
	}
	scratch_file("tree/last", "");
	totals = count_tree();
	cr_expect(eq(i64, totals.inodes, DEEP + 2));
}

Test(walk, what_is_no_directory_counts_by_itself)
{
	struct usage_totals totals;

	scratch_file("tree/file", "hello world");
	cr_assert(eq(int, count("tree/file", WALK_LINKS_MAX, &totals), 0));
	cr_expect(eq(i64, totals.inodes, 1));
	cr_expect(eq(i64, totals.allocated, allocated("tree/file")));
	cr_assert(eq(int, link("tree/file", "tree/other"), 0));
	cr_assert(eq(int, count("tree/file", WALK_LINKS_MAX, &totals), 0));
	cr_expect(eq(i64, totals.inodes, 1));
}

Test(walk, what_is_to_be_left_out_is_not_counted)
{
	cleanup_fd int fd = open("tree", O_PATH | O_CLOEXEC);
	struct walk *w = walk_new(WALK_LINKS_MAX, NULL);
	struct usage_totals totals;
	struct stat st;

	scratch_file("tree/a", "hello world");
	scratch_file("tree/b", "hello world");
	cr_assert(eq(int, stat("tree/a", &st), 0));
	cr_assert(eq(int, walk_skip(w, st.st_ino), 0));
	cr_assert(eq(int, walk_skip(w, st.st_ino), 0));
	cr_assert(eq(int, walk_count(w, fd, &totals), 0));
	cr_expect(eq(i64, totals.inodes, 2));
	walk_free(w);
}

Test(walk, one_that_is_told_to_stop_says_so_and_gives_no_number)
{
	cleanup_fd int fd = open("tree", O_PATH | O_CLOEXEC);
	atomic_bool stop = true;
	struct walk *w = walk_new(WALK_LINKS_MAX, &stop);
	struct usage_totals totals = { .inodes = 7 };

	cr_expect(eq(int, walk_count(w, fd, &totals), -ECANCELED));
	cr_expect(eq(i64, totals.inodes, 7));
	walk_free(w);
}
