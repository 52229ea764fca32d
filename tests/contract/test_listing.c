/* SPDX-License-Identifier: Apache-2.0 */
/* test_listing.c - listing directories, small and large */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/contract/contract.h"

#define N_FILES 3000

/* Which of f0000 .. were seen, and how often. */
struct listing {
	unsigned char seen[N_FILES];
	unsigned dots;
	unsigned left; /* entries to take in this call */
	uint64_t off;
	bool ended;
};

static int take(void *arg, const struct store_dirent *entry)
{
	struct listing *l = arg;
	unsigned long i;

	if (l->left == 0)
		return 1;
	l->left--;
	l->off = entry->off;
	l->ended = false;
	cr_assert(eq(sz, strlen(entry->name), entry->name_len));
	if (entry->name[0] == '.') {
		cr_expect(eq(int, entry->type, DT_DIR));
		l->dots++;
		return 0;
	}
	i = strtoul(entry->name + 1, NULL, 10);
	cr_assert(lt(ulong, i, N_FILES));
	cr_expect(eq(int, entry->type, DT_REG));
	l->seen[i]++;
	return 0;
}

static void list_some(struct volume_under_test *v, struct listing *l,
		      unsigned n)
{
	l->left = n;
	l->ended = true;
	cr_assert(eq(int, store_readdir(v->st, &v->root, l->off, take, l), 0));
}

static void make_files(struct volume_under_test *v)
{
	char name[16];

	for (int i = 0; i < N_FILES; i++) {
		snprintf(name, sizeof(name), "f%04d", i);
		cr_assert(eq(int, mknod(host_path(v, name), S_IFREG | 0644, 0),
			     0));
	}
}

CONTRACT(an_empty_directory_lists_itself_and_its_parent)
{
	struct volume_under_test *v = volume_open(place);
	static struct listing l;

	list_some(v, &l, 10);
	cr_expect(eq(uint, l.dots, 2));
	list_some(v, &l, 10);
	cr_expect(l.ended, "nothing behind the last entry");
}

CONTRACT(a_listing_resumes_where_it_stopped)
{
	struct volume_under_test *v = volume_open(place);
	static struct listing l;

	make_files(v);
	do
		list_some(v, &l, 7);
	while (!l.ended);
	cr_expect(eq(uint, l.dots, 2));
	for (int i = 0; i < N_FILES; i++)
		cr_assert(eq(int, l.seen[i], 1), "f%04d", i);
}

CONTRACT(a_listing_is_stable_while_entries_come_and_go)
{
	struct volume_under_test *v = volume_open(place);
	static struct listing l;
	char name[16];

	make_files(v);
	list_some(v, &l, N_FILES / 2);
	/* Every third of those that were listed goes, and new ones come. */
	for (int i = 0; i < N_FILES; i += 3) {
		snprintf(name, sizeof(name), "f%04d", i);
		if (l.seen[i])
			cr_assert(eq(int, store_unlink(v->st, &v->root, name),
				     0));
	}
	must_create(v, &v->root, ".new", "");
	cr_assert(eq(int, store_unlink(v->st, &v->root, ".new"), 0));
	do
		list_some(v, &l, 100);
	while (!l.ended);
	for (int i = 0; i < N_FILES; i++)
		cr_assert(eq(int, l.seen[i], 1), "f%04d", i);
}

static int check_ino(void *arg, const struct store_dirent *entry)
{
	struct volume_under_test *v = arg;
	struct store_handle h;

	if (entry->name[0] == '.')
		return 0;
	h = must_lookup(v, &v->root, entry->name);
	cr_expect(eq(u64, entry->ino, must_getattr(v, &h).stx_ino));
	return 0;
}

CONTRACT(listed_inode_numbers_are_those_of_the_attributes)
{
	struct volume_under_test *v = volume_open(place);

	must_create(v, &v->root, "a", "");
	must_mkdir(v, &v->root, "b");
	cr_assert(eq(int, store_readdir(v->st, &v->root, 0, check_ino, v), 0));
}

CONTRACT(only_directories_are_listed)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "");
	static struct listing l;

	cr_expect(eq(int, store_readdir(v->st, &a, 0, take, &l), -ENOTDIR));
}
