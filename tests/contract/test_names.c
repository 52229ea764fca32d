/* SPDX-License-Identifier: Apache-2.0 */
/* test_names.c - looking up, handles, links, removing and renaming */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/contract/contract.h"

CONTRACT(lookup_of_a_missing_name_is_enoent)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle h = { .realm = 77 };
	struct statx attr = { .stx_ino = 77 };

	cr_assert(eq(int, store_lookup(v->st, &v->root, "absent", &h, &attr),
		     -ENOENT));
	cr_expect(eq(int, h.realm, 77), "outputs are untouched");
	cr_expect(eq(u64, attr.stx_ino, 77), "outputs are untouched");
}

CONTRACT(no_name_leads_out_of_its_directory)
{
	struct volume_under_test *v = volume_open(place);

	cr_expect(eq(int, try_lookup(v, &v->root, ".."), -EINVAL));
	cr_expect(eq(int, try_lookup(v, &v->root, "."), -EINVAL));
	cr_expect(eq(int, try_lookup(v, &v->root, ""), -EINVAL));
	cr_expect(eq(int, try_lookup(v, &v->root, "../etc"), -EINVAL));
	cr_expect(eq(int, try_lookup(v, &v->root, "/etc"), -EINVAL));
	cr_expect(eq(int, store_unlink(v->st, &v->root, "a/b"), -EINVAL));
	cr_expect(eq(int, store_rmdir(v->st, &v->root, ".."), -EINVAL));
	cr_expect(eq(int,
		     store_rename(v->st, &v->root, "a", &v->root, "../b", 0),
		     -EINVAL));
}

CONTRACT(names_may_have_255_bytes_and_no_more)
{
	struct volume_under_test *v = volume_open(place);
	char name[258];

	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	cr_expect(eq(int, try_lookup(v, &v->root, name), -ENAMETOOLONG));
	name[255] = '\0';
	must_create(v, &v->root, name, "");
	cr_expect(eq(int, try_lookup(v, &v->root, name), 0));
}

CONTRACT(lookup_in_what_is_no_directory_is_enotdir)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle file = must_create(v, &v->root, "file", "");

	cr_expect(eq(int, try_lookup(v, &file, "x"), -ENOTDIR));
}

CONTRACT(a_file_has_one_handle_by_all_its_names)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "");
	struct store_handle b;
	struct statx attr;

	cr_assert(eq(int, store_link(v->st, &a, &v->root, "b", &attr), 0));
	cr_expect(eq(u32, attr.stx_nlink, 2));
	b = must_lookup(v, &v->root, "b");
	cr_expect(store_handle_equal(&a, &b));
	b = must_lookup(v, &v->root, "a");
	cr_expect(store_handle_equal(&a, &b));
	cr_expect(
		eq(int, store_link(v->st, &a, &v->root, "b", &attr), -EEXIST));
}

CONTRACT(a_new_file_never_gets_the_handle_of_a_removed_one)
{
	struct volume_under_test *v = volume_open(place);

	for (int i = 0; i < 50; i++) {
		struct store_handle a = must_create(v, &v->root, "a", "");
		struct store_handle b;

		store_forget(v->st, &a);
		cr_assert(eq(int, store_unlink(v->st, &v->root, "a"), 0));
		b = must_create(v, &v->root, "a", "");
		cr_assert(not(store_handle_equal(&a, &b)));
		cr_assert(eq(int, store_unlink(v->st, &v->root, "a"), 0));
	}
}

CONTRACT(the_handle_of_a_removed_file_is_estale_once_forgotten)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "");
	struct statx attr;

	cr_assert(eq(int, store_unlink(v->st, &v->root, "a"), 0));
	store_forget(v->st, &a);
	cr_expect(eq(int, store_getattr(v->st, &a, NULL, &attr), -ESTALE));
}

CONTRACT(nonsense_for_a_handle_is_estale)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle h = v->root;
	struct statx attr;

	h.realm = 900;
	cr_expect(eq(int, store_getattr(v->st, &h, NULL, &attr), -ESTALE));
	h.realm = 60000;
	cr_expect(eq(int, store_getattr(v->st, &h, NULL, &attr), -ESTALE));
	memset(&h, 0xff, sizeof(h));
	cr_expect(eq(int, store_getattr(v->st, &h, NULL, &attr), -ESTALE));
	memset(&h, 0, sizeof(h));
	cr_expect(eq(int, store_getattr(v->st, &h, NULL, &attr), -ESTALE));
}

CONTRACT(a_handle_survives_renames)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle d = must_mkdir(v, &v->root, "d");
	struct store_handle a = must_create(v, &v->root, "a", "abc");
	struct store_handle b;

	cr_assert(eq(int, store_rename(v->st, &v->root, "a", &d, "b", 0), 0));
	cr_expect(eq(int, try_lookup(v, &v->root, "a"), -ENOENT));
	b = must_lookup(v, &d, "b");
	cr_expect(store_handle_equal(&a, &b));
	cr_expect(eq(u64, must_getattr(v, &a).stx_size, 3));

	cr_assert(eq(int, store_rename(v->st, &v->root, "d", &v->root, "e", 0),
		     0));
	b = must_lookup(v, &d, "b");
	cr_expect(store_handle_equal(&a, &b), "its directory was renamed");
}

CONTRACT(rename_obeys_its_flags)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "");
	struct store_handle b = must_create(v, &v->root, "b", "");
	struct store_handle now;

	cr_expect(eq(int,
		     store_rename(v->st, &v->root, "a", &v->root, "b",
				  RENAME_NOREPLACE),
		     -EEXIST));
	cr_expect(eq(int,
		     store_rename(v->st, &v->root, "a", &v->root, "b",
				  RENAME_EXCHANGE),
		     0));
	now = must_lookup(v, &v->root, "a");
	cr_expect(store_handle_equal(&now, &b));
	now = must_lookup(v, &v->root, "b");
	cr_expect(store_handle_equal(&now, &a));
	cr_expect(eq(int, store_rename(v->st, &v->root, "no", &v->root, "b", 0),
		     -ENOENT));
}

CONTRACT(a_whiteout_is_a_device_of_root)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle h;
	struct statx attr;

	cr_assert(eq(int,
		     store_mknod(v->st, &v->root, "a", S_IFREG | 0644, 0,
				 &as_user, &h, &attr),
		     0));
	cr_assert(eq(int,
		     store_rename(v->st, &v->root, "a", &v->root, "b",
				  RENAME_WHITEOUT),
		     0));
	h = must_lookup(v, &v->root, "a");
	attr = must_getattr(v, &h);
	cr_expect(eq(int, attr.stx_mode &S_IFMT, S_IFCHR));
	cr_expect(eq(u32, attr.stx_uid, 0));
}

CONTRACT(only_empty_directories_are_removed)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle d = must_mkdir(v, &v->root, "d");

	must_create(v, &d, "file", "");
	cr_expect(eq(int, store_rmdir(v->st, &v->root, "d"), -ENOTEMPTY));
	cr_expect(eq(int, store_unlink(v->st, &v->root, "d"), -EISDIR));
	cr_expect(eq(int, store_rmdir(v->st, &d, "file"), -ENOTDIR));
	cr_assert(eq(int, store_unlink(v->st, &d, "file"), 0));
	cr_expect(eq(int, store_rmdir(v->st, &v->root, "d"), 0));
	cr_expect(eq(int, try_lookup(v, &v->root, "d"), -ENOENT));
	cr_expect(eq(int, try_lookup(v, &d, "file"), -ENOENT),
		  "a removed directory has no names");
}

CONTRACT(links_are_read_not_followed)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle d = must_mkdir(v, &v->root, "d");
	struct store_handle h;
	struct statx attr;
	char buf[64];

	cr_assert(eq(int,
		     store_symlink(v->st, &v->root, "l", "/etc/passwd",
				   &as_user, &h, &attr),
		     0));
	cr_expect(eq(int, attr.stx_mode &S_IFMT, S_IFLNK));
	cr_expect(eq(u32, attr.stx_uid, 1000));
	h = must_lookup(v, &v->root, "l");
	cr_expect(eq(int, must_getattr(v, &h).stx_mode &S_IFMT, S_IFLNK));
	cr_assert(eq(i64, store_readlink(v->st, &h, buf, sizeof(buf)), 11));
	cr_expect(eq(int, memcmp(buf, "/etc/passwd", 11), 0));
	cr_expect(eq(i64, store_readlink(v->st, &h, buf, 4), 4));
	cr_expect(eq(i64, store_readlink(v->st, &d, buf, 4), -EINVAL));
	cr_expect(eq(int, try_lookup(v, &h, "x"), -ENOTDIR));
	cr_assert(eq(int, store_link(v->st, &h, &v->root, "l2", &attr), 0));
	cr_expect(eq(int, attr.stx_mode &S_IFMT, S_IFLNK),
		  "the link itself got a second name");
}

CONTRACT(what_the_host_does_is_seen)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle d;

	cr_assert(eq(int, mkdir(host_path(v, "d"), 0700), 0));
	d = must_lookup(v, &v->root, "d");
	cr_expect(eq(int, try_lookup(v, &d, "f"), -ENOENT));
	cr_assert(eq(int, mknod(host_path(v, "d/f"), S_IFREG | 0600, 0), 0));
	cr_expect(eq(int, try_lookup(v, &d, "f"), 0));
	cr_assert(eq(int, unlink(host_path(v, "d/f")), 0));
	cr_expect(eq(int, try_lookup(v, &d, "f"), -ENOENT));
	cr_assert(eq(int, rmdir(host_path(v, "d")), 0));
	cr_expect(eq(int, try_lookup(v, &v->root, "d"), -ENOENT));
}
