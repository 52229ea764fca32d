/* SPDX-License-Identifier: Apache-2.0 */
/* test_attr.c - attributes, extended attributes, inode flags, statfs */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "tests/contract/contract.h"

static bool same_time(const struct statx_timestamp *a,
		      const struct statx_timestamp *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static void pass_time(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
}

static int setattr(struct volume_under_test *v, const struct store_handle *h,
		   struct store_setattr set, struct statx *ret)
{
	return store_setattr(v->st, h, NULL, &set, ret);
}

CONTRACT(attributes_are_those_that_the_host_sees)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "hello");
	struct statx attr = must_getattr(v, &a);
	struct stat st;

	cr_assert(eq(int, stat(host_path(v, "a"), &st), 0));
	cr_expect(eq(u64, attr.stx_ino, st.st_ino));
	cr_expect(eq(u64, attr.stx_size, 5));
	cr_expect(eq(u64, attr.stx_blocks, (uint64_t)st.st_blocks));
	cr_expect(
		eq(u32, attr.stx_mtime.tv_nsec, (uint32_t)st.st_mtim.tv_nsec));
	cr_expect(ne(uint, attr.stx_mask & STATX_BTIME, 0));
}

CONTRACT(setting_nothing_touches_nothing)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "");
	struct statx before = must_getattr(v, &a);
	struct statx after;

	pass_time();
	cr_assert(eq(int, setattr(v, &a, (struct store_setattr){ 0 }, &after),
		     0));
	cr_expect(same_time(&before.stx_ctime, &after.stx_ctime));
}

CONTRACT(the_mode_is_set_also_of_special_files_but_not_of_links)
{
	struct volume_under_test *v = volume_open(place);
	struct store_setattr set = { .set = STORE_SET_MODE, .mode = 06711 };
	struct store_handle h;
	struct statx attr;

	cr_assert(eq(int, mkfifo(host_path(v, "fifo"), 0600), 0));
	h = must_lookup(v, &v->root, "fifo");
	cr_assert(eq(int, setattr(v, &h, set, &attr), 0));
	cr_expect(eq(int, attr.stx_mode, S_IFIFO | 06711));
	cr_assert(eq(int, setattr(v, &v->root, set, &attr), 0));
	cr_expect(eq(int, attr.stx_mode, S_IFDIR | 06711));
	cr_assert(eq(int, symlink("fifo", host_path(v, "l")), 0));
	h = must_lookup(v, &v->root, "l");
	set.mode = 0600;
	cr_expect(eq(int, setattr(v, &h, set, &attr), -EOPNOTSUPP));
}

CONTRACT(a_new_owner_takes_the_set_user_id_bit_away)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "");
	struct store_setattr mode = { .set = STORE_SET_MODE, .mode = 06755 };
	struct store_setattr owner = { .set = STORE_SET_UID, .uid = 12 };
	struct store_setattr group = { .set = STORE_SET_GID, .gid = 13 };
	struct statx attr;

	cr_assert(eq(int, setattr(v, &a, mode, &attr), 0));
	cr_expect(eq(int, attr.stx_mode, S_IFREG | 06755));
	cr_assert(eq(int, setattr(v, &a, owner, &attr), 0));
	cr_expect(eq(u32, attr.stx_uid, 12));
	cr_expect(eq(u32, attr.stx_gid, 0));
	cr_expect(eq(int, attr.stx_mode, S_IFREG | 0755));
	cr_assert(eq(int, setattr(v, &a, group, &attr), 0));
	cr_expect(eq(u32, attr.stx_uid, 12));
	cr_expect(eq(u32, attr.stx_gid, 13));
}

CONTRACT(a_link_has_an_owner_and_times_of_its_own)
{
	struct volume_under_test *v = volume_open(place);
	struct store_setattr set = {
		.set = STORE_SET_UID | STORE_SET_GID | STORE_SET_MTIME,
		.uid = 7,
		.gid = 8,
		.mtime = { .tv_sec = 100, .tv_nsec = 200 },
	};
	struct store_handle target = must_create(v, &v->root, "target", "");
	struct store_handle h;
	struct statx attr;

	cr_assert(eq(int, symlink("target", host_path(v, "l")), 0));
	h = must_lookup(v, &v->root, "l");
	cr_assert(eq(int, setattr(v, &h, set, &attr), 0));
	cr_expect(eq(u32, attr.stx_uid, 7));
	cr_expect(eq(i64, attr.stx_mtime.tv_sec, 100));
	cr_expect(eq(u32, must_getattr(v, &target).stx_uid, 0));
}

CONTRACT(files_are_cut_and_grown)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "abcdef");
	struct store_setattr set = { .set = STORE_SET_SIZE, .size = 3 };
	struct statx before = must_getattr(v, &a);
	struct statx attr;

	pass_time();
	cr_assert(eq(int, setattr(v, &a, set, &attr), 0));
	cr_expect(eq(u64, attr.stx_size, 3));
	cr_expect(not(same_time(&before.stx_mtime, &attr.stx_mtime)));
	set.size = 1ull << 33;
	cr_assert(eq(int, setattr(v, &a, set, &attr), 0));
	cr_expect(eq(u64, attr.stx_size, 1ull << 33));
	set.size = 1ull << 63;
	cr_expect(lt(int, setattr(v, &a, set, &attr), 0));
}

CONTRACT(ftruncate_to_the_same_size_is_a_modification)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "abc");
	struct store_setattr set = { .set = STORE_SET_SIZE, .size = 3 };
	struct statx before = must_getattr(v, &a);
	struct store_file *file;
	struct statx attr;

	cr_assert(eq(int, store_open(v->st, &a, O_WRONLY, &file), 0));
	pass_time();
	cr_assert(eq(int, store_setattr(v->st, &a, file, &set, &attr), 0));
	cr_expect(not(same_time(&before.stx_mtime, &attr.stx_mtime)));
	store_release(v->st, file);
}

CONTRACT(only_regular_files_have_a_size_to_set)
{
	struct volume_under_test *v = volume_open(place);
	struct store_setattr set = { .set = STORE_SET_SIZE };
	struct store_handle h;
	struct statx attr;

	cr_expect(eq(int, setattr(v, &v->root, set, &attr), -EISDIR));
	cr_assert(eq(int, mkfifo(host_path(v, "fifo"), 0600), 0));
	h = must_lookup(v, &v->root, "fifo");
	cr_expect(eq(int, setattr(v, &h, set, &attr), -EINVAL));
}

CONTRACT(times_are_set_to_the_nanosecond_each_by_itself)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "");
	struct store_setattr set = {
		.set = STORE_SET_ATIME | STORE_SET_MTIME,
		.atime = { .tv_sec = 11, .tv_nsec = 123456789 },
		.mtime = { .tv_sec = -5, .tv_nsec = 999999999 },
	};
	struct statx attr;

	cr_assert(eq(int, setattr(v, &a, set, &attr), 0));
	cr_expect(eq(i64, attr.stx_atime.tv_sec, 11));
	cr_expect(eq(u32, attr.stx_atime.tv_nsec, 123456789));
	cr_expect(eq(i64, attr.stx_mtime.tv_sec, -5));
	cr_expect(eq(u32, attr.stx_mtime.tv_nsec, 999999999));

	set.set = STORE_SET_ATIME;
	set.atime.tv_nsec = UTIME_NOW;
	cr_assert(eq(int, setattr(v, &a, set, &attr), 0));
	cr_expect(gt(i64, attr.stx_atime.tv_sec, 1000));
	cr_expect(eq(i64, attr.stx_mtime.tv_sec, -5));
}

CONTRACT(extended_attributes_are_set_read_listed_and_removed)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "");
	const char *name = "trusted.colour";
	char buf[64];
	int r;

	r = store_setxattr(v->st, &a, name, "green", 5, XATTR_CREATE);
	if (r == -EOPNOTSUPP)
		cr_skip("no extended attributes here");
	cr_assert(eq(int, r, 0));
	cr_expect(eq(int,
		     store_setxattr(v->st, &a, name, "red", 3, XATTR_CREATE),
		     -EEXIST));
	cr_expect(eq(i64, store_getxattr(v->st, &a, name, NULL, 0), 5));
	cr_expect(eq(i64, store_getxattr(v->st, &a, name, buf, 2), -ERANGE));
	cr_expect(eq(i64, store_getxattr(v->st, &a, name, buf, 64), 5));
	cr_expect(eq(int, memcmp(buf, "green", 5), 0));
	cr_expect(eq(i64, store_listxattr(v->st, &a, NULL, 0), 15));
	cr_expect(eq(i64, store_listxattr(v->st, &a, buf, 64), 15));
	cr_expect(eq(str, buf, (char *)"trusted.colour"));
	cr_expect(eq(int, store_removexattr(v->st, &a, name), 0));
	cr_expect(eq(int, store_removexattr(v->st, &a, name), -ENODATA));
	cr_expect(eq(i64, store_getxattr(v->st, &a, name, buf, 64), -ENODATA));
}

CONTRACT(attributes_of_a_link_are_not_those_of_its_target)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle target = must_create(v, &v->root, "target", "");
	struct store_handle h;
	char buf[8];
	int r;

	cr_assert(eq(int, symlink("target", host_path(v, "l")), 0));
	h = must_lookup(v, &v->root, "l");
	r = store_setxattr(v->st, &h, "trusted.x", "1", 1, 0);
	if (r == -EOPNOTSUPP)
		cr_skip("no extended attributes here");
	cr_assert(eq(int, r, 0));
	cr_expect(eq(i64, store_getxattr(v->st, &h, "trusted.x", buf, 8), 1));
	cr_expect(eq(i64, store_getxattr(v->st, &target, "trusted.x", buf, 8),
		     -ENODATA));
	cr_expect(
		eq(int, store_setxattr(v->st, &h, "user.x", "1", 1, 0), -EPERM),
		"as of any link");
}

CONTRACT(inode_flags_are_read_and_set_but_the_project_is_not)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "");
	struct fsxattr fsx = { 0 };
	long flags = 0;
	int r;

	r = store_ioctl(v->st, &a, NULL, FS_IOC_GETFLAGS, &flags);
	if (r == -ENOTTY)
		cr_skip("no inode flags here");
	cr_assert(eq(int, r, 0));
	flags |= FS_NODUMP_FL;
	cr_expect(eq(int, store_ioctl(v->st, &a, NULL, FS_IOC_SETFLAGS, &flags),
		     0));
	flags = 0;
	cr_expect(eq(int, store_ioctl(v->st, &a, NULL, FS_IOC_GETFLAGS, &flags),
		     0));
	cr_expect(ne(long, flags &FS_NODUMP_FL, 0));
	cr_expect(
		eq(int,
		   store_ioctl(v->st, &v->root, NULL, FS_IOC_GETFLAGS, &flags),
		   0));

	if (store_ioctl(v->st, &a, NULL, FS_IOC_FSGETXATTR, &fsx) < 0)
		return;
	fsx.fsx_projid++;
	cr_expect(eq(int, store_ioctl(v->st, &a, NULL, FS_IOC_FSSETXATTR, &fsx),
		     -EPERM));
}

CONTRACT(unknown_ioctls_and_other_files_are_enotty)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "");
	struct store_handle fifo;
	char data[64] = { 0 };

	cr_expect(
		eq(int, store_ioctl(v->st, &a, NULL, FIFREEZE, data), -ENOTTY));
	cr_assert(eq(int, mkfifo(host_path(v, "fifo"), 0600), 0));
	fifo = must_lookup(v, &v->root, "fifo");
	cr_expect(eq(int,
		     store_ioctl(v->st, &fifo, NULL, FS_IOC_GETFLAGS, data),
		     -ENOTTY));
}

CONTRACT(statfs_is_that_of_the_filesystem)
{
	struct volume_under_test *v = volume_open(place);
	struct statvfs seen;
	struct statvfs host;

	cr_assert(eq(int, store_statfs(v->st, &v->root, &seen), 0));
	cr_assert(eq(int, statvfs(v->dir, &host), 0));
	cr_expect(eq(u64, seen.f_blocks, host.f_blocks));
	cr_expect(eq(u64, seen.f_bsize, host.f_bsize));
	cr_expect(eq(u64, seen.f_namemax, 255));
	cr_expect(eq(int, store_syncfs(v->st, &v->root), 0));
}
