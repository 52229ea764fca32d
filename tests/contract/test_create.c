/* SPDX-License-Identifier: Apache-2.0 */
/* test_create.c - whose a new file is, and what creation refuses */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/contract/contract.h"

static struct statx create_as(struct volume_under_test *v,
			      const struct store_handle *dir, const char *name,
			      mode_t mode, const struct store_cred *cred)
{
	struct store_handle h;
	struct statx attr;

	cr_assert(eq(int,
		     store_create(v->st, dir, name, mode, O_RDWR | O_EXCL, cred,
				  &h, &attr, NULL),
		     0));
	return attr;
}

CONTRACT(a_new_file_belongs_to_its_creator)
{
	struct volume_under_test *v = volume_open(place);
	struct store_cred other = { .uid = 5, .gid = 6, .umask = 077 };
	struct statx attr;

	attr = create_as(v, &v->root, "user", 0666, &as_user);
	cr_expect(eq(u32, attr.stx_uid, 1000));
	cr_expect(eq(u32, attr.stx_gid, 1001));
	cr_expect(eq(int, attr.stx_mode, S_IFREG | 0644));

	attr = create_as(v, &v->root, "other", 0666, &other);
	cr_expect(eq(u32, attr.stx_uid, 5));
	cr_expect(eq(u32, attr.stx_gid, 6));
	cr_expect(eq(int, attr.stx_mode, S_IFREG | 0600));

	attr = create_as(v, &v->root, "root", 04777, &as_root);
	cr_expect(eq(u32, attr.stx_uid, 0));
	cr_expect(eq(int, attr.stx_mode, S_IFREG | 04755));
}

CONTRACT(after_creating_as_a_user_everything_is_still_allowed)
{
	struct volume_under_test *v = volume_open(place);
	struct store_cred root_group = { .uid = 1000, .gid = 0, .umask = 0 };
	struct store_setattr set = { .set = STORE_SET_UID, .uid = 42 };
	struct store_handle d;
	struct statx attr;

	cr_assert(eq(int,
		     store_mkdir(v->st, &v->root, "private", 0700, &as_root, &d,
				 &attr),
		     0));
	create_as(v, &d, "a", 0600, &as_user);
	create_as(v, &d, "b", 0600, &root_group);
	create_as(v, &d, "c", 0600, &as_root);
	create_as(v, &d, "d", 0600, &as_user);
	cr_expect(eq(int, try_lookup(v, &d, "a"), 0));
	cr_expect(eq(int, store_setattr(v->st, &d, NULL, &set, &attr), 0));
	cr_expect(eq(int, store_unlink(v->st, &d, "c"), 0));
}

CONTRACT(a_creator_without_identity_is_refused)
{
	struct volume_under_test *v = volume_open(place);
	struct store_cred none = { .uid = UINT32_MAX, .gid = 0 };
	struct store_handle h;
	struct statx attr;

	cr_expect(eq(int,
		     store_mkdir(v->st, &v->root, "d", 0755, &none, &h, &attr),
		     -EOVERFLOW));
	cr_expect(eq(int, try_lookup(v, &v->root, "d"), -ENOENT));
}

CONTRACT(a_setgid_directory_hands_its_group_down)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle d;
	struct store_handle sub;
	struct statx attr;

	cr_assert(
		eq(int,
		   store_mkdir(v->st, &v->root, "d", 0777, &as_root, &d, &attr),
		   0));
	cr_assert(eq(int, chown(host_path(v, "d"), 0, 2222), 0));
	cr_assert(eq(int, chmod(host_path(v, "d"), 02777), 0));
	attr = create_as(v, &d, "f", 0644, &as_user);
	cr_expect(eq(u32, attr.stx_uid, 1000));
	cr_expect(eq(u32, attr.stx_gid, 2222));
	cr_assert(eq(int,
		     store_mkdir(v->st, &d, "sub", 0755, &as_user, &sub, &attr),
		     0));
	cr_expect(eq(u32, attr.stx_gid, 2222));
	cr_expect(eq(int, attr.stx_mode, S_IFDIR | 02755));
}

CONTRACT(a_default_acl_stands_in_for_the_umask)
{
	/* Version 2; user:: rwx, group:: rwx, other:: r-x. */
	static const unsigned char acl[] = {
		2,    0,    0, 0, 1,	0,    7,    0,	  0xff, 0xff,
		0xff, 0xff, 4, 0, 7,	0,    0xff, 0xff, 0xff, 0xff,
		0x20, 0,    5, 0, 0xff, 0xff, 0xff, 0xff,
	};
	struct volume_under_test *v = volume_open(place);
	struct store_handle d = must_mkdir(v, &v->root, "d");
	struct statx attr;
	int r;

	r = store_setxattr(v->st, &d, "system.posix_acl_default", acl,
			   sizeof(acl), 0);
	if (r == -EOPNOTSUPP)
		cr_skip("no ACLs here");
	cr_assert(eq(int, r, 0));
	attr = create_as(v, &d, "f", 0666, &as_user);
	cr_expect(eq(int, attr.stx_mode, S_IFREG | 0664));
}

CONTRACT(every_type_of_file_can_be_made)
{
	struct volume_under_test *v = volume_open(place);
	static const mode_t types[] = { S_IFREG, S_IFIFO, S_IFSOCK, S_IFCHR,
					S_IFBLK };
	struct store_handle h;
	struct statx attr;
	char name[2] = "a";

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		cr_assert(eq(int,
			     store_mknod(v->st, &v->root, name, types[i] | 0622,
					 makedev(1, 7), &as_user, &h, &attr),
			     0));
		cr_expect(eq(int, attr.stx_mode, types[i] | 0600));
		cr_expect(eq(u32, attr.stx_uid, 1000));
		if (types[i] == S_IFCHR)
			cr_expect(eq(u32, attr.stx_rdev_minor, 7));
		name[0]++;
	}
	cr_expect(eq(int,
		     store_mknod(v->st, &v->root, "a", S_IFIFO | 0600, 0,
				 &as_root, &h, &attr),
		     -EEXIST));
}

CONTRACT(create_opens_what_is_there_unless_told_otherwise)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "abc");
	struct store_file *file = NULL;
	struct store_handle h;
	struct statx attr;
	char buf[8];

	cr_expect(eq(int,
		     store_create(v->st, &v->root, "a", 0644, O_RDWR | O_EXCL,
				  &as_user, &h, &attr, &file),
		     -EEXIST));
	cr_assert(eq(int,
		     store_create(v->st, &v->root, "a", 0644, O_RDWR, &as_user,
				  &h, &attr, &file),
		     0));
	cr_expect(store_handle_equal(&a, &h));
	cr_expect(eq(u32, attr.stx_uid, 0), "it was not created anew");
	cr_expect(eq(i64, store_pread(v->st, file, buf, sizeof(buf), 0), 3));
	store_release(v->st, file);
	cr_assert(eq(int,
		     store_create(v->st, &v->root, "a", 0644, O_RDWR | O_TRUNC,
				  &as_user, &h, &attr, NULL),
		     0));
	cr_expect(eq(u64, attr.stx_size, 0), "O_TRUNC is obeyed");
}

CONTRACT(create_never_goes_through_a_link_or_into_a_fifo)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle h;
	struct statx attr;

	cr_assert(eq(int, symlink("target", host_path(v, "l")), 0));
	cr_assert(eq(int, mkfifo(host_path(v, "fifo"), 0600), 0));
	cr_expect(eq(int,
		     store_create(v->st, &v->root, "l", 0644, O_RDWR, &as_root,
				  &h, &attr, NULL),
		     -ESTALE));
	cr_expect(eq(int, try_lookup(v, &v->root, "target"), -ENOENT));
	cr_expect(eq(int,
		     store_create(v->st, &v->root, "fifo", 0644, O_WRONLY,
				  &as_root, &h, &attr, NULL),
		     -ESTALE));
}

CONTRACT(others_files_in_a_sticky_directory_can_be_opened_by_create)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle h;
	struct statx attr;

	cr_assert(eq(int, chmod(v->dir, 01777), 0));
	create_as(v, &v->root, "f", 0666, &as_user);
	cr_expect(eq(int,
		     store_create(v->st, &v->root, "f", 0666, O_RDWR, &as_root,
				  &h, &attr, NULL),
		     0));
}

CONTRACT(an_unnamed_file_can_get_a_name)
{
	struct volume_under_test *v = volume_open(place);
	struct store_file *file;
	struct store_handle h;
	struct store_handle named;
	struct statx attr;

	cr_assert(eq(int,
		     store_tmpfile(v->st, &v->root, 0666, O_RDWR, &as_user, &h,
				   &attr, &file),
		     0));
	cr_expect(eq(u32, attr.stx_uid, 1000));
	cr_expect(eq(u32, attr.stx_nlink, 0));
	cr_expect(eq(int, attr.stx_mode, S_IFREG | 0644));
	cr_expect(eq(i64, store_pwrite(v->st, file, "abc", 3, 0), 3));
	cr_expect(eq(u64, must_getattr(v, &h).stx_size, 3));
	cr_assert(eq(int, store_link(v->st, &h, &v->root, "named", &attr), 0));
	cr_expect(eq(u32, attr.stx_nlink, 1));
	store_release(v->st, file);
	named = must_lookup(v, &v->root, "named");
	cr_expect(store_handle_equal(&named, &h));
}

CONTRACT(an_unnamed_file_with_excl_stays_unnamed)
{
	struct volume_under_test *v = volume_open(place);
	struct store_file *file;
	struct store_handle h;
	struct statx attr;

	cr_assert(eq(int,
		     store_tmpfile(v->st, &v->root, 0666, O_RDWR | O_EXCL,
				   &as_user, &h, &attr, &file),
		     0));
	cr_expect(eq(int, store_link(v->st, &h, &v->root, "named", &attr),
		     -ENOENT));
	store_release(v->st, file);
}
