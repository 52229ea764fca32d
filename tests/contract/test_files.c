/* SPDX-License-Identifier: Apache-2.0 */
/* test_files.c - open files: reading, writing, holes, locks */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/contract/contract.h"

static struct store_file *must_open(struct volume_under_test *v,
				    const struct store_handle *h, int flags)
{
	struct store_file *file;

	cr_assert(eq(int, store_open(v->st, h, flags, &file), 0));
	return file;
}

CONTRACT(reads_are_short_at_the_end_of_the_file)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "abc");
	struct store_file *file = must_open(v, &a, O_RDONLY);
	char buf[8];

	cr_expect(eq(i64, store_pread(v->st, file, buf, sizeof(buf), 1), 2));
	cr_expect(eq(int, memcmp(buf, "bc", 2), 0));
	cr_expect(eq(i64, store_pread(v->st, file, buf, sizeof(buf), 99), 0));
	cr_expect(
		eq(i64, store_pread(v->st, file, buf, 1, 1ull << 63), -EINVAL));
	cr_expect(eq(i64, store_pwrite(v->st, file, "x", 1, 0), -EBADF));
	store_release(v->st, file);
}

CONTRACT(a_file_open_for_writing_can_be_read_by_the_kernel)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "abc");
	struct store_file *file = must_open(v, &a, O_WRONLY);
	char buf[8];

	cr_expect(eq(i64, store_pread(v->st, file, buf, sizeof(buf), 0), 3));
	store_release(v->st, file);
}

CONTRACT(offsets_count_and_appending_is_asked_for)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "abc");
	struct store_file *file = must_open(v, &a, O_WRONLY | O_APPEND);
	char buf[8];

	cr_assert(eq(i64, store_pwrite(v->st, file, "X", 1, 0), 1));
	cr_assert(eq(i64, store_pwrite(v->st, file, "de", 2, STORE_APPEND), 2));
	cr_assert(eq(i64, store_pread(v->st, file, buf, sizeof(buf), 0), 5));
	cr_expect(eq(int, memcmp(buf, "Xbcde", 5), 0));
	store_release(v->st, file);
}

CONTRACT(append_only_files_can_be_appended_to)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "abc");
	struct store_file *file;
	int fd = open(host_path(v, "a"), O_RDONLY);
	int old = 0;
	int flags;

	if (ioctl(fd, FS_IOC_GETFLAGS, &old) < 0) {
		close(fd);
		cr_skip("no append-only files here");
	}
	flags = old | FS_APPEND_FL;
	cr_assert(eq(int, ioctl(fd, FS_IOC_SETFLAGS, &flags), 0));
	cr_expect(eq(int, store_open(v->st, &a, O_WRONLY, &file), -EPERM));
	cr_expect(
		eq(int, store_open(v->st, &a, O_WRONLY | O_APPEND, &file), 0));
	cr_expect(eq(i64, store_pwrite(v->st, file, "d", 1, 3), 1));
	store_release(v->st, file);
	cr_assert(eq(int, ioctl(fd, FS_IOC_SETFLAGS, &old), 0));
	close(fd);
	cr_expect(eq(u64, must_getattr(v, &a).stx_size, 4));
}

CONTRACT(flags_without_meaning_here_do_no_harm)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "abc");
	struct store_file *file;
	char buf[3];

	file = must_open(v, &a,
			 O_RDWR | O_DIRECT | O_CREAT | O_NOCTTY | O_NOATIME |
				 O_DIRECTORY | O_SYNC);
	cr_expect(eq(i64, store_pread(v->st, file, buf, 3, 0), 3),
		  "any buffer will do");
	store_release(v->st, file);
	file = must_open(v, &a, O_RDWR | O_TRUNC);
	cr_expect(eq(u64, must_getattr(v, &a).stx_size, 0));
	store_release(v->st, file);
}

static int stat_path(void *arg, int fd)
{
	struct stat *st = arg;

	return fstat(fd, st) < 0 ? -errno : fcntl(fd, F_GETFL) & O_PATH;
}

CONTRACT(what_is_no_regular_file_is_never_opened)
{
	struct volume_under_test *v = volume_open(place);
	struct store_file *file;
	struct store_handle h;

	cr_assert(eq(int, mkfifo(host_path(v, "fifo"), 0600), 0));
	h = must_lookup(v, &v->root, "fifo");
	cr_expect(eq(int, store_open(v->st, &h, O_RDONLY, &file), -EINVAL));
	cr_expect(eq(int, store_open(v->st, &h, O_WRONLY, &file), -EINVAL));
	cr_expect(eq(int, store_fsync(v->st, &h, NULL, false), -EINVAL));
	cr_expect(
		eq(int, store_with_path(v->st, &h, stat_path, NULL), -EINVAL));
	cr_expect(
		eq(int, store_open(v->st, &v->root, O_RDONLY, &file), -EINVAL));
}

CONTRACT(an_open_file_outlives_its_last_name)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "abc");
	struct store_file *file = must_open(v, &a, O_RDWR);
	struct statx attr;
	char buf[8];

	cr_assert(eq(int, store_unlink(v->st, &v->root, "a"), 0));
	cr_expect(eq(i64, store_pread(v->st, file, buf, sizeof(buf), 0), 3));
	cr_expect(eq(i64, store_pwrite(v->st, file, "d", 1, 3), 1));
	cr_assert(eq(int, store_getattr(v->st, &a, file, &attr), 0));
	cr_expect(eq(u32, attr.stx_nlink, 0));
	cr_expect(eq(u64, attr.stx_size, 4));
	cr_assert(eq(int, store_getattr(v->st, &a, NULL, &attr), 0),
		  "the handle is good while it is open");
	store_release(v->st, file);
}

CONTRACT(holes_are_made_and_found)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "");
	struct store_file *file = must_open(v, &a, O_RDWR);
	char block[4096];

	memset(block, 'x', sizeof(block));
	cr_assert(
		eq(i64, store_pwrite(v->st, file, block, 4096, 1 << 20), 4096));
	cr_expect(eq(i64, store_lseek(v->st, &a, file, 0, SEEK_DATA), 1 << 20));
	cr_expect(eq(i64, store_lseek(v->st, &a, NULL, 1 << 20, SEEK_HOLE),
		     (1 << 20) + 4096));
	cr_expect(eq(i64, store_lseek(v->st, &a, file, 1 << 30, SEEK_DATA),
		     -ENXIO));
	cr_expect(eq(i64, store_lseek(v->st, &a, file, 0, SEEK_SET), -EINVAL));
	cr_expect(eq(int,
		     store_fallocate(v->st, &a, file,
				     FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				     1 << 20, 4096),
		     0));
	cr_expect(eq(i64, store_lseek(v->st, &a, file, 0, SEEK_DATA), -ENXIO));
	cr_expect(eq(int, store_fallocate(v->st, &a, NULL, 0, 0, 2 << 20), 0));
	cr_expect(eq(u64, must_getattr(v, &a).stx_size, 2 << 20));
	cr_expect(eq(int, store_fallocate(v->st, &a, file, 0, 0, 0), -EINVAL));
	cr_expect(eq(int, store_fallocate(v->st, &a, file, 0, INT64_MAX, 1),
		     -EFBIG));
	store_release(v->st, file);
}

CONTRACT(ranges_are_copied_with_and_without_open_files)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "abcdef");
	struct store_handle b = must_create(v, &v->root, "b", "");
	struct store_file *in = must_open(v, &a, O_RDONLY);
	struct store_file *out = must_open(v, &b, O_WRONLY);
	char buf[16];

	cr_expect(eq(i64,
		     store_copy_file_range(v->st, &a, in, 1, &b, out, 2, 3, 0),
		     3));
	cr_expect(
		eq(i64,
		   store_copy_file_range(v->st, &a, NULL, 0, &b, NULL, 0, 2, 0),
		   2));
	cr_expect(eq(i64, store_pread(v->st, out, buf, sizeof(buf), 0), 5));
	cr_expect(eq(int, memcmp(buf, "abbcd", 5), 0));
	cr_expect(eq(i64,
		     store_copy_file_range(v->st, &a, in, 0, &b, out, 0, 1, 9),
		     -EINVAL));
	store_release(v->st, in);
	store_release(v->st, out);
}

CONTRACT(what_was_written_is_made_durable)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "abc");
	struct store_file *file = must_open(v, &a, O_WRONLY);

	cr_expect(eq(int, store_fsync(v->st, &a, file, false), 0));
	cr_expect(eq(int, store_fsync(v->st, &a, file, true), 0));
	cr_expect(eq(int, store_fsync(v->st, &a, NULL, false), 0));
	cr_expect(eq(int, store_fsyncdir(v->st, &v->root, false), 0));
	cr_expect(eq(int, store_fsyncdir(v->st, &v->root, true), 0));
	cr_expect(eq(int, store_fsyncdir(v->st, &a, true), -ENOTDIR));
	store_release(v->st, file);
}

CONTRACT(a_descriptor_of_the_root_is_a_path_to_it)
{
	struct volume_under_test *v = volume_open(place);
	int fd = store_root_fd(v->st);
	struct stat st;

	cr_assert(ge(int, fd, 0));
	cr_assert(eq(int, fstat(fd, &st), 0));
	cr_expect(eq(u64, st.st_ino, v->root_attr.stx_ino));
	cr_expect(ne(int, fcntl(fd, F_GETFL) & O_PATH, 0));
	close(fd);
}

CONTRACT(a_backing_descriptor_is_a_path_to_the_same_file)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "abc");
	struct stat st;

	cr_assert(eq(int, store_with_path(v->st, &a, stat_path, &st), O_PATH));
	cr_expect(eq(u64, st.st_ino, must_getattr(v, &a).stx_ino));
}

CONTRACT(locks_conflict_with_those_of_the_host_where_it_has_the_files)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "abc");
	struct flock lock = { .l_type = F_WRLCK };
	int fd = store_lock_fd(v->st, &a, O_RDWR);
	int host;

	if (v->exclusive) {
		cr_expect(eq(int, fd, -EOPNOTSUPP));
		return;
	}
	cr_assert(ge(int, fd, 0));
	host = open(host_path(v, "a"), O_RDWR);
	cr_assert(eq(int, fcntl(host, F_OFD_SETLK, &lock), 0));
	cr_expect(eq(int, fcntl(fd, F_OFD_SETLK, &lock), -1));
	cr_expect(eq(int, errno, EAGAIN));
	close(host);
	cr_expect(eq(int, fcntl(fd, F_OFD_SETLK, &lock), 0));
	close(fd);
}
